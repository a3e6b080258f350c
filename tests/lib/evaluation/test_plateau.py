"""A plateau is noticed after as many iterations as were asked for, and not before."""

import json

from lib.evaluation.plateau import Plateau
from lib.evaluation.score import Score


def told(plateau: Plateau, scores: list[tuple[int, float, float]]) -> list[int]:
    return [
        iteration for iteration, psnr, ssim in scores if plateau.add(iteration, Score(psnr, ssim))
    ]


def test_a_score_that_rises_is_no_plateau() -> None:
    scores = [(i * 100, 20 + i * 0.1, 0.7) for i in range(1, 50)]
    assert told(Plateau(300), scores) == []
    scores = [(i * 100, 20, 0.5 + i * 0.002) for i in range(1, 50)]
    assert told(Plateau(300), scores) == []


def test_it_is_told_once_for_every_stretch_without_a_better_score() -> None:
    scores = [(i * 100, 25.0 - i * 0.001, 0.7) for i in range(1, 12)]
    assert told(Plateau(300), scores) == [400, 700, 1000]


def test_less_than_a_step_is_not_better() -> None:
    scores = [(i * 100, 25.0 + 0.001 * i, 0.7 + 0.0001 * i) for i in range(1, 6)]
    assert told(Plateau(300), scores) == [400]


def test_many_small_steps_add_up() -> None:
    scores = [(i * 100, 25.0 + 0.03 * i, 0.7) for i in range(1, 20)]
    assert told(Plateau(300), scores) == []


def test_the_words_name_the_best_score_and_when_it_was() -> None:
    plateau = Plateau(5000)
    assert plateau.add(1000, Score(24.06, 0.7614)) is None
    assert plateau.add(6000, Score(24.0, 0.76)) == (
        "Held-out score no better for 5,000 iterations (best 24.1 dB / 0.761, at iteration 1,000): "
        "consider stopping"
    )


def test_a_resumed_run_goes_on_counting() -> None:
    first, second = Plateau(300), Plateau(300)
    assert told(first, [(100, 25.0, 0.7), (200, 25.0, 0.7)]) == []
    second.restore(json.loads(json.dumps(first.state())))
    assert told(second, [(300, 25.0, 0.7), (400, 25.0, 0.7)]) == [400]


def test_a_perfect_score_can_be_stored() -> None:
    plateau = Plateau(300)
    plateau.add(100, Score(float("inf"), 1.0))
    json.dumps(plateau.state(), allow_nan=False)
    assert told(plateau, [(400, float("inf"), 1.0)]) == [400]
