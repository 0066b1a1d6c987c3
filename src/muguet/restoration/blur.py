"""Gaussian blurs, used as the simplest denoiser and as the filters of `filterbank`."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
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
    taps = gaussian(sigma, radius).tolist()
    # Sums of shifted images are several times faster than a convolution with one channel.
    for axis in range(2, image.ndim):
        size = image.shape[axis]
        padded = reflect(image, [radius * (a == axis) for a in range(2, image.ndim)])
        image = taps[0] * padded.narrow(axis, 0, size)
        for shift, tap in enumerate(taps[1:], 1):
            image = image.add(padded.narrow(axis, shift, size), alpha=tap)
    return image
