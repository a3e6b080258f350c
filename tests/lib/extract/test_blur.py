import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from lib.extract.blur import sharpness
from lib.synthetic.parameters import Identity
from lib.synthetic.performance import performance
from lib.synthetic.render import render


@pytest.fixture(scope="module")
def face() -> NDArray[np.uint8]:
    rng = np.random.default_rng(0)
    return render(Identity.random(rng), performance(rng, 2)[1], 256).image


def wave(cycles: float, amplitude: float, edge: int = 256) -> NDArray[np.float64]:
    return np.tile(amplitude * np.sin(2 * np.pi * cycles * np.arange(edge) / edge), (edge, 1))


@pytest.mark.parametrize(("coarse", "fine"), [(40, 0), (40, 10), (30, 30), (0, 40)])
def test_is_the_part_of_the_amplitude_that_is_fine(coarse: int, fine: int) -> None:
    grey = np.rint(128 + wave(4, coarse) + wave(12, fine)).astype(np.uint8)
    wanted = 100 * fine / np.hypot(coarse, fine)
    assert sharpness(np.dstack([grey] * 3)) == pytest.approx(wanted, abs=3)


def test_neither_size_nor_light_matters(face: NDArray[np.uint8]) -> None:
    whole = sharpness(face)
    assert sharpness(face // 3) == pytest.approx(whole, rel=0.03)
    for edge in (96, 512):
        sized = cv2.resize(face, (edge, edge), interpolation=cv2.INTER_AREA)
        assert sharpness(sized) == pytest.approx(whole, rel=0.1)


def test_falls_as_a_face_is_blurred(face: NDArray[np.uint8]) -> None:
    values = [sharpness(face)]
    values += [sharpness(cv2.GaussianBlur(face, (0, 0), width)) for width in (2, 4, 8)]
    assert values == sorted(values, reverse=True)
    assert values[-1] < values[0] / 2


def test_one_colour_has_no_detail() -> None:
    assert sharpness(np.full((64, 64, 3), 90, np.uint8)) == 0
