"""Gradient magnitude similarity deviation.

Xue, Zhang, Mou, Bovik 2014, "Gradient magnitude similarity deviation: a highly efficient perceptual
image quality index", IEEE Transactions on Image Processing 23(2), arXiv:1308.3052.
"""

from torch import Tensor

from lib.model.losses.roots import root

_C = 0.0025
"""Keeps the similarity of flat regions at 1; for pictures in 0..1."""


def gmsd(truth: Tensor, prediction: Tensor) -> Tensor:
    """Deviation of gradient magnitude similarity of each sample.

    The paper knows grey pictures only. Here every channel is one, and the deviations are averaged:
    a loss on grey alone would have no say in the colours. The pictures are taken at their size, as
    `ssim` takes them; the paper halves photographs first, for the distance they are viewed from.

    Parameters
    ----------
    truth, prediction
        ``(batch, height, width, channels)`` in 0..1, at least 3 by 3 pixels.

    Returns
    -------
    Tensor
        ``(batch,)`` in 0..1/2: standard deviation over the pixels that have eight neighbours. It is
        0 for equal pictures, and wherever the error is alike everywhere, such as a constant shift.
    """
    x, y = (_gradient_magnitude(image) for image in (truth, prediction))
    similarity = (2 * x * y + _C) / (x**2 + y**2 + _C)
    deviation = similarity - similarity.mean(dim=(1, 2), keepdim=True)
    return root((deviation**2).mean(dim=(1, 2))).mean(dim=1)


def _gradient_magnitude(image: Tensor) -> Tensor:
    """Length of the gradient by Prewitt's filters, whose taps are 1/3."""
    down = image[:, 2:] - image[:, :-2]
    across = image[:, :, 2:] - image[:, :, :-2]
    down = (down[:, :, :-2] + down[:, :, 1:-1] + down[:, :, 2:]) / 3
    across = (across[:, :-2] + across[:, 1:-1] + across[:, 2:]) / 3
    return root(down**2 + across**2)
