"""Asks are put to a run that goes on, and refused on the server where they may not be."""

import pytest

from lib.errors import FaceswapError
from lib.live.asks import Asks
from lib.page.asking import Asking
from lib.page.feed import Feed


@pytest.fixture
def box(feed: Feed, left, running) -> Asks:
    left.status(options={"beta_1": 0.5, "gradient_clipping": None, "own": 3})
    feed.look()
    return Asks(left.live)


def test_actions_reach_the_run_and_are_told_when_taken(feed: Feed, box: Asks) -> None:
    asking = Asking(feed, read_only=False)
    for action in ("save", "snapshot", "refresh", "stop"):
        asking.put(action)
    assert [asked.is_taken for asked in asking.asked] == [False] * 4
    taken = box.take()
    assert [(ask.action, ask.by) for ask in taken][:2] == [
        ("save", "the page"),
        ("snapshot", "the page"),
    ]
    assert [asked.is_taken for asked in asking.asked] == [True] * 4


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [("beta_1", " 0.25 ", 0.25), ("gradient_clipping", "None", None), ("own", "7", "7")],
)
def test_options_are_read_as_in_a_file(feed: Feed, box: Asks, name, text, value) -> None:
    Asking(feed, read_only=False).set(name, text)
    (ask,) = box.take()
    assert (ask.action, ask.option, ask.value) == ("set", name, value)


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("beta_1", "2", "must be a number from 0 to 0.999"),
        ("beta_1", "x" * 10_000, "must be a number"),
        ("gradient_clipping", "all", "must be one of"),
        ("batch_size", "7", "no option that may change"),
        ("../../etc", "7", "no option that may change"),
    ],
)
def test_bad_options_are_refused(feed: Feed, box: Asks, name: str, text: str, reason: str) -> None:
    with pytest.raises(FaceswapError, match=reason):
        Asking(feed, read_only=False).set(name, text)
    assert box.take() == []


def test_a_page_that_only_shows_refuses_all(feed: Feed, box: Asks) -> None:
    asking = Asking(feed, read_only=True)
    for action in ("save", "snapshot", "refresh", "stop"):
        with pytest.raises(FaceswapError, match="read-only"):
            asking.put(action)
    with pytest.raises(FaceswapError, match="read-only"):
        asking.set("beta_1", "0.25")
    assert box.take() == []


def test_without_a_run_nothing_is_asked(feed: Feed, left) -> None:
    left.status("stopped")
    feed.look()
    with pytest.raises(FaceswapError, match="no run goes on"):
        Asking(feed, read_only=False).put("save")
    assert not (left.live / "asks").exists()
