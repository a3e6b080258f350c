"""Which batch comes next, where a run goes on with other processes or another batch size.

Faces come in one endless row: all of them shuffled, again and again. A run takes the row in order,
each iteration as many batches as its processes take together. What a save notes is how far that
was, in faces, so that the next run goes on from there however many processes it has.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Origin:
    """Where the row is taken up.

    Attributes
    ----------
    iteration
        The iteration that is to be fed next, counted from 0.
    batch
        Number of its first batch.
    """

    iteration: int = 0
    batch: int = 0

    @classmethod
    def restored(cls, run: Mapping[str, Any], batch_size: int) -> "Origin":
        """Where a run goes on from what the one before it left.

        With another batch size the next batch is the first one that holds no face of those taken,
        so that less than a batch is left out.

        Parameters
        ----------
        run
            What `state` gave is in it under ``"order"``. A run that has left nothing there was of
            one process, and its batches are counted by its iterations.
        batch_size
            Faces of each side in a batch, from now on.

        Raises
        ------
        ValueError
            A number is below 0.
        """
        order = run.get("order")
        if order is None:
            return cls()
        iteration, faces = int(order["iteration"]), int(order["faces"])
        if min(iteration, faces) < 0:
            raise ValueError(f"{faces} faces at iteration {iteration}")
        return cls(iteration, -(-faces // batch_size))

    def first_batch(self, iteration: int, batches: int) -> int:
        """Number of an iteration's first batch.

        Parameters
        ----------
        iteration
            Counted from 0.
        batches
            How many an iteration takes, of all processes together.
        """
        return self.batch + (iteration - self.iteration) * batches

    def state(self, iteration: int, batches: int, batch_size: int) -> dict[str, int]:
        """What a save notes, as JSON can hold it.

        Parameters
        ----------
        iteration
            The iteration that is to be fed next, counted from 0.
        batches, batch_size
            As above.
        """
        taken = self.first_batch(iteration, batches)
        return {"iteration": iteration, "faces": taken * batch_size}


START = Origin()
"""The row's beginning."""
