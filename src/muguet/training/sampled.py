"""Planes of a training set, or their centres, for measurements that need no more pixels than a few million."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from muguet.noise.transfer.bins import Floats
from muguet.training.patches import MISSING, SATURATED, PatchSource


@dataclass(frozen=True, eq=False)
class SampledPlane:
    """A plane, or its centre, in network units.

    Attributes
    ----------
    filled
        Values; missing ones are filled in.
    role
        The role of each pixel in training, see `PatchSource`.
    """

    filled: npt.NDArray[np.float32]
    role: npt.NDArray[np.uint8]

    @property
    def usable(self) -> npt.NDArray[np.bool_]:
        """Mask of the pixels that are neither missing nor saturated."""
        return np.isin(self.role, (MISSING, SATURATED), invert=True)

    @property
    def noisy(self) -> Floats:
        """Values in float64, in which saturated and missing pixels are NaN."""
        return np.where(self.usable, self.filled.astype(np.float64), np.nan)

    def known(self, estimate: npt.NDArray[np.floating]) -> Floats:
        """Return an estimate of the plane in float64, with NaN where a pixel is missing.

        With a finite estimate, a missing pixel would count as a clipped one, and photon-transfer curves leave out the
        signals at which many pixels are clipped.
        """
        return np.where(self.role == MISSING, np.nan, estimate.astype(np.float64))


def sampled_planes(
    source: PatchSource, channel: int, max_pixels: int, stride: Sequence[int]
) -> Iterator[SampledPlane]:
    """Yield evenly chosen planes of a channel, with at most about `max_pixels` in total.

    Parameters
    ----------
    source
        The training set.
    channel
        Index of the channel.
    max_pixels
        Of a plane with more pixels, only the centre is used.
    stride
        Sizes of the planes are multiples of it.
    """
    which = (source.channels == channel).nonzero().flatten().tolist()
    if not which:
        return  # Every plane of the channel is blank.
    sizes = source.shapes.prod(1)[which].tolist()
    every = -(-sum(sizes) // max(max_pixels, max(sizes)))
    for number in which[::every]:
        yield sampled_plane(source, number, max_pixels, stride)


def sampled_plane(source: PatchSource, number: int, max_pixels: int, stride: Sequence[int]) -> SampledPlane:
    """Return one plane of a training set, or its centre, see `sampled_planes`."""
    shape, start = source.shapes[number].tolist(), int(source.starts[number])
    span = slice(start, start + math.prod(shape))
    crop = _centre(shape, stride, max_pixels)
    values, role = (each[span].view(shape)[crop].cpu().numpy() for each in (source.values, source.role))
    return SampledPlane(values, role)


def _centre(shape: Sequence[int], stride: Sequence[int], max_pixels: int) -> tuple[slice, ...]:
    """The centre of a plane, of at most `max_pixels`, in multiples of the network's stride."""
    share = min(1.0, math.sqrt(max_pixels / math.prod(shape)))
    shares = [1.0] * (len(shape) - 2) + [share, share]
    sizes = [int(n * s) // step * step for n, s, step in zip(shape, shares, stride, strict=True)]
    return tuple(slice((n - size) // 2, (n - size) // 2 + size) for n, size in zip(shape, sizes, strict=True))
