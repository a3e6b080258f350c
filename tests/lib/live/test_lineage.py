"""What belongs to a model that went back, and back to what was given up."""

from operator import itemgetter

from lib.live.history import newest
from lib.live.lineage import Lineage
from lib.live.record import Record


def event(name: str, iteration: int, time: float, **more: object) -> dict[str, object]:
    return {"event": name, "iteration": iteration, "time": time, **more}


def score(iteration: int, time: float) -> dict[str, object]:
    return event("held_out", iteration, time, psnr=time, ssim=0.5)


FIRST = [event("begun", 0, 1.0), *(score(500 * at, 10.0 * at) for at in (1, 2, 3))]
BACK = event("restored", 1200, 40.0, saved=24.0)
OTHER = [event("begun", 1200, 50.0), score(1400, 54.0), event("stopped", 1450, 55.0)]
TO_FIRST = event("restored", 1550, 60.0, saved=31.0)
TO_OTHER = event("restored", 1450, 70.0, saved=55.0)


def scores(*events: dict[str, object]) -> list[int]:
    return [point.iteration for point in Record.of(events).scores]


def test_what_was_given_up_belongs_to_a_model_that_goes_back_to_it() -> None:
    assert scores(*FIRST, BACK) == [500, 1000]
    assert scores(*FIRST, BACK, *OTHER) == [500, 1000, 1400]
    events = [*FIRST, BACK, *OTHER, TO_FIRST]
    assert scores(*events) == [500, 1000, 1500]
    assert newest(events, "held_out") == score(1500, 30.0)
    assert scores(*events, TO_OTHER) == [500, 1000, 1400]
    assert scores(*events, TO_OTHER, event("restored", 1000, 80.0, saved=21.0)) == [500, 1000]
    again = event("restored", 1550, 90.0, saved=31.0)
    assert scores(*events, TO_OTHER, event("begun", 600, 85.0), again) == [500, 1000, 1500]


def test_a_save_of_no_known_time_brings_nothing_back() -> None:
    for saved in (None, "x", 1e9):
        assert scores(*FIRST, BACK, event("restored", 1550, 60.0, saved=saved)) == [500, 1000]


def test_a_copy_goes_its_own_way() -> None:
    lineage = Lineage(itemgetter("iteration"), list(FIRST))
    copy = lineage.copy()
    copy.follow(BACK)
    copy.items.append(score(1400, 54.0))
    copy.follow(event("restored", 1000, 60.0, saved=24.0))
    assert (len(lineage.items), len(copy.items)) == (4, 3)
    lineage.follow(event("restored", 1550, 70.0, saved=55.0))
    assert lineage.items == FIRST  # of what the copy gave up it knows nothing
