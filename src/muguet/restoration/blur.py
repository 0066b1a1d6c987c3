"""Gaussian blurs, used as the simplest denoiser and as the filters of `filterbank`."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def gaussian(sigma: float, radius: int) -> Tensor:
    """Return a sampled Gaussian of standard deviation `sigma` pixels, ``(2 radius + 1,)``, whose sum is one."""
    at = torch.arange(-radius, radius + 1, dtype=torch.float64)
    taps = torch.exp(-0.5 * (at / sigma) ** 2) if sigma > 0 else (at == 0).double()
    return (taps / taps.sum()).float()


def reflect(image: Tensor, pad: Sequence[int]) -> Tensor:
    """Return an image ``(b, c, *space)`` padded by reflection with `pad` pixels on both sides of each axis.

    Unlike PyTorch's padding, this may be wider than the image, which is then reflected repeatedly.
    """
    for axis, width in enumerate(pad, start=2):
        size = image.shape[axis]
        if width > 0:
            at = torch.arange(-width, size + width, device=image.device)
            period = max(2 * size - 2, 1)
            at = at.remainder(period)
            image = image.index_select(axis, torch.minimum(at, period - at) if size > 1 else at * 0)
    return image


def gaussian_blur(image: Tensor, sigma: float) -> Tensor:
    """Return an image ``(b, c, *space)`` convolved with a Gaussian of `sigma` pixels along every spatial axis."""
    if sigma <= 0:
        return image
    radius = math.ceil(4 * sigma)
    taps = gaussian(sigma, radius).to(image)
    dims = image.ndim - 2
    flat = reflect(image, [radius] * dims).flatten(0, 1).unsqueeze(1)
    convolve = F.conv2d if dims == 2 else F.conv3d
    for axis in range(dims):
        flat = convolve(flat, taps.view(1, 1, *(-1 if a == axis else 1 for a in range(dims))))
    return flat.view_as(image)
