"""The photon-transfer curve of the training images, by their estimates: what makes a learned law sharp."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from muguet.denoiser import Denoiser
from muguet.errors import MuguetError
from muguet.image.axes import Layout
from muguet.image.planes import ArrayPlanes
from muguet.noise.law import Law
from muguet.noise.transfer.bins import Floats
from muguet.noise.transfer.curve import MeanVariance
from muguet.noise.transfer.single_image import levelled, transfer_alone
from muguet.noise.transfer.variance import fitted_variance
from muguet.prediction.regions import map_regions
from muguet.training.patches import MISSING, SATURATED, PatchSource

_MAX_PIXELS = 2_000_000  # of a channel, at most: two seconds of work
_MISFIT = 0.05  # of σ on average, beyond which a polynomial is not what the points show
_TEXTURE = (
    1.15  # of N-net's variance, which holds the noise and more: above it the scene is as fine as the noise
)


def sharpened(denoiser: Denoiser, source: PatchSource) -> Denoiser:
    """The denoiser with the photon-transfer curve of every channel, which sharpens its law.

    None for a channel whose images do not tell: too few pixels, a curve that no polynomial follows, or one above
    N-net's own, which bounds it (σ²_N = σ² + the estimate's error).
    """
    if not denoiser.method.learns_law:
        return denoiser
    transfers = tuple(
        _transfer(denoiser, source, channel, law)  # type: ignore[arg-type]
        for channel, law in enumerate(denoiser.method.laws)
    )
    return replace(denoiser, transfers=transfers)


def _transfer(denoiser: Denoiser, source: PatchSource, channel: int, law: Law) -> MeanVariance | None:
    noisy, estimates = _pairs(denoiser, source, channel)
    try:
        points = transfer_alone(noisy, estimates, fewest=300)
    except MuguetError:  # nothing to measure: too small, or too much of it missing
        return None
    if len(points.signal) < 4:
        return None
    above = float(np.median(points.variance / law.std(points.signal) ** 2))
    return points if fitted_variance(points).misfit <= _MISFIT and above <= _TEXTURE else None


def _pairs(denoiser: Denoiser, source: PatchSource, channel: int) -> tuple[list[Floats], list[Floats]]:
    """Some planes of a channel, saturated and missing pixels NaN, and their blind estimates.

    An estimate that used the pixel itself would contain its noise, which would then pass for signal.
    """
    which = (source.channels == channel).nonzero().flatten().tolist()
    shapes, starts = source.shapes.tolist(), source.starts.tolist()
    sizes = [int(np.prod(shapes[number])) for number in which]
    every = -(-sum(sizes) // max(_MAX_PIXELS, max(sizes)))
    noisy: list[Floats] = []
    estimates: list[Floats] = []
    for number in which[::every]:
        shape = shapes[number]
        span = slice(starts[number], starts[number] + int(np.prod(shape)))
        crop = _centre(shape, denoiser.method.net.stride)
        units = source.values[span].view(shape)[crop].cpu().numpy()
        role = source.role[span].view(shape)[crop].cpu().numpy()
        estimate = _blind(denoiser, units).astype(np.float64)
        known = (role != MISSING) & (role != SATURATED)
        noisy.append(np.where(known, units.astype(np.float64), np.nan))
        estimates.append(levelled(noisy[-1], estimate))
    return noisy, estimates


def _blind(denoiser: Denoiser, units: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The blind estimate of a plane in network units."""

    def function(values: npt.NDArray[Any], channel: int) -> npt.NDArray[np.float32]:
        image = torch.from_numpy(values)[None, None].to(denoiser.device)
        with torch.inference_mode():
            return denoiser.method.estimate(image, own=False)[0, 0].cpu().numpy()

    layout = Layout("ZYX"[-units.ndim :], units.shape, units.ndim)
    estimate = np.empty_like(units)
    for _ in map_regions(function, ArrayPlanes(units, layout), ArrayPlanes(estimate, layout), denoiser.cut):
        pass
    return estimate


def _centre(shape: Sequence[int], stride: Sequence[int]) -> tuple[slice, ...]:
    """The middle of a plane, of at most `_MAX_PIXELS` pixels, in multiples of the network's stride."""
    share = min(1.0, math.sqrt(_MAX_PIXELS / math.prod(shape)))
    shares = [1.0] * (len(shape) - 2) + [share, share]
    sizes = [int(n * s) // step * step for n, s, step in zip(shape, shares, stride, strict=True)]
    return tuple(slice((n - size) // 2, (n - size) // 2 + size) for n, size in zip(shape, sizes, strict=True))
