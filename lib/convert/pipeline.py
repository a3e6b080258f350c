"""The way of a frame: read, faces found, swaps predicted, blended; all at the same time."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from lib.convert.compose import Composer
from lib.convert.predict import Swapper
from lib.convert.swap import Swap
from lib.convert.window import inside
from lib.extract.face import Found
from lib.media.frame import Frame
from lib.media.stages import Stage

Find = Callable[[Iterable[Frame]], Iterator[Found]]
"""From frames to each with its faces, in order."""


@dataclass(frozen=True, eq=False)
class Converted:
    """A frame with its faces swapped, and how many there were."""

    frame: Frame
    faces: int


class Pipeline:
    """Converts frames in stages that overlap. It is used as a context, which ends the stages.

    Parameters
    ----------
    frames
        The source.
    find
        Finds the faces.
    swap
        Makes their swaps.
    compose
        Lays them into the frames.

    Attributes
    ----------
    stages
        In order; the names are "read", "find", "predict" and "blend".
    """

    def __init__(
        self, frames: Iterable[Frame], find: Find, swap: Swapper, compose: Composer
    ) -> None:
        read: Stage[Any] = Stage("read", frames)
        found = _after(read, "find", find)
        swapped = _after(found, "predict", swap)
        self._last = _after(swapped, "blend", lambda items: _blended(items, compose))
        self.stages = (read, found, swapped, self._last)

    def __iter__(self) -> Iterator[Converted]:
        return iter(self._last)

    def __enter__(self) -> "Pipeline":
        return self

    def __exit__(self, *_: object) -> None:
        self._last.close()


def _after(before: Stage[Any], name: str, work: Callable[[Any], Iterator[Any]]) -> Stage[Any]:
    return Stage(name, work(before), before=before)


def _blended(swapped: Iterable[tuple[Frame, list[Swap]]], compose: Composer) -> Iterator[Converted]:
    for frame, swaps in swapped:
        image = compose(frame.image, swaps) if swaps else frame.image
        yield Converted(replace(frame, image=image), sum(_is_seen(swap, frame) for swap in swaps))


def _is_seen(swap: Swap, frame: Frame) -> bool:
    """Whether a face's window shows any of the frame."""
    return bool(inside(swap.matrix, len(swap.face), frame.image.shape).any())
