"""What comes of a measurement of quality: scores over the time of training."""

from dataclasses import dataclass

from lib.evaluation.score import Score


@dataclass(frozen=True)
class Clock:
    """Says how long a run has trained.

    Attributes
    ----------
    seconds_per_iteration
        What each iteration counts as; None for the time that it took.
    """

    seconds_per_iteration: float | None

    def __call__(self, iterations: int, measured: float) -> float:
        """Seconds of training after these iterations, which took `measured` seconds."""
        each = self.seconds_per_iteration
        return measured if each is None else iterations * each

    def __str__(self) -> str:
        if self.seconds_per_iteration is None:
            return "as measured"
        return f"{self.seconds_per_iteration:g} s an iteration, as on a quiet machine"


@dataclass(frozen=True)
class Point:
    """How a model fares after some training.

    Attributes
    ----------
    seconds, iterations
        Of training; scoring is left out.
    psnr, ssim
        Held-out score: dB, and -1..1.
    swap_psnr, swap_ssim
        The same of swaps against the truth; None where nobody knows that.
    """

    seconds: float
    iterations: int
    psnr: float
    ssim: float
    swap_psnr: float | None
    swap_ssim: float | None

    @classmethod
    def of(cls, seconds: float, iterations: int, own: Score, swap: Score | None) -> "Point":
        """Point of two scores."""
        swapped = (swap.psnr, swap.ssim) if swap else (None, None)
        return cls(seconds, iterations, own.psnr, own.ssim, *swapped)


@dataclass(frozen=True)
class Run:
    """One seed's run.

    Attributes
    ----------
    seed
        Of weights and batches.
    seconds_per_iteration
        As measured here, whatever the clock.
    curve
        In the order of time.
    """

    seed: int
    seconds_per_iteration: float
    curve: list[Point]


@dataclass(frozen=True)
class Result:
    """Runs of the same settings that differ in their seeds.

    Attributes
    ----------
    model, pair, coverage, batch
        The settings.
    seeds
        One for each run.
    clock
        What its seconds are, in words.
    seconds_per_iteration
        As measured here, mean of all runs.
    curve
        Mean of the runs' curves.
    runs
        As they are.
    """

    model: str
    pair: str
    coverage: float
    batch: int
    seeds: list[int]
    clock: str
    seconds_per_iteration: float
    curve: list[dict[str, float]]
    runs: list[Run]
