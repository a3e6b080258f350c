"""What to do where memory runs out: let fewer faces through the model at a time.

A loss is a mean over faces, so the gradient of a batch is the mean of those of its parts, each
weighted by its share of the faces. Parts give the same step as the whole, to rounding, and need
less memory; they take longer.
"""

import logging
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from lib.device import Pixels
from lib.memory import half

logger = logging.getLogger(__name__)


class Parts:
    """Splits batches into as many parts as memory asks for; at first into one.

    Parameters
    ----------
    is_exact
        Whether parts give what the whole batch gives. They do not where a layer goes by the
        statistics of a batch, and the user is told so.
    """

    def __init__(self, *, is_exact: bool = True) -> None:
        self._most: int | None = None
        self._outcome = (
            "the result is the same" if is_exact else "batch normalization sees a part at a time"
        )

    def split(
        self, feeds: Sequence[Pixels], targets: Sequence[Pixels]
    ) -> Iterator[tuple[list[Pixels], list[Pixels], float]]:
        """Parts of a batch, of as equal sizes as can be.

        Parameters
        ----------
        feeds, targets
            All of as many faces.

        Yields
        ------
        tuple
            Feeds and targets of a part, and its share of the faces, 0..1.
        """
        faces = len(feeds[0])
        count = self.count(faces)
        edges = [faces * number // count for number in range(count + 1)]
        for start, end in pairwise(edges):
            feed, target = ([pixels[start:end] for pixels in kind] for kind in (feeds, targets))
            yield feed, target, (end - start) / faces

    def count(self, faces: int) -> int:
        """How many parts a batch of so many faces is split into."""
        return -(-faces // (self._most or faces))

    def shrink(self, faces: int) -> None:
        """Let half as many faces through at a time, and tell the user.

        Parameters
        ----------
        faces
            Of each side in a batch.

        Raises
        ------
        FaceswapError
            It was one at a time.
        """
        advice = "train a smaller model, turn on mixed_precision, or end what else uses memory"
        self._most = half(min(faces, self._most or faces), "training", advice)
        logger.warning(
            "Out of memory: a batch of %d now goes through in %d parts of %s; %s, an iteration "
            "takes longer. A smaller batch (-b) or mixed_precision needs less",
            faces,
            self.count(faces),
            self._size(faces),
            self._outcome,
        )

    def _size(self, faces: int) -> str:
        """Of a part, in words."""
        most = -(-faces // self.count(faces))
        return f"{'up to ' * bool(faces % self.count(faces))}{most} face{'s' * (most > 1)}"

    def state(self) -> dict[str, Any]:
        """What a resumed run begins with, as JSON can hold it.

        It is the size of a part rather than their number: with a smaller batch fewer are needed.
        """
        return {"most_faces": self._most}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a `state`, and tell the user where it splits batches.

        Raises
        ------
        ValueError
            It lets no face through.
        """
        most = state["most_faces"]
        if most is not None and int(most) < 1:
            raise ValueError(f"{most} faces at a time")
        self._most = None if most is None else int(most)
        if self._most is not None:
            logger.info(
                "Memory ran out in an earlier run: at most %d faces of a side go through at a time "
                "from the start. To undo it train with -b %d or less, or go back to a save from "
                "before that with faceswap restore",
                self._most,
                self._most,
            )
