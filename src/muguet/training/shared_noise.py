"""The correlation of the noise of successive frames and planes of a training set, for the noise law."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from muguet.denoiser.denoiser import Denoiser
from muguet.neighbours.shared import FINE, correlations_along, max_planes
from muguet.noise.kernel import Kernel, Shared
from muguet.noise.transfer.bins import Floats
from muguet.training.calibration import blind_estimate
from muguet.training.patches import PatchSource
from muguet.training.sampled import sampled_plane

_MAX_SERIES = 2
_MAX_PIXELS = 128**2  # At most so many pixels in the middle of a plane are used.
_MIN_SHARE = 0.3  # Where whitening added more noise than the rest, the noise of the image cannot be measured.


def with_shared_noise(
    denoiser: Denoiser, source: PatchSource, series: Mapping[str, Sequence[tuple[int, ...]]]
) -> Denoiser:
    """Return a denoiser whose noise laws hold what frames of a movie and planes of a stack share.

    Parameters
    ----------
    denoiser
        The denoiser, with a law of the noise and a network of planes.
    source
        The training set in network units, with white noise.
    series
        Numbers of the planes of each movie and each stack in the training set, see `muguet.training.Dataset`.
    """
    channels = range(len(denoiser.scalings))
    found = [tuple(_shared(denoiser, source, series, channel)) for channel in channels]
    if not any(each.values for shared in found for each in shared):
        return denoiser
    whitenings = [denoiser.whitening(channel) for channel in channels]
    kernels = (
        replace(whitening.kernel if whitening else Kernel(), planes=shared) if shared else None
        for whitening, shared in zip(whitenings, found, strict=True)
    )
    return replace(denoiser, correlations=tuple(kernels))


def _shared(
    denoiser: Denoiser, source: PatchSource, series: Mapping[str, Sequence[tuple[int, ...]]], channel: int
) -> list[Shared]:
    """The correlation of the noise of a channel along each axis along which it was measured."""
    whitening = denoiser.whitening(channel)
    share = whitening.own_share(FINE) if whitening else 1.0
    if share < _MIN_SHARE:
        return []
    found = []
    for axis, every in series.items():
        chosen = [one for one in every if int(source.channels[one[0]]) == channel]
        chosen = chosen[:: -(-len(chosen) // _MAX_SERIES) or 1]
        rests = [_rests(denoiser, source, one, max_planes(axis)) for one in chosen]
        measured = correlations_along(axis, rests, share)
        if measured is not None:
            values, error = measured
            found.append(Shared(axis, values, round(error, 4)))
    return found


def _rests(
    denoiser: Denoiser, source: PatchSource, planes: tuple[int, ...], number: int
) -> dict[int, Floats]:
    """The residuals of some planes in the middle of a series in network units, with NaN where a pixel is missing."""
    first = max(len(planes) - number, 0) // 2
    rests = {}
    for k, plane_number in enumerate(planes[first : first + number]):
        plane = sampled_plane(source, plane_number, _MAX_PIXELS, denoiser.method.net.stride)
        rests[k] = plane.noisy - blind_estimate(denoiser, plane.filled).astype(np.float64)
    return rests
