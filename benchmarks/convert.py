"""Converting a clip of 360 lines, against the obvious loop of one frame at a time."""

import statistics
import tempfile
import time
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.faces import GRID, are_real
from benchmarks.plugin import make_plugin
from benchmarks.timing import parser, report
from lib.config.convert import MaskOptions
from lib.convert.compose import Composer
from lib.convert.pipeline import Pipeline
from lib.convert.predict import Swapper
from lib.convert.window import Window
from lib.media.source import Source, open_source
from lib.model.predictor import Predictor, side_path
from lib.synthetic.parameters import Identity
from lib.synthetic.performance import performance
from lib.synthetic.render import render
from plugins import loader
from plugins.convert.writer.video import Writer
from scripts.finding import make_finder

HEIGHT, WIDTH, FRAMES = 360, 640, 150
FINDING = Namespace(
    detector="blazeface",
    aligner="facemesh",
    min_size=40,
    max_faces=None,
    rotate=False,
    only=None,
    plugin_dir=None,
)


def main() -> None:
    options = parser(__doc__, rounds=3)
    arguments = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clip = folder / "clip.mp4"
        write_clip(clip)
        source, parts = open_source(clip), Parts()
        rounds: list[tuple[float, float]] = []
        stages: list[dict[str, float]] = []
        for number in range(arguments.rounds):
            begun = time.perf_counter()
            one_at_a_time(source, parts, folder / f"loop{number}.mp4")
            between = time.perf_counter()
            stages.append(overlapping(source, parts, folder / f"ours{number}.mp4"))
            rounds.append((time.perf_counter() - between, between - begun))
    shares = {
        f"{stage}_share": statistics.median(each[stage] for each in stages) for stage in stages[0]
    }
    taken, loop = (statistics.median(times) for times in zip(*rounds, strict=True))
    report(
        {
            "model": "compact",
            "height": HEIGHT,
            "frames": FRAMES,
            "frames_per_second": FRAMES / taken,
            "loop_frames_per_second": FRAMES / loop,
            "speedup": statistics.median(loop / taken for taken, loop in rounds),
            **shares,
        },
        arguments.json,
    )


class Parts:
    """What both ways are made of: the model, new as it is, and the default plugins."""

    def __init__(self) -> None:
        plugin = make_plugin("compact")
        self.predictor = Predictor(
            {"b": side_path(plugin.model, "b")},
            plugin.coverage_ratio,
            batch_size=plugin.config["convert_batchsize"],
        )
        self.finder = make_finder(FINDING)
        self.window = Window(plugin.config["centering"], plugin.coverage_ratio)
        mask, color, scaling = (
            loader.load(kind, name)()
            for kind, name in (("mask", "extended"), ("color", "average"), ("scaling", "none"))
        )
        self.compose = Composer(mask, MaskOptions(), color, scaling)

    def swapper(self, batch: int) -> Swapper:
        return Swapper(
            lambda windows: self.predictor.windows(windows, "b"),
            self.predictor.input_edge("b"),
            self.window,
            batch,
        )


def overlapping(source: Source, parts: Parts, path: Path) -> dict[str, float]:
    """Convert as the command does; the share of the time that each stage works for."""
    begun, writing = time.perf_counter(), 0.0
    swapper = parts.swapper(parts.predictor.batch_size)
    with (
        Writer(path, source) as writer,
        Pipeline(source.frames(), parts.finder.follow, swapper, parts.compose) as pipeline,
    ):
        for done in pipeline:
            at = time.perf_counter()
            writer.write(done.frame)
            writing += time.perf_counter() - at
        writer.finish()
    whole = time.perf_counter() - begun
    works = {stage.name: stage.worked / whole for stage in pipeline.stages}
    return works | {"write": writing / whole}


def one_at_a_time(source: Source, parts: Parts, path: Path) -> None:
    """Read a frame, find, predict, blend, write; then the next."""
    with Writer(path, source) as writer:
        for frame in source.frames():
            faces = parts.finder(frame.image)
            for _, swaps in parts.swapper(1)([(frame, faces)]):
                writer.write(replace(frame, image=parts.compose(frame.image, swaps)))
        writer.finish()


def write_clip(path: Path) -> None:
    with av.open(str(path), "w") as video:
        stream: Any = video.add_stream("libx264", rate=25, options={"crf": "18"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for image in pictures():
            video.mux(stream.encode(av.VideoFrame.from_ndarray(image, "bgr24")))
        video.mux(stream.encode(None))


def pictures() -> Iterator[NDArray[np.uint8]]:
    """A speaker, or a rendered person, in the middle of the frame."""
    portraits = list(real() if are_real() else rendered())
    for number in range(FRAMES):
        portrait = portraits[number % len(portraits)]
        edge = round(portrait.shape[1] * HEIGHT / portrait.shape[0])
        frame = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
        start = (WIDTH - edge) // 2
        frame[:, start : start + edge] = cv2.resize(portrait, (edge, HEIGHT))
        yield frame


def real() -> Iterator[NDArray[np.uint8]]:
    with av.open(str(GRID.parent / "bbaf2n.mpg")) as video:
        for frame in video.decode(video=0):
            yield frame.to_ndarray(format="bgr24")


def rendered() -> Iterator[NDArray[np.uint8]]:
    rng = np.random.default_rng(0)
    who = Identity.random(rng)
    for shot in performance(rng, 25):
        yield render(who, shot, HEIGHT).image


if __name__ == "__main__":
    main()
