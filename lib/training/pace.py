"""How fast a run goes, in words."""

import time


class Pace:
    """Measures a run between two looks at it.

    Parameters
    ----------
    iterations
        Iterations that this run is to have; None for a run that trains until it is stopped.

    Attributes
    ----------
    waiting : float or None
        Share of the time between the last two looks spent waiting for data, 0..1; None before.
    """

    def __init__(self, iterations: int | None) -> None:
        self._left = iterations
        self._count = 0
        self._since = time.monotonic()
        self._waited = 0.0
        self._seconds: float | None = None
        self.waiting: float | None = None

    @property
    def rate(self) -> float | None:
        """Iterations a second, smoothed over the looks; None before the first."""
        return 1 / self._seconds if self._seconds else None

    def count(self) -> None:
        """Count one iteration."""
        self._count += 1
        if self._left is not None:
            self._left -= 1

    def tell(self, waited: float) -> str:
        """Rate, time left where an end is in sight, and share of the time spent waiting for data.

        Parameters
        ----------
        waited
            Seconds that the whole run has waited for data so far.

        Returns
        -------
        str
            Such as ``"  0.31 s/it  25m left  wait 1%"``: short, for a line of 80 columns.
        """
        elapsed = time.monotonic() - self._since
        if self._count == 0 or elapsed <= 0:
            return ""
        newest = elapsed / self._count
        self._seconds = newest if self._seconds is None else 0.8 * self._seconds + 0.2 * newest
        self.waiting = (waited - self._waited) / elapsed
        self._since, self._count, self._waited = time.monotonic(), 0, waited
        parts = [f"{self._seconds:.2f} s/it"]
        if self._left is not None:
            parts.append(f"{_clock(self._seconds * max(0, self._left))} left")
        if (wait := f"{self.waiting:.0%}") != "0%":
            parts.append(f"wait {wait}")
        return "".join(f"  {part}" for part in parts)


def _clock(seconds: float) -> str:
    minutes, hours = round(seconds / 60), round(seconds / 3600)
    if hours >= 48:
        return f"{round(hours / 24)}d"
    if minutes >= 100:
        return f"{hours}h"
    return f"{minutes}m" if seconds >= 100 else f"{round(seconds)}s"
