"""The correlation of the noise of successive planes of the stacks of a training set, for the noise law."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from muguet.denoiser.denoiser import Denoiser
from muguet.neighbours.shared import FINE, correlations_along_z
from muguet.noise.kernel import Kernel
from muguet.noise.transfer.bins import Floats
from muguet.training.calibration import blind_estimate
from muguet.training.patches import PatchSource
from muguet.training.sampled import sampled_plane

_MAX_STACKS = 2
_MAX_PLANES = 9  # In the middle of a stack,
_MAX_PIXELS = 128**2  # and at most so many pixels in the middle of a plane.
_MIN_SHARE = 0.3  # Where whitening added more noise than the rest, the noise of the image cannot be measured.


def with_shared_noise(denoiser: Denoiser, source: PatchSource, stacks: Sequence[tuple[int, ...]]) -> Denoiser:
    """Return a denoiser whose noise laws hold what planes of a stack share.

    Parameters
    ----------
    denoiser
        The denoiser, with a law of the noise and a network of planes.
    source
        The training set in network units, with white noise.
    stacks
        Numbers of the planes of each stack in the training set, in the order of depth.
    """
    found = tuple(_kernel(denoiser, source, stacks, channel) for channel in range(len(denoiser.scalings)))
    return replace(denoiser, correlations=found) if any(found) else denoiser


def _kernel(
    denoiser: Denoiser, source: PatchSource, stacks: Sequence[tuple[int, ...]], channel: int
) -> Kernel | None:
    """The correlation of the noise of a channel with that along Z; None if this was not measured."""
    whitening = denoiser.whitening(channel)
    share = whitening.own_share(FINE) if whitening else 1.0
    if share < _MIN_SHARE:
        return None
    of_channel = [stack for stack in stacks if int(source.channels[stack[0]]) == channel]
    rests = [
        _rests(denoiser, source, stack) for stack in of_channel[:: -(-len(of_channel) // _MAX_STACKS) or 1]
    ]
    measured = correlations_along_z(rests, share)
    if measured is None:
        return None
    z, error = measured
    return replace(whitening.kernel if whitening else Kernel(), z=z, z_error=round(error, 4))


def _rests(denoiser: Denoiser, source: PatchSource, stack: tuple[int, ...]) -> dict[int, Floats]:
    """The residuals of some planes of a stack in network units, with NaN where a pixel is missing."""
    first = max(len(stack) - _MAX_PLANES, 0) // 2
    rests = {}
    for z, number in enumerate(stack[first : first + _MAX_PLANES]):
        plane = sampled_plane(source, number, _MAX_PIXELS, denoiser.method.net.stride)
        rests[z] = plane.noisy - blind_estimate(denoiser, plane.filled).astype(np.float64)
    return rests
