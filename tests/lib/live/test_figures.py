import pytest

from lib.live import figures


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"),
        (0, "0 s"),
        (59.6, "1 min 0 s"),
        (3599, "59 min 59 s"),
        (7500, "2 h 5 min"),
        (200_000, "2 d 7 h"),
        (9_600_000, "111 d"),
    ],
)
def test_durations(seconds: float | None, text: str) -> None:
    assert figures.duration(seconds) == text


def test_figures() -> None:
    assert (figures.memory(None), figures.memory(512_000_000), figures.memory(3_260_000_000)) == (
        *("–", "512 MB", "3.3 GB"),
    )
    assert (figures.rate(None), figures.rate(4.04), figures.rate(0.25)) == (
        "–",
        "4.0 it/s",
        "4.0 s/it",
    )
    assert (figures.share(None), figures.share(0.125)) == ("–", "12%")
    assert (figures.loss(None), figures.loss(0.02345)) == ("–", "0.0234")
