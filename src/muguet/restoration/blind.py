"""Which pixels are hidden from the network, and by what: the hidden value never reaches its own estimate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

Mask = tuple[Any, ...]  # an index of a batch (b, c, *space): an ellipsis and one slice a spatial axis


@dataclass(frozen=True)
class Grid:
    """A random grid a step, hidden behind the weighted average of the direct neighbours.

    The spacing is drawn from `spacings`, the phase uniformly, so that every pixel is hidden equally often.
    Spacings of at least 2 keep hidden pixels out of each other's neighbourhood: a hidden value that took part
    in its neighbour's replacement would reach its own estimate through it.

    Batson & Royer, *Noise2Self*, 2019, arXiv:1901.11365; Ollion et al., 2021, arXiv:2102.08023.
    """

    spacings: tuple[int, ...] = (3, 4, 5)

    def draw(self, shape: torch.Size, generator: torch.Generator) -> Mask:
        """Index of one random grid in a batch of this shape ``(b, c, *space)``.

        `generator` lives on the CPU: a few small numbers are drawn there, so that no device is waited for.
        """
        space = shape[2:]
        spacing = self.spacings[int(torch.randint(len(self.spacings), (), generator=generator))]
        steps = [min(spacing, size) for size in space]
        phases = [int(torch.randint(step, (), generator=generator)) for step in steps]
        return (..., *(slice(phase, None, step) for phase, step in zip(phases, steps, strict=True)))

    def hide(self, noisy: Tensor, mask: Mask) -> Tensor:
        """A copy of `noisy` ``(b, c, *space)`` whose masked pixels are the average of their neighbours."""
        hidden = noisy.clone()
        hidden[mask] = neighbours_mean(noisy)[mask]
        return hidden


@dataclass(frozen=True)
class Nothing:
    """No pixel is hidden and every pixel is a target: for training on clean targets."""

    def draw(self, shape: torch.Size, generator: torch.Generator) -> Mask:
        """Index of every pixel."""
        return (...,)

    def hide(self, noisy: Tensor, mask: Mask) -> Tensor:
        """`noisy` itself."""
        return noisy


def neighbours_mean(image: Tensor) -> Tensor:
    """Average of the 3ᵈ − 1 direct neighbours, weighted by a Gaussian of σ = 1 pixel.

    `image` is ``(b, c, *space)`` in two or three spatial dimensions; borders are reflected, since zeros there
    would bias every pixel beside them.
    """
    dims = image.ndim - 2
    kernel = _neighbours(dims).to(image)
    flat = image.flatten(0, 1).unsqueeze(1)
    pad = [1 if size > 1 else 0 for size in reversed(image.shape[2:]) for _ in range(2)]
    padded = F.pad(flat, pad, mode="reflect")
    for axis, size in enumerate(image.shape[2:]):
        if size == 1:  # nothing to reflect: an axis of one pixel has no neighbours along it
            kernel = kernel.narrow(axis + 2, 1, 1)
    convolve = F.conv2d if dims == 2 else F.conv3d
    return convolve(padded, kernel / kernel.sum()).view_as(image)


def _neighbours(dims: int) -> Tensor:
    line = torch.tensor([-0.5, 0.0, -0.5]).exp()
    kernel = line
    for _ in range(dims - 1):
        kernel = kernel.unsqueeze(-1) * line
    kernel[(1,) * dims] = 0
    return (kernel / kernel.sum())[None, None]
