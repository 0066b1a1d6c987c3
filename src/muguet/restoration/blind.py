"""Blind spots: pixels whose values are replaced, so that a network must estimate them from their surroundings."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

Mask = tuple[Any, ...]
"""Index of the hidden pixels in a batch ``(b, c, *space)``: an ellipsis and one slice for each spatial axis, or one
index tensor for each axis."""


class Blind(Protocol):
    """Blind spots: the choice of the pixels that are hidden in a training step, and their replacement."""

    @property
    def hides(self) -> bool:
        """Whether any pixels are hidden."""

    def share(self, dims: int) -> float:
        """Return the mean share of the pixels that are targets in one step."""

    def draw(self, shape: torch.Size, generator: torch.Generator) -> Mask:
        """Draw the index of the hidden pixels of a batch ``(b, 1, *space)``."""

    def hide(self, noisy: Tensor, mask: Mask, generator: torch.Generator) -> Tensor:
        """Return the batch with the hidden pixels replaced."""


@dataclass(frozen=True)
class Grid:
    """A random grid in each step, whose pixels are replaced by the weighted average of their direct neighbours.

    The spacing is drawn from `spacings` and the phase uniformly, so that every pixel is hidden equally often.
    With spacings of at least 2, hidden pixels are never neighbours of each other: otherwise the value of one would
    affect the replacement of the other, and through it its own estimate.

    Where the noise of neighbours is correlated, `reach` of them on each side along each axis are hidden with a pixel.
    The spacing along this axis grows by 2 `reach` + 1, so that more than one line of pixels stays visible in between.

    Batson & Royer, *Noise2Self*, 2019, arXiv:1901.11365; Ollion et al., 2021, arXiv:2102.08023; Broaddus et al.,
    *Removing structured noise with self-supervised blind-spot networks*, 2020 (doi:10.1109/ISBI45749.2020.9098336).
    """

    spacings: tuple[int, ...] = (2, 3)
    reach: tuple[int, ...] = ()
    hides: ClassVar[bool] = True

    def share(self, dims: int) -> float:
        """Return the mean share of the pixels that are targets in a step."""
        reach = self.reach or (0,) * dims
        sizes = [math.prod(_spaced(spacing, far) for far in reach) for spacing in self.spacings]
        return sum(1 / size for size in sizes) / len(sizes)

    def draw(self, shape: torch.Size, generator: torch.Generator) -> Mask:
        """Return the index of a random grid in a batch of this shape ``(b, c, *space)``.

        The `generator` is on the CPU, so that its few numbers are available without waiting for another device.
        """
        space = shape[2:]
        spacing = self.spacings[int(torch.randint(len(self.spacings), (), generator=generator))]
        reach = self.reach or (0,) * len(space)
        steps = [min(_spaced(spacing, far), size) for far, size in zip(reach, space, strict=True)]
        phases = [int(torch.randint(step, (), generator=generator)) for step in steps]
        return (..., *(slice(phase, None, step) for phase, step in zip(phases, steps, strict=True)))

    def hide(self, noisy: Tensor, mask: Mask, generator: torch.Generator | None = None) -> Tensor:
        """Return a copy of `noisy` ``(b, c, *space)`` with the average of their neighbours in the masked pixels."""
        if any(self.reach):
            return _hide_around(noisy, mask, self.reach)
        hidden = noisy.clone()
        hidden[mask] = neighbours_mean(noisy)[mask]
        return hidden


def _spaced(spacing: int, reach: int) -> int:
    return spacing + 2 * reach + 1 if reach else spacing


@dataclass(frozen=True)
class Stratified:
    """One random pixel of every box, replaced by a random neighbour or by the median of the neighbours.

    Krull et al., *Noise2Void*, 2019, arXiv:1811.10980 (one of the 11×11 pixels around it, never itself);
    Höck et al., *N2V2*, 2022, arXiv:2211.08512 (the median). Boxes of 8×8 pixels hide 1.6 % of all pixels.

    Attributes
    ----------
    box
        Size of a box in pixels along each axis.
    radius
        Number of pixels from the hidden pixel to the edge of its neighbourhood, along each axis.
    median
        Replace by the median of the neighbourhood instead of one random pixel of it.
    """

    box: int = 8
    radius: int = 5
    median: bool = False
    hides: ClassVar[bool] = True

    def share(self, dims: int) -> float:
        """Return the share of the pixels that are targets in a step."""
        return 1 / math.prod([self.box] * dims)

    def draw(self, shape: torch.Size, generator: torch.Generator) -> Mask:
        """Return index tensors of one random pixel of each box, drawn independently for each image of a batch."""
        sizes = [min(self.box, size) for size in shape[2:]]
        cells = [-(-size // box) for size, box in zip(shape[2:], sizes, strict=True)]
        corner = torch.meshgrid(torch.arange(shape[0]), *(torch.arange(c) for c in cells), indexing="ij")
        image, *corners = (each.flatten() for each in corner)
        at = [
            cell * box + torch.randint(box, cell.shape, generator=generator)
            for cell, box in zip(corners, sizes, strict=True)
        ]
        inside = torch.stack([place < size for place, size in zip(at, shape[2:], strict=True)]).all(0)
        return (image[inside], torch.zeros_like(image[inside]), *(place[inside] for place in at))

    def hide(self, noisy: Tensor, mask: Mask, generator: torch.Generator) -> Tensor:
        """Return a copy of `noisy` ``(b, 1, *space)`` with the masked pixels replaced."""
        reach = [min(self.radius, size - 1) for size in noisy.shape[2:]]
        offsets = torch.cartesian_prod(*(torch.arange(-far, far + 1) for far in reach))
        offsets = offsets[(offsets != 0).any(1)]
        if not self.median:
            offsets = offsets[torch.randint(len(offsets), (len(mask[0]),), generator=generator)].unsqueeze(1)
        offsets = offsets.to(noisy.device)
        batch, channel, *place = (each.to(noisy.device).unsqueeze(1) for each in mask)
        around = []
        for axis, (at, size) in enumerate(zip(place, noisy.shape[2:], strict=True)):
            moved = (at + offsets[..., axis]).abs()  # The image is reflected at its borders.
            around.append(torch.where(moved >= size, 2 * size - 2 - moved, moved))
        values = noisy[(batch, channel, *around)]
        itself = torch.stack([one == other for one, other in zip(around, place, strict=True)]).all(0)
        mean = neighbours_mean(noisy)[(batch, channel, *place)]
        values = torch.where(itself, mean, values)  # A reflected position may be the hidden pixel itself.
        hidden = noisy.clone()
        where = (batch[:, 0], channel[:, 0], *(at[:, 0] for at in place))
        hidden[where] = values.median(1).values if self.median else values[:, 0]
        return hidden


@dataclass(frozen=True)
class Nothing:
    """No hidden pixels: every pixel is a target, for training with clean or second noisy images."""

    hides: ClassVar[bool] = False

    def share(self, dims: int) -> float:
        """Return 1, since all pixels are targets."""
        return 1.0

    def draw(self, shape: torch.Size, generator: torch.Generator) -> Mask:
        """Return the index of all pixels."""
        return (...,)

    def hide(self, noisy: Tensor, mask: Mask, generator: torch.Generator | None = None) -> Tensor:
        """Return `noisy` itself."""
        return noisy


def rows_of_mask(mask: Mask, rows: slice) -> Mask:
    """Return the index of the hidden pixels in some rows of a batch, from that in the whole batch."""
    if not isinstance(mask[0], Tensor):
        return mask  # The same pixels are hidden in every row.
    inside = (mask[0] >= rows.start) & (mask[0] < rows.stop)
    return (mask[0][inside] - rows.start, *(each[inside] for each in mask[1:]))


def neighbours_mean(image: Tensor) -> Tensor:
    """Return the average of the 3ᵈ − 1 direct neighbours of each pixel, weighted by a Gaussian of σ = 1 pixel.

    The image ``(b, c, *space)`` has two or three spatial dimensions. It is reflected at its borders, since zeros
    beyond them would bias the pixels beside them.
    """
    dims = image.ndim - 2
    kernel = _gaussian((1,) * dims).to(image)
    kernel[(0, 0, *(1,) * dims)] = 0
    flat = image.flatten(0, 1).unsqueeze(1)
    pad = [1 if size > 1 else 0 for size in reversed(image.shape[2:]) for _ in range(2)]
    padded = F.pad(flat, pad, mode="reflect")
    for axis, size in enumerate(image.shape[2:]):
        if size == 1:  # An axis of one pixel has no neighbours to reflect.
            kernel = kernel.narrow(axis + 2, 1, 1)
    return _convolve(padded, kernel / kernel.sum()).view_as(image)


def _hide_around(noisy: Tensor, mask: Mask, reach: tuple[int, ...]) -> Tensor:
    """Replace the masked pixels, and those within reach of them, by the average of the visible pixels around each."""
    spots = torch.zeros_like(noisy)
    spots[mask] = 1
    pool = F.max_pool2d if len(reach) == 2 else F.max_pool3d
    visible = 1 - pool(spots, [2 * far + 1 for far in reach], stride=1, padding=reach)
    radius = tuple(far + 1 for far in reach)
    kernel = _gaussian(radius).to(noisy)
    both = torch.stack([noisy * visible, visible]).flatten(0, 2).unsqueeze(1)
    total, weight = _convolve(both, kernel, radius).view(2, *noisy.shape)
    return torch.where(visible > 0, noisy, total / weight.clamp(min=1e-6))


def _gaussian(radius: tuple[int, ...]) -> Tensor:
    """Weights of a Gaussian of σ = 1 pixel within a radius along each axis, ``(1, 1, *(2 radius + 1))``."""
    kernel = torch.ones(())
    for far in radius:
        kernel = kernel.unsqueeze(-1) * (-0.5 * torch.arange(-far, far + 1).float().square()).exp()
    return kernel[None, None]


def _convolve(flat: Tensor, kernel: Tensor, padding: tuple[int, ...] | int = 0) -> Tensor:
    return (F.conv2d if flat.ndim == 4 else F.conv3d)(flat, kernel, padding=padding)
