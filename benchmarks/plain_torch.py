"""The models and their training step in plain PyTorch, as one would write them by hand.

Nothing here is shared with the project: it is what the project's step is timed against, and what
its gradients are compared with.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

RATE, BETAS, EPSILON = 5e-5, (0.5, 0.99), 1e-7
AREAS = (1.0, 3.0, 2.0)
"""Weights of the face, the eyes and the mouth in the loss."""


class Down(nn.Module):
    """5 x 5 convolution of stride 2, padded as TensorFlow's "same", and LeakyReLU."""

    def __init__(self, channels: int, filters: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(channels, filters, 5, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        return F.leaky_relu(self.convolution(F.pad(x, (1, 2, 1, 2))), 0.1)


class Up(nn.Module):
    """3 x 3 convolution, LeakyReLU and pixel shuffle."""

    def __init__(self, channels: int, filters: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(channels, 4 * filters, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return F.pixel_shuffle(F.leaky_relu(self.convolution(x), 0.1), 2)


class Plain(nn.Module):
    """Shared encoder and two decoders; both sides go through the encoder at once.

    Parameters
    ----------
    down
        Filters of the encoder's convolutions.
    code
        Units of the bottleneck.
    grid
        Channels and edge of what the bottleneck is unfolded to.
    after
        What follows: filters of the encoder's own enlargement, or LeakyReLU where there is none.
    up
        Filters of the decoders' enlargements.
    kernel
        Edge of the last kernel.
    is_centred
        Whether faces go in as -1..1 rather than 0..1.
    """

    def __init__(
        self,
        down: list[int],
        code: int,
        grid: tuple[int, int],
        after: int | None,
        up: list[int],
        kernel: int,
        *,
        is_centred: bool = False,
    ) -> None:
        super().__init__()
        self.is_centred = is_centred
        channels, edge = grid
        self.grid = (channels, edge, edge)
        self.down = nn.Sequential(*map(Down, [3, *down], down))
        self.dense = nn.Sequential(
            nn.Linear(down[-1] * (64 >> len(down)) ** 2, code),
            nn.Linear(code, channels * edge * edge),
        )
        self.after = Up(channels, after) if after else nn.LeakyReLU(0.1)
        self.decoders = nn.ModuleList(
            nn.Sequential(
                *map(Up, [after or channels, *up], up),
                nn.Conv2d(up[-1], 3, kernel, padding=kernel // 2),
                nn.Sigmoid(),
            )
            for _ in range(2)
        )

    def forward(self, a: Tensor, b: Tensor) -> list[Tensor]:
        faces = torch.cat([a, b])
        x = self.down(faces * 2 - 1 if self.is_centred else faces).flatten(1)
        x = self.after(self.dense(x).unflatten(1, self.grid))
        pairs = zip(self.decoders, x.split([len(a), len(b)]), strict=True)
        return [decoder(code) for decoder, code in pairs]


def original() -> Plain:
    """The model ``original`` with its default options."""
    return Plain([128, 256, 512, 1024], 1024, (1024, 4), 512, [256, 128, 64], 5)


def compact() -> Plain:
    """The model ``compact`` with its default options."""
    return Plain([32, 64, 128, 256], 256, (128, 8), None, [96, 48, 16], 3, is_centred=True)


MODELS = {"original": original, "compact": compact}


def dssim(truth: Tensor, prediction: Tensor) -> Tensor:
    """Structural dissimilarity, Gaussian window of 11 pixels and sigma 1.5."""
    places = torch.arange(11, dtype=truth.dtype, device=truth.device)
    line = torch.exp(-((places - 5) ** 2) / (2 * 1.5**2))
    line = line / line.sum()
    planes = torch.cat([truth, prediction, truth**2 + prediction**2, truth * prediction], dim=1)
    rows = line[:, None].expand(12, 1, 11, 1)
    smooth = F.conv2d(F.conv2d(planes, rows, groups=12), rows.transpose(2, 3), groups=12)
    x, y, squares, product = smooth.chunk(4, dim=1)
    luminance = (2 * x * y + 1e-4) / (x * x + y * y + 1e-4)
    structure = (2 * (product - x * y) + 9e-4) / (squares - x * x - y * y + 9e-4)
    return (1 - (luminance * structure).mean()) / 2


def face_loss(truth: Tensor, prediction: Tensor) -> Tensor:
    """The default loss: DSSIM and mean square on the face, again on eyes and on mouth.

    `truth` is ``(batch, 6, height, width)``: colours, and the masks of face, eyes and mouth.
    """
    loss = truth.new_zeros(())
    for plane, weight in enumerate(AREAS, 3):
        mask = truth[:, plane : plane + 1]
        pair = truth[:, :3] * mask, prediction * mask
        loss = loss + weight * (dssim(*pair) + F.mse_loss(*pair))
    return loss


class PlainStep:
    """Forward, backward, Adam; the loss is read back."""

    def __init__(self, model: Plain) -> None:
        self.model = model.to(memory_format=torch.channels_last)
        self._optimizer = torch.optim.Adam(model.parameters(), RATE, BETAS, EPSILON, fused=True)

    def __call__(self, feeds: list[Tensor], targets: list[Tensor]) -> float:
        """Train on uint8 ``(batch, height, width, channels)`` feeds and targets of both sides."""
        inputs, truths = ([_planes(x) for x in kind] for kind in (feeds, targets))
        self._optimizer.zero_grad(set_to_none=True)
        predictions = self.model(*inputs)
        loss = sum(map(face_loss, truths, predictions), torch.zeros(()))
        loss.backward()
        self._optimizer.step()
        return loss.item()


def _planes(pixels: Tensor) -> Tensor:
    return pixels.permute(0, 3, 1, 2).float() / 255
