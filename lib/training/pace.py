"""How fast a run goes, in words."""

import time


class Pace:
    """Measures a run between two looks at it.

    Parameters
    ----------
    iterations
        Iterations that this run is to have.
    """

    def __init__(self, iterations: int) -> None:
        self._left = iterations
        self._count = 0
        self._since = time.monotonic()
        self._waited = 0.0
        self._seconds: float | None = None

    def count(self) -> None:
        """Count one iteration."""
        self._count += 1
        self._left -= 1

    def tell(self, waited: float) -> str:
        """Rate, share of time spent waiting for data, and time left.

        Parameters
        ----------
        waited
            Seconds that the whole run has waited for data so far.

        Returns
        -------
        str
            Such as ``"  0.31 s/it, 1 % waiting for data, 0:25:10 left"``.
        """
        elapsed = time.monotonic() - self._since
        if self._count == 0 or elapsed <= 0:
            return ""
        newest = elapsed / self._count
        self._seconds = newest if self._seconds is None else 0.8 * self._seconds + 0.2 * newest
        share = (waited - self._waited) / elapsed
        self._since, self._count, self._waited = time.monotonic(), 0, waited
        left = _clock(self._seconds * max(0, self._left))
        return f"  {self._seconds:.2f} s/it, {share:.0%} waiting for data, {left} left"


def _clock(seconds: float) -> str:
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    return f"{days} days" if days > 1 else f"{days * 24 + hour}:{minute:02}:{second:02}"
