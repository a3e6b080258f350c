"""``faceswap convert``: a video or pictures with the faces swapped."""

import logging
import os
import time
from argparse import Namespace
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

from lib.checked import call
from lib.config import ini
from lib.config.convert import CONVERT
from lib.config.options import Options
from lib.convert.compose import Composer
from lib.convert.pipeline import Find, Pipeline
from lib.convert.predict import Swapper
from lib.convert.sheet import before_and_after
from lib.convert.window import Window
from lib.errors import FaceswapError
from lib.extract.alignments import alignments_file, read_alignments
from lib.media.credentials import Credentials
from lib.media.frame import Frame
from lib.media.mark import read_title, write_picture
from lib.media.pictures import PICTURES
from lib.media.source import Source, open_source
from lib.progress import ConsoleBesideBar, progress
from plugins import loader
from scripts.command import Command
from scripts.finding import KnownFaces, make_finder, nobody, settings
from scripts.loading import load_trained

logger = logging.getLogger(__name__)

PREVIEWED = 12
"""Frames of the preview."""

PREVIEW_TITLE = "Frames before and after"
"""So that a preview is known from other pictures, and may be replaced."""
PREVIEWS = (".png", ".jpg", ".jpeg", ".webp")


class Convert(Command):
    """The convert command.

    Raises
    ------
    FaceswapError
        Options contradict each other.
    """

    def __init__(self, arguments: Namespace) -> None:
        super().__init__(arguments)
        if arguments.person and not arguments.alignments:
            raise FaceswapError("--person takes its number from faceswap extract: add -a")
        if arguments.only and arguments.alignments:
            raise FaceswapError(
                "--only is for faces that are looked for: with -a choose by --person"
            )
        if bool(arguments.certificate) != bool(arguments.key):
            raise FaceswapError("--certificate and --key belong together: give both")

    def process(self) -> None:
        """Write the swapped frames.

        Raises
        ------
        FaceswapError
            The source, the alignments or the model can't be read, no face is found, or the output
            can't be written; what is kept is told.
        """
        self.log(ConsoleBesideBar())
        source = open_source(self._args.input)
        self._check_output()
        sections = loader.convert_sections(self._args.plugin_dir)
        ini.tell(self._args.configfile, CONVERT)
        self._options = ini.load(self._args.configfile, sections, CONVERT)
        self._compose, self._find = self._make_composer(), self._make_find(source)
        self._swap = self._make_swapper()
        if self._args.preview:
            self._preview(source)
        else:
            self._convert(source)

    def _check_output(self) -> None:
        path = Path(self._args.output)
        if not self._args.preview:
            if os.path.lexists(path) and not path.is_dir():  # into a folder the writer looks
                raise FaceswapError(f"'{path}' is there already: name another output, or remove it")
        elif path.suffix.lower() not in PREVIEWS:
            raise FaceswapError(f"the preview '{path}' must end in one of {', '.join(PREVIEWS)}")
        elif os.path.lexists(path) and read_title(path) != PREVIEW_TITLE:
            raise FaceswapError(f"'{path}' is there already, and no preview: name another output")

    def _preview(self, source: Source) -> None:
        every = max(1, (source.count or PREVIEWED) // PREVIEWED)
        originals: list[Frame] = []
        faces = 0
        pairs = []
        with self._pipeline(_noted(source.frames(every // 2, every), originals)) as converted:
            for done in progress(islice(converted, PREVIEWED), "Preview", PREVIEWED, "frame"):
                faces += done.faces
                pairs.append((done.frame.name, originals.pop(0).image, done.frame.image))
        if not pairs:
            raise FaceswapError(f"'{source.path}' breaks off before its first previewed frame")
        write_picture(self._args.output, before_and_after(pairs), PREVIEW_TITLE)
        logger.info("%d frames before and after in %s", len(pairs), self._args.output)
        if not faces:
            logger.warning("None of these frames shows a face")

    def _convert(self, source: Source) -> None:
        begun, frames, faces, without, last = time.monotonic(), 0, 0, 0, -1
        with self._make_writer(source) as writer:
            start = writer.done
            if self._args.resume and start:
                logger.info("%d frames are there already", start)
            with self._pipeline(source.frames(start)) as converted, _telling_what_is_kept(writer):
                for done in progress(converted, "Converting", source.count, "frame", start):
                    writer.write(done.frame, done.faces)
                    frames, faces = frames + 1, faces + done.faces
                    without += not done.faces
                    last = done.frame.index
                _tell_stages(converted)
            if not writer.faces:
                writer.discard()
                raise FaceswapError(
                    f"nothing was swapped: {nobody(source.path, self._finder, self._args.person)}"
                )
            writer.finish()
        if frames and self._last_known > last:
            logger.warning(
                "The alignments file goes on for %d frames: if the video was cut at its beginning, "
                "the swaps are of other frames",
                self._last_known - last,
            )
        rate = frames / max(time.monotonic() - begun, 1e-9)
        more = f"; {without} frames show none, and are as they were" if without else ""
        logger.info("%d faces in %d frames swapped, %.1f frames/s%s", faces, frames, rate, more)
        logger.info("Written to %s, marked as made with a trained model", self._args.output)

    def _pipeline(self, frames: Iterable[Frame]) -> Pipeline:
        return Pipeline(frames, self._find, self._swap, self._compose)

    def _make_swapper(self) -> Swapper:
        side = "a" if self._args.swap_model else "b"
        # The file of options named here is convert's; a model keeps its own.
        arguments = Namespace(**{**vars(self._args), "configfile": None})
        model = load_trained(arguments, side)
        predictor = model.predictor
        return Swapper(
            lambda windows: predictor.windows(windows, side),
            predictor.input_edge(side),
            Window(model.centring, predictor.coverage),
            predictor.batch_size,
        )

    def _make_composer(self) -> Composer:
        mask, color, scaling = (self._plugin(kind) for kind in ("mask", "color", "scaling"))
        edge: Any = self._options["mask"]
        return Composer(mask, edge, color, scaling)

    def _make_find(self, source: Source) -> Find:
        self._finder, self._last_known = None, -1
        if self._args.alignments:
            alignments = read_alignments(self._args.alignments)
            looked, name = alignments.looked, source.path.name
            if looked.is_video and source.is_video and looked.source != name:
                logger.warning(
                    "The alignments file is of '%s', and this is '%s': swaps are right only where "
                    "the frames are the same",
                    *(looked.source, name),
                )
            if looked.is_video or source.is_video:  # else names tell
                self._last_known = max(alignments.frames, default=-1)
            return KnownFaces(alignments, self._args)
        self._finder = make_finder(self._args)
        return self._finder.follow

    def _plugin(self, kind: str, *arguments: Any, **more: Any) -> Any:
        name = getattr(self._args, kind)
        plugin = loader.load(kind, name, self._args.plugin_dir)
        options = self._options.get(f"{kind}.{name}")
        return call(
            loader.KINDS[kind].title, plugin, *arguments, *([options] if options else []), **more
        )

    def _make_writer(self, source: Source) -> Any:
        path = Path(self._args.output)
        self._args.writer = self._args.writer or _writer_for(path)
        signs = self._args.certificate is not None
        return self._plugin(
            "writer",
            path,
            source,
            resume=self._args.resume,
            made_with=self._made_with(),
            credentials=Credentials(self._args.certificate, self._args.key) if signs else None,
        )

    def _made_with(self) -> dict[str, Any]:
        """What decides how frames look, so that no run goes on with another's frames."""
        names = ("swap_model", "person", "mask", "color", "scaling")
        chosen = {name: getattr(self._args, name) for name in names} | settings(self._args)
        plugins = ("mask", "color", "scaling", "detector", "aligner")
        chosen |= {name: chosen[name].lower() for name in plugins if chosen.get(name)}
        model = Path(self._args.model_dir)
        chosen["model"] = [_file(path) for path in sorted(model.glob("*.keras"))]
        alignments = self._args.alignments and alignments_file(self._args.alignments)
        chosen["alignments"] = alignments and _file(alignments)
        return chosen | {"options": _plain(self._options)}


@contextmanager
def _telling_what_is_kept(writer: Any) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        if writer.done:
            logger.info("Stopped: %d frames are kept, and --resume goes on", writer.done)
        raise


def _file(path: Path) -> list[Any]:
    """What tells a file from another one, or from what it was before."""
    stat = path.stat()
    return [str(path.resolve()), stat.st_size, stat.st_mtime_ns]


def _plain(options: Mapping[str, Options]) -> dict[str, Any]:
    return {section: asdict(values) for section, values in options.items()}


def _noted(frames: Iterable[Frame], notes: list[Frame]) -> Iterator[Frame]:
    for frame in frames:
        notes.append(frame)
        yield frame


def _writer_for(path: Path) -> str:
    """The writer that a path's suffix asks for."""
    suffix = path.suffix.lower()
    if not suffix or path.is_dir():
        return "pictures"
    if suffix in PICTURES:
        return "picture"
    return "gif" if suffix == ".gif" else "video"


def _tell_stages(pipeline: Pipeline) -> None:
    for stage in pipeline.stages:
        logger.debug("Stage %s worked for %.1f s", stage.name, stage.worked)
