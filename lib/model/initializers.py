"""Initialisers of convolution kernels, which are shaped ``(height, width, channels, filters)``."""

import math
from typing import Any

import keras
from keras import ops

from lib.errors import FaceswapError


@keras.saving.register_keras_serializable(package="faceswap")
class ICNR(keras.initializers.Initializer):
    """Initialisation to convolution and nearest-neighbour resize: no checkerboard at the start.

    The convolution before a pixel shuffle makes ``scale * scale`` pixels of each pixel. Here their
    filters start out equal, so that an untrained upscale only enlarges.

    Parameters
    ----------
    initializer
        Draws the filters that are repeated: an initialiser, its name or its configuration.
    scale
        Factor of the pixel shuffle that follows.

    References
    ----------
    Aitken et al. 2017, "Checkerboard artifact free sub-pixel convolution", arXiv:1707.02937.
    """

    def __init__(self, initializer: Any = "he_uniform", scale: int = 2) -> None:
        self.initializer = keras.initializers.get(initializer)
        self.scale = scale

    def __call__(self, shape: tuple[int, ...], dtype: Any = None) -> Any:
        """Draw a kernel.

        Parameters
        ----------
        shape
            The kernel's; filters come in the order of `lib.model.layers.PixelShuffler`, position
            in the block of pixels before channel.
        dtype
            The kernel's.

        Returns
        -------
        Tensor

        Raises
        ------
        FaceswapError
            Where the filters do not divide among the pixels of a block.
        """
        block = self.scale**2
        if shape[-1] % block:
            raise FaceswapError(
                f"ICNR cannot share {shape[-1]} filters among the {block} pixels of a block: "
                f"use a multiple of {block}"
            )
        kernel = self.initializer((*shape[:-1], shape[-1] // block), dtype=dtype)
        return ops.tile(kernel, (1,) * (len(shape) - 1) + (block,))

    def get_config(self) -> dict[str, Any]:
        """Arguments to make an equal one of."""
        initializer = keras.saving.serialize_keras_object(self.initializer)
        return {"initializer": initializer, "scale": self.scale}


@keras.saving.register_keras_serializable(package="faceswap")
class ConvolutionAware(keras.initializers.Initializer):
    """Filters that are orthogonal in the Fourier domain.

    The planes of each filter, one a channel, are drawn from as many orthonormal bases as it takes.
    The Fourier transform keeps angles (Plancherel), and turns a basis drawn uniformly into another
    such: drawing it in the Fourier domain and transforming back, as in the paper, comes to the same
    as drawing it here. Noise makes planes differ that repeat; then the kernel is scaled to He's
    variance, 2 / fan-in.

    Parameters
    ----------
    eps_std
        Standard deviation of the noise on each entry, where a plane's norm is 1.
    seed
        For the same kernel at every call; None draws anew.

    References
    ----------
    Aghajanyan 2017, "Convolution aware initialization", arXiv:1702.06295;
    He et al. 2015, "Delving deep into rectifiers", arXiv:1502.01852.
    """

    def __init__(self, eps_std: float = 0.05, seed: int | None = None) -> None:
        self.eps_std = eps_std
        self.seed = seed

    def __call__(self, shape: tuple[int, ...], dtype: Any = None) -> Any:
        """Draw a kernel.

        Parameters
        ----------
        shape
            The kernel's.
        dtype
            The kernel's; drawn in float32 all the same.

        Returns
        -------
        Tensor
        """
        *window, channels, filters = shape
        size = math.prod(window)
        random = keras.random.SeedGenerator(self.seed)
        planes = _orthonormal(filters, channels, size, random)
        planes += self.eps_std * keras.random.normal(planes.shape, dtype="float32", seed=random)
        planes *= ops.sqrt(2 / (size * channels) / ops.mean(ops.square(planes)))
        kernel = ops.reshape(ops.transpose(planes, (2, 1, 0)), shape)
        return ops.cast(kernel, dtype or keras.config.floatx())

    def get_config(self) -> dict[str, Any]:
        """Arguments to make an equal one of."""
        return {"eps_std": self.eps_std, "seed": self.seed}


def _orthonormal(filters: int, channels: int, size: int, random: Any) -> Any:
    """Planes ``(filters, channels, size)``: every `size` of a filter's are an orthonormal basis."""
    bases = -(-channels // size)
    normal = keras.random.normal((filters, bases, size, size), dtype="float32", seed=random)
    q, r = ops.qr(normal)
    q *= ops.sign(ops.diagonal(r, axis1=-2, axis2=-1))[..., None, :]
    return ops.reshape(q, (filters, bases * size, size))[:, :channels]


@keras.saving.register_keras_serializable(package="faceswap")
class Depthwise(keras.initializers.Initializer):
    """Draws a depthwise kernel as filters of one channel each.

    Each filter of a depthwise convolution sees a single channel, but an initialiser takes the last
    axis but one for its fan-in, and would make the kernel too small by the root of the channels.

    Parameters
    ----------
    initializer
        Draws the filters: an initialiser, its name or its configuration.
    """

    def __init__(self, initializer: Any = "he_uniform") -> None:
        self.initializer = keras.initializers.get(initializer)

    def __call__(self, shape: tuple[int, ...], dtype: Any = None) -> Any:
        """Draw a kernel.

        Parameters
        ----------
        shape
            ``(height, width, channels, multiplier)``.
        dtype
            The kernel's.

        Returns
        -------
        Tensor
        """
        *window, channels, multiplier = shape
        kernel = self.initializer((*window, 1, channels * multiplier), dtype=dtype)
        return ops.reshape(kernel, shape)

    def get_config(self) -> dict[str, Any]:
        """Arguments to make an equal one of."""
        return {"initializer": keras.saving.serialize_keras_object(self.initializer)}
