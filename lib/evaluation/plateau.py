"""Notices when a model has stopped getting better on faces held out."""

from typing import Any

from lib.evaluation.score import Score

PSNR_STEP = 0.05
SSIM_STEP = 0.001
"""What counts as better: less than this comes and goes from one evaluation to the next."""

FINEST_PSNR = 100.0
"""Equal pictures have an infinite one."""


class Plateau:
    """Follows the held-out score through a run.

    Parameters
    ----------
    patience
        Iterations without a better score after which a run is stuck.
    """

    def __init__(self, patience: int) -> None:
        self.patience = patience
        self._best = Score(0.0, -1.0)
        self._since = 0
        self._told = 0

    def add(self, iteration: int, score: Score) -> str | None:
        """Note a score.

        Parameters
        ----------
        iteration
            Iterations trained so far.
        score
            Of the faces held out.

        Returns
        -------
        str or None
            What to tell the user, once for every `patience` iterations without a better score.
        """
        best, psnr = self._best, min(score.psnr, FINEST_PSNR)
        if psnr >= best.psnr + PSNR_STEP or score.ssim >= best.ssim + SSIM_STEP:
            self._best = Score(max(psnr, best.psnr), max(score.ssim, best.ssim))
            self._since = self._told = iteration
        if iteration - self._told < self.patience:
            return None
        self._told = iteration
        return (
            f"Held-out score no better for {iteration - self._since:,} iterations (best "
            f"{self._best}, at iteration {self._since:,}): consider stopping"
        )

    def state(self) -> dict[str, Any]:
        """What a resumed run needs to go on from here, as JSON can hold it."""
        return {
            "psnr": self._best.psnr,
            "ssim": self._best.ssim,
            "since": self._since,
            "told": self._told,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a `state`."""
        self._best = Score(float(state["psnr"]), float(state["ssim"]))
        self._since, self._told = int(state["since"]), int(state["told"])
