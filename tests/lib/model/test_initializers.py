"""Kernels drawn by our initialisers, against what the papers promise."""

import keras
import numpy as np
import pytest

from lib.errors import FaceswapError
from lib.model.initializers import ICNR, ConvolutionAware, Depthwise


def draw(initializer: keras.initializers.Initializer, *shape: int) -> np.ndarray:
    return keras.ops.convert_to_numpy(initializer(shape))


@pytest.mark.parametrize("scale", [2, 3])
def test_icnr_starts_the_pixels_of_a_block_equal_and_the_channels_different(scale: int) -> None:
    kernel = draw(ICNR("he_uniform", scale), 3, 3, 4, 5 * scale**2)
    blocks = kernel.reshape(3, 3, 4, scale, scale, 5)
    np.testing.assert_array_equal(blocks, np.broadcast_to(blocks[..., :1, :1, :], blocks.shape))
    assert len(np.unique(blocks[..., 0, 0, :])) == 3 * 3 * 4 * 5


def test_icnr_keeps_the_range_of_the_initialiser_that_it_wraps() -> None:
    kernel = draw(ICNR("he_uniform"), 5, 5, 16, 64)
    limit = np.sqrt(6 / (5 * 5 * 16))
    assert 0.98 * limit < np.abs(kernel).max() <= limit


def test_icnr_names_filters_that_do_not_divide() -> None:
    with pytest.raises(FaceswapError, match="6 filters among the 4 pixels.*multiple of 4"):
        draw(ICNR(), 3, 3, 4, 6)


@pytest.mark.parametrize("shape", [(3, 3, 20, 4), (5, 5, 3, 8), (5, 3, 15, 2), (1, 1, 8, 8)])
def test_convolution_aware_filters_are_orthogonal_in_the_fourier_domain(
    shape: tuple[int, ...],
) -> None:
    kernel = draw(ConvolutionAware(eps_std=0.0), *shape)
    size = shape[0] * shape[1]
    norm = size * size * 2 / (size * shape[2])
    for column in np.moveaxis(kernel, -1, 0):
        spectra = np.fft.fft2(np.moveaxis(column, -1, 0)).reshape(shape[2], size)
        for start in range(0, shape[2], size):
            basis = spectra[start : start + size]
            gram = basis @ basis.conj().T
            np.testing.assert_allclose(gram, norm * np.eye(len(basis)), atol=2e-5 * norm)


@pytest.mark.parametrize("eps_std", [0.0, 0.05, 1.0])
@pytest.mark.parametrize("shape", [(3, 3, 20, 4), (5, 5, 3, 8), (3, 3, 128, 32)])
def test_convolution_aware_has_he_variance(shape: tuple[int, ...], eps_std: float) -> None:
    kernel = draw(ConvolutionAware(eps_std), *shape)
    assert np.mean(kernel.astype(float) ** 2) == pytest.approx(2 / np.prod(shape[:3]), rel=1e-4)


def test_convolution_aware_noise_has_the_size_that_is_asked() -> None:
    """Same seed, with and without noise: He's scaling undone, the difference is N(0, 0.05)."""
    shape = (3, 3, 90, 64)
    plain, noisy = (draw(ConvolutionAware(eps, seed=3), *shape) for eps in (0.0, 0.05))
    planes = np.sqrt(9.0)  # inverse of the entries' root mean square in planes of norm 1
    unit = plain / np.sqrt(np.mean(plain**2)) / planes
    scaled = noisy / np.sqrt(np.mean(noisy**2)) * np.sqrt(1 / 9 + 0.05**2)
    noise = scaled - unit
    assert noise.std() == pytest.approx(0.05, rel=0.03)
    assert abs(np.corrcoef(noise.ravel(), unit.ravel())[0, 1]) < 0.03


def test_convolution_aware_follows_its_seed_or_else_the_global_one() -> None:
    shape = (3, 3, 4, 4)
    seeded = ConvolutionAware(seed=1)
    np.testing.assert_array_equal(draw(seeded, *shape), draw(seeded, *shape))
    free = ConvolutionAware()
    keras.utils.set_random_seed(7)
    first, second = draw(free, *shape), draw(free, *shape)
    keras.utils.set_random_seed(7)
    np.testing.assert_array_equal(draw(free, *shape), first)
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("multiplier", [1, 2])
def test_a_depthwise_filter_sees_one_channel(multiplier: int) -> None:
    kernel = draw(Depthwise("he_uniform"), 5, 5, 64, multiplier)
    limit = np.sqrt(6 / 25)
    assert 0.98 * limit < np.abs(kernel).max() <= limit
    assert kernel.shape == (5, 5, 64, multiplier)
    aware = draw(Depthwise(ConvolutionAware()), 3, 3, 64, multiplier)
    assert np.mean(aware**2) == pytest.approx(2 / 9, rel=1e-4)


@pytest.mark.parametrize(
    "initializer",
    [
        ConvolutionAware(eps_std=0.1, seed=5),
        ICNR(keras.initializers.HeUniform(seed=5), scale=3),
        ICNR(ConvolutionAware(seed=5)),
        Depthwise(ConvolutionAware(seed=5)),
    ],
)
def test_the_configuration_makes_an_equal_one(
    initializer: keras.initializers.Initializer,
) -> None:
    config = keras.saving.serialize_keras_object(initializer)
    again = keras.saving.deserialize_keras_object(config, safe_mode=True)
    assert type(again) is type(initializer)
    np.testing.assert_array_equal(draw(again, 3, 3, 2, 36), draw(initializer, 3, 3, 2, 36))


def test_convolution_aware_adds_a_noise_of_a_twentieth_by_default() -> None:
    default = draw(ConvolutionAware(seed=1), 3, 3, 4, 4)
    np.testing.assert_array_equal(default, draw(ConvolutionAware(0.05, 1), 3, 3, 4, 4))
    assert not np.array_equal(default, draw(ConvolutionAware(0.0, 1), 3, 3, 4, 4))
