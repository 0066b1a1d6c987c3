"""The photon-transfer curve of the training images, measured with their estimates, which calibrates a learned law."""

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

_MAX_PIXELS = 2_000_000  # At most this many pixels of a channel are measured, which takes two seconds.
_MAX_MISFIT = (
    0.05  # A curve is rejected if a polynomial misses its points by more than this share of σ on average.
)
# A curve is rejected if its median ratio to N-net's variance is larger. N-net's variance includes the noise and the
# error of the estimate, so that a larger one shows that the scene has structure as fine as the noise.
_MAX_VARIANCE_RATIO = 1.15


def calibrated(denoiser: Denoiser, source: PatchSource) -> Denoiser:
    """Return the denoiser with the photon-transfer curve of every channel, which calibrates its law.

    The curve of a channel is None if it cannot be measured: there are too few pixels, a polynomial does not fit it, or
    it lies above N-net's variance, which is an upper bound (σ²_N = σ² + the mean squared error of the estimate).
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
    except MuguetError:  # The images are too small, or too many pixels are missing.
        return None
    if len(points.signal) < 4:
        return None
    ratio = float(np.median(points.variance / law.std(points.signal) ** 2))
    fits = fitted_variance(points).misfit <= _MAX_MISFIT
    return points if fits and ratio <= _MAX_VARIANCE_RATIO else None


def _pairs(denoiser: Denoiser, source: PatchSource, channel: int) -> tuple[list[Floats], list[Floats]]:
    """Up to `_MAX_PIXELS` of a channel, in which saturated and missing pixels are NaN, and their blind estimates.

    An estimate that uses the pixel itself contains a part of its noise, which would be counted as signal.
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
    """The centre of a plane, of at most `_MAX_PIXELS` pixels, in multiples of the network's stride."""
    share = min(1.0, math.sqrt(_MAX_PIXELS / math.prod(shape)))
    shares = [1.0] * (len(shape) - 2) + [share, share]
    sizes = [int(n * s) // step * step for n, s, step in zip(shape, shares, stride, strict=True)]
    return tuple(slice((n - size) // 2, (n - size) // 2 + size) for n, size in zip(shape, sizes, strict=True))
