import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.logs.course import ASCII, BLOCKS, SPANS, Course, sparkline

TIMES = st.lists(st.floats(0, 5000), min_size=1, max_size=60).map(sorted)


@given(TIMES, st.integers(1, 80))
def test_each_column_is_the_mean_of_what_was_taken_in_its_time(
    times: list[float], width: int
) -> None:
    """All of a run, against the plain mean over the same stretch of time."""
    course = Course(0.5, keeps_all=True)
    values = np.random.default_rng(0).random((len(times), 2))
    for when, losses in zip(times, values, strict=True):
        course.add(when, losses)
    seconds = 0.5
    while times[-1] / seconds >= SPANS:
        seconds *= 2
    spans = (np.array(times) / seconds).astype(int)
    columns = min(width, spans[-1] + 1)
    starts = np.floor(np.arange(columns) * (spans[-1] + 1) / columns + 1e-9)
    column = np.searchsorted(starts, spans, "right") - 1
    means = course.means(width)
    assert means.shape == (columns, 2)
    for number in np.unique(column):
        np.testing.assert_allclose(means[number], values[column == number].mean(axis=0))
    for number in set(range(column[0] + 1, columns)) - set(column):
        np.testing.assert_array_equal(means[number], means[number - 1])
    assert np.isnan(means[: column[0]]).all()


def test_the_newest_minutes_forget_what_is_older() -> None:
    course = Course(1.0, keeps_all=False)
    for second in range(1000):
        course.add(second, np.array([second, -second], float))
    np.testing.assert_array_equal(course.means(SPANS)[:, 0], np.arange(1000 - SPANS, 1000))
    course.add(1e9, np.array([5.0, 6.0]))  # after a long sleep
    np.testing.assert_array_equal(course.means(3)[-1], [5, 6])


def test_what_is_not_a_number_counts_for_nothing() -> None:
    course = Course(1.0, keeps_all=True)
    for losses in ([np.nan, 1.0], [3.0, np.inf], [5.0, 3.0]):
        course.add(0.5, np.array(losses))
    np.testing.assert_array_equal(course.means(10), [[4, 2]])
    assert Course(1.0, keeps_all=True).means(10).shape == (0, 2)


@pytest.mark.parametrize(
    ("values", "drawn"),
    [
        ([], ""),
        ([1, 2, 4, 8, 16, 32, 64, 128], BLOCKS),  # equal ratios are equal steps
        ([-1, 0, 6], "▁▂█"),  # with a loss below 0 differences are
        ([0.5, 0.5], "▁▁"),
        ([np.nan, 1, 2], " ▁█"),
        ([np.nan], " "),
    ],
)
def test_a_sparkline_goes_from_the_lowest_to_the_highest(values: list[float], drawn: str) -> None:
    assert sparkline(np.array(values, float)) == drawn
    assert sparkline(np.array(values, float), ASCII).isascii()
