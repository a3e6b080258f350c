"""Focal frequency loss.

Jiang, Dai, Wu, Loy 2021, "Focal frequency loss for image reconstruction and synthesis", ICCV,
arXiv:2012.12821, with the paper's alpha of 1.
"""

import torch
from torch import Tensor


def ffl(truth: Tensor, prediction: Tensor) -> Tensor:
    """Squared error of the spectra of each sample, weighed towards the frequencies that are worst.

    The weight of a frequency is the size of its error as a share of the largest in the spectrum of
    that channel. As in the paper it is a constant to the gradient.

    Parameters
    ----------
    truth, prediction
        ``(batch, height, width, channels)``.

    Returns
    -------
    Tensor
        ``(batch,)``, from 0 to the mean squared error.
    """
    # The transform is linear and orthonormal: one of the difference, on the scale of the pixels.
    error = torch.fft.fft2(truth - prediction, dim=(1, 2), norm="ortho")
    squares = error.real**2 + error.imag**2
    return torch.mean(_weights(squares.detach()) * squares, dim=(1, 2, 3))


def _weights(squares: Tensor) -> Tensor:
    largest = torch.amax(squares, dim=(1, 2), keepdim=True)
    return torch.sqrt(squares / torch.clamp(largest, min=torch.finfo(squares.dtype).tiny))
