"""Finding faces, as the commands' options ask for."""

import argparse
import logging
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from lib.checked import call
from lib.errors import FaceswapError
from lib.extract.alignments import Alignments
from lib.extract.face import Face, Found
from lib.extract.finder import FaceFinder
from lib.extract.identity import Identity
from lib.extract.recogniser import Recogniser, examples
from lib.media.frame import Frame
from plugins import loader

logger = logging.getLogger(__name__)


def settings(arguments: argparse.Namespace) -> dict[str, Any]:
    """What decides which faces are found, by name, for the alignments file."""
    names = ("detector", "aligner", "min_size", "max_faces", "rotate", "only")
    return {name: getattr(arguments, name) for name in names}


def make_finder(arguments: argparse.Namespace, *, recognises: bool = False) -> FaceFinder:
    """Make what finds faces.

    Parameters
    ----------
    arguments
        The command's.
    recognises
        Whether people are to be known again, where that can be had.

    Raises
    ------
    FaceswapError
        There is no such plugin, or it lacks its weights; or who is wanted can't be told.
    """
    detect = loader.load("detect", arguments.detector, arguments.plugin_dir)
    align = loader.load("align", arguments.aligner, arguments.plugin_dir)
    make = partial(
        FaceFinder,
        call("detector", detect, arguments.min_size),
        call("aligner", align),
        smallest=arguments.min_size,
        most=arguments.max_faces,
        rotate=arguments.rotate,
    )
    if arguments.only is None and not recognises:
        return make()
    try:
        embed = Identity()
    except FaceswapError as error:
        if arguments.only is not None:
            raise
        logger.info("After a cut a person counts as another one: %s", error)
        return make()
    only = [] if arguments.only is None else examples(make(), embed, arguments.only)
    return make(recogniser=Recogniser(embed, only))


def nobody(source: str | Path, finder: FaceFinder | None, person: int | None = None) -> str:
    """Say that nobody who is wanted was found, and what to do.

    Parameters
    ----------
    source
        Where faces were looked for.
    finder
        What looked for them; None where they were known.
    person
        Number of the only one who was wanted of these, if any.
    """
    if finder is None:
        whose = "face" if person is None else f"face of person {person}"
        return f"the alignments file tells of no {whose} in the frames of '{source}'"
    others = finder.recogniser.unwanted if finder.recogniser else 0
    if others:
        return f"none of {others} faces in '{source}' is like the one of --only"
    return f"no face was found in '{source}': try --rotate or a smaller --min-size"


class KnownFaces:
    """Gives the faces that an alignments file tells of, and looks where it has no line.

    Parameters
    ----------
    alignments
        What is known.
    arguments
        The command's options; ``person`` is the number, from 1, of the only one to give.
    """

    def __init__(self, alignments: Alignments, arguments: argparse.Namespace) -> None:
        self._alignments = alignments
        # What the file lacks is looked for in the way in which it was made.
        known = {key: alignments.looked.settings.get(key) for key in settings(arguments)}
        given = {key: value for key, value in known.items() if value is not None}
        self._arguments = argparse.Namespace(**vars(arguments) | given)
        self._finder: FaceFinder | None = None
        frames = alignments.frames.values()
        people = {face.person + 1 for frame in frames for face in frame.faces}
        if arguments.person is not None and arguments.person not in people:
            there = ", ".join(map(str, sorted(people))) or "nobody"
            raise FaceswapError(
                f"--person {arguments.person} is not in the alignments file: there is {there}"
            )

    def __call__(self, frames: Iterable[Frame]) -> Iterator[Found]:
        """Go through frames.

        Raises
        ------
        FaceswapError
            A frame is another one than the file tells of, or there is no line of it and only one
            person is wanted.
        """
        for frame in frames:
            yield frame, self._faces(frame)

    def _faces(self, frame: Frame) -> Sequence[Face]:
        person, known = self._arguments.person, self._alignments.check(frame)
        if known is not None:
            return [face for face in known.faces if person in (None, face.person + 1)]
        if person is not None or self._arguments.only is not None:
            raise FaceswapError(
                f"frame {frame.index + 1} is not in the alignments file, so who is in it is not "
                "known: leave --person out, or run faceswap extract on all frames, without --every"
            )
        if self._finder is None:
            logger.warning(
                "Frame %d is not in the alignments file: faces of such frames are looked for",
                frame.index + 1,
            )
            self._finder = make_finder(self._arguments)
        return self._finder(frame.image)
