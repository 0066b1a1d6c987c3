"""Estimates of a frame of a movie from the frames before and after it, each used where the scene has not changed.

For every pixel of frame t, each neighbouring frame k gets a weight from what the two frames look like. With estimates e
of single frames and the variances v of their errors,

    b² = max(0, G (e_k − e_t)² − G (v_k + v_t)),        w_k = v_t / (v_t + 4 b²),

where G is a Gaussian mean over a neighbourhood, and the larger b² of two neighbourhoods counts. Where the scene is the
same, the difference has the size that the errors explain, and w ≈ 1. Where something moved, appeared or faded, the bias
that the frame would bring is weighed against the error that it would remove.

The weighted mean of the noisy frames has the noise of n frames, n = (Σ w)² / Σ w². Multiplied by n, it has the variance
of its own signal again, as photons add up. The network that denoises single frames therefore denoises it too, and its
result is divided by n. As the mean also holds what little has moved or faded, which is not noise of this law, n to the
power of `LIGHT` is used instead of n. As n varies from place to place, this is done for a few values and interpolated.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from muguet.restoration.blur import gaussian_blur

NEAR, FAR = 1.0, 2.5
"""Standard deviations in pixels of the two neighbourhoods in which frames are compared."""

CAUTION = 4.0
"""A bias counts as much as this many times its square of variance."""

LIGHT = 0.7
"""Power of the number of frames by which their mean is multiplied. On simulated movies of 5, 30 and 200
photo-electrons, 1.0 gains 1.71, 2.51 and 2.57 dB over single frames (within moving objects 0.08, −0.11 and −0.04), 0.7
gains 2.20, 3.13 and 3.01 (0.45, 0.17 and 0.02); on a still scene, FMD BPAE, 0.8 is as good as 1.0, and 0.6 is 0.1 dB
worse."""

SPACING = 1.0
"""Largest ratio, in octaves, of the numbers of frames for which the network is run."""

Estimator = Callable[[Tensor], tuple[Tensor, Tensor]]
"""Function of images ``(b, 1, y, x)`` whose noise has the variance of the signal: estimates, and their variances."""


def frame_weights(estimates: Tensor, variances: Tensor, middle: int) -> Tensor:
    """Return the weight of each frame for one of them, from 0 (changed) to 1.

    Parameters
    ----------
    estimates, variances
        Estimates of the frames, ``(frames, 1, y, x)``, and the variances of their errors.
    middle
        Index of the frame that is estimated, whose own weight is 1.
    """
    squares = (estimates - estimates[middle : middle + 1]).square()
    errors = variances + variances[middle : middle + 1]
    bias = torch.zeros_like(squares)
    for sigma in (NEAR, FAR):
        bias = torch.maximum(bias, gaussian_blur(squares - errors, sigma))
    own = gaussian_blur(variances[middle : middle + 1], NEAR)
    weights = own / (own + CAUTION * bias).clamp(min=1e-12)
    weights[middle] = 1.0
    return weights


def fused(
    frames: Tensor,
    estimates: Tensor,
    variances: Tensor,
    usable: Tensor,
    gains: Sequence[float],
    middle: int,
    estimator: Estimator,
) -> tuple[Tensor, Tensor]:
    """Return the estimate of one frame from several, and the variance of its error, ``(1, 1, y, x)``.

    Parameters
    ----------
    frames
        Noisy frames ``(frames, 1, y, x)``, whose noise has the variance of the signal.
    estimates, variances
        Their estimates one by one and the variances of the errors, of the same shape. Where no other frame can be
        used, the result is that of the frame itself.
    usable
        Where a frame was measured, of the same shape; all else has the weight 0.
    gains
        Brightness of each frame relative to that of the middle one, as it changes by bleaching.
    middle
        Index of the frame that is estimated.
    estimator
        Function that denoises the fused frame.
    """
    gain = torch.tensor(list(gains), dtype=frames.dtype, device=frames.device).view(-1, 1, 1, 1)
    gain = gain / gain[middle]
    even, even_variances = estimates / gain, variances / gain.square()
    weights = frame_weights(even, even_variances, middle) * usable
    # A frame of the gain a, divided by a, has 1/a times the variance of the noise.
    weights = weights * gain
    total = weights.sum(0, keepdim=True).clamp(min=1e-6)
    mean = (weights * frames / gain).sum(0, keepdim=True) / total
    number = total.square() / (weights.square() / gain).sum(0, keepdim=True).clamp(min=1e-12)
    octaves = LIGHT * gaussian_blur(number.clamp(min=1.0).log2(), NEAR).clamp(min=0.0)
    return _interpolated(
        mean, octaves, (estimates[middle : middle + 1], variances[middle : middle + 1]), estimator
    )


def _interpolated(
    mean: Tensor, octaves: Tensor, single: tuple[Tensor, Tensor], estimator: Estimator
) -> tuple[Tensor, Tensor]:
    """Return the estimate of a mean of 2ᵒ frames, with o from place to place, from those at a few values of o.

    `single` is the estimate at o = 0.
    """
    top = float(octaves.max())
    number = math.ceil(top / SPACING)
    levels = [top * level / max(number, 1) for level in range(number + 1)]
    found: dict[int, tuple[Tensor, Tensor]] = {0: single}

    def at(level: int) -> tuple[Tensor, Tensor]:
        if level not in found:
            factor = 2.0 ** levels[level]
            estimate, variance = estimator(mean * factor)
            found[level] = estimate / factor, variance / factor**2
        return found[level]

    estimate, variance = (each.clone() for each in single)
    for level in range(1, len(levels)):
        low, high = levels[level - 1], levels[level]
        between = (octaves > low) & (octaves <= high)
        if high <= low or not bool(between.any()):
            continue
        share = ((octaves - low) / (high - low)).clamp(0, 1)
        (e0, v0), (e1, v1) = at(level - 1), at(level)
        estimate = torch.where(between, e0 + share * (e1 - e0), estimate)
        variance = torch.where(between, v0 + share * (v1 - v0), variance)
    return estimate, variance
