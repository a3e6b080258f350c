"""``faceswap extract``: the faces of a video, a folder of pictures or a picture."""

import logging
from argparse import Namespace
from pathlib import Path

from lib.errors import FaceswapError
from lib.extract.alignments import Looked
from lib.extract.face import Found
from lib.extract.finder import FaceFinder
from lib.extract.known import People, remember_people
from lib.extract.output import Output, Pictures, person_folder
from lib.media.names import twins
from lib.media.source import Source, open_source
from lib.media.stages import Stage
from lib.progress import ConsoleBesideBar, progress
from scripts.command import Command
from scripts.finding import make_finder, nobody, settings

logger = logging.getLogger(__name__)

_BACK = 30
"""Frames before the first new one that are looked at again, so that people are known again."""


class Extract(Command):
    """The extract command."""

    def __init__(self, arguments: Namespace) -> None:
        super().__init__(arguments)
        self._folder = Path(arguments.output)

    def process(self) -> None:
        """Write the faces, with their alignments.

        Raises
        ------
        FaceswapError
            The source can't be read or shows no face, or the folder can't be written to.
        """
        self.log(ConsoleBesideBar())
        source = open_source(self._args.input)
        finder = make_finder(self._args, recognises=True)
        known = settings(self._args)
        known |= {"every": self._args.every, "recognises": finder.recognises}
        known |= {"size": self._args.size, "skip_blurred": self._args.skip_blurred}
        looked = Looked(source.path.name, source.is_video, known)
        pictures = Pictures(self._args.size, self._args.skip_blurred, self._args.debug)
        resume, alike = self._args.resume, twins(source)
        with Output(self._folder, looked, pictures, resume=resume, twins=alike) as output:
            self._extract(source, finder, output)
        self._tell(output, finder)

    def _extract(self, source: Source, finder: FaceFinder, output: Output) -> None:
        known = output.known.frames
        every, last = self._args.every, max(known, default=None)
        start = 0 if last is None else max(0, last - _BACK * every)
        # Before the stages start, whose threads use the recogniser.
        remembered = remember_people(self._folder, known, finder.recogniser)
        read = Stage("read", source.frames(start, every))
        found: Stage[Found] = Stage("find", finder.follow(read), before=read)
        total = None if source.count is None else -(-(source.count - start) // every)
        people = People(known, remembered)
        try:
            for frame, faces in progress(found, "Extracting", total, "frame"):
                if last is not None and frame.index <= last:
                    output.known.check(frame)
                    people.learn(frame.index, faces)
                else:
                    output.write(frame, people.name(faces))
        except KeyboardInterrupt:
            logger.info("Stopped: the faces that were found are kept, and --resume goes on")
            raise
        finally:
            found.close()

    def _tell(self, output: Output, finder: FaceFinder) -> None:
        done = output.sort()
        if not done.pictures:
            output.forget()
            raise FaceswapError(nobody(self._args.input, finder))
        logger.info(
            "%d faces in %d frames; %d frames show none",
            done.pictures.total(),
            done.frames,
            done.without,
        )
        if not done.pictures.total():
            logger.warning("No picture was written: every face is blurred; lower --skip-blurred")
            return
        if not done.has_folders:
            logger.info("%d pictures in %s", done.pictures.total(), self._folder)
            return
        for person, count in sorted(done.pictures.items()):
            place = self._folder / person_folder(person)
            logger.info("Person %d: %d pictures in %s", person + 1, count, place)
