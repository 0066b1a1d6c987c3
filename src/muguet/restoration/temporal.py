"""Estimates of a frame of a movie from the frames before and after it, each used where the scene has not changed.

For every pixel of frame t, each neighbouring frame k gets a weight from what the two frames look like. With estimates e
of single frames and the variances v of their errors,

    b² = max(0, G (e_k − e_t)² − 1.7 G (v_k + v_t)),        w_k = v_t / (v_t + 24 b² + 4 m²),

where G is a Gaussian mean over a neighbourhood, and the larger b² of two neighbourhoods counts. Motion by less than the
size of a structure hides in the errors of each pixel, and shows in wider surroundings W: a shift by u pixels changes a
pixel by u times the slope of the scene, so that m² = u² |∇e_t|² with u² = W (d² − 1.1 v) / W |∇e_t|², where v = v_k +
v_t, and d² = (e_k − e_t)², of which no more than 4 v counts: what flashes or is gone is no motion. Where the scene is
the same, the difference has the size that the errors explain, and w ≈ 1. Where something moved, appeared or faded, the
bias that the frame would bring is weighed against the error that it would remove.

A weak flash of frame t hides in the errors of each pair of frames, and all other frames would bring the same bias. The
frames before t, those after it, and both, are therefore compared with t together. With S the sum of their weights, e_S
the mean of their estimates with these weights, and v_S the variance of its error,

    B² = max(0, G (e_S − e_t)² − 1.7 G (v_S + v_t)),       w_k → w_k / (1 + 4 S B² / v_t),

so that they have together at most the weight v_t / 4 B². The mean of one frame and of others with the weight S and the
bias B has the least error at S = v_t / (v_S + B²).

The weighted mean of the noisy frames has the noise of n frames, n = (Σ w)² / Σ w². Multiplied by n, it has the variance
of its own signal again, as photons add up. The network that denoises single frames therefore denoises it too, and its
result is divided by n. As the mean also holds what little has moved or faded, which is not noise of this law, n to a
power is used instead of n (`LIGHT`), which rises with the share of the frames that have a weight. As n varies from
place to place, this is done for a few values and interpolated.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from muguet.restoration.blur import gaussian_blur

NEAR, FAR = 1.0, 2.5
"""Standard deviations in pixels of the two neighbourhoods in which frames are compared."""

DOUBT = 1.7
"""A difference is taken for a change where its square is larger than this many times the variance of the errors."""

CAUTION = 24.0
"""The bias of a single frame counts as much as this many times its square of variance."""

TOGETHER = 4.0
"""The bias that several frames have in common counts as much as this many times its square of variance."""

MOTION = 4.0
"""The bias that the motion of the surroundings explains counts as much as this many times its square of variance."""

WIDE = 6.0
"""Standard deviation in pixels of the surroundings whose motion is measured."""

_LEAST, _MOST = (
    1.1,
    4.0,
)  # Limits of a squared difference by which motion is measured, in variances of the errors.

LIGHT = 0.4, 0.8
"""Power of the number of frames by which their mean is multiplied, where one frame has a weight and where all have.

What moves is sharper with a small power, and what stands still smoother with a large one."""

SPACING = 1.0
"""Largest ratio, in octaves, of the numbers of frames for which the network is run."""

Estimator = Callable[[Tensor], tuple[Tensor, Tensor]]
"""Function of images ``(b, 1, y, x)`` whose noise has the variance of the signal: estimates, and their variances."""


def frame_weights(estimates: Tensor, variances: Tensor, usable: Tensor, middle: int) -> Tensor:
    """Return the weight of each frame for one of them, from 0 (changed) to 1.

    Parameters
    ----------
    estimates, variances
        Estimates of the frames, ``(frames, 1, y, x)``, and the variances of their errors.
    usable
        Where a frame was measured, of the same shape; all else has the weight 0.
    middle
        Index of the frame that is estimated, whose own weight is 1.
    """
    differences, own = estimates - estimates[middle : middle + 1], variances[middle : middle + 1]
    scale = gaussian_blur(own, NEAR).clamp(min=1e-12)
    bias = CAUTION * _bias(differences, variances + own)
    bias = bias + MOTION * _motion(differences, variances + own, estimates[middle : middle + 1])
    weights = usable * scale / (scale + bias)
    weights[middle] = 0.0
    for group in (slice(0, middle), slice(middle + 1, None), slice(0, None)):
        members = weights[group]
        total = members.sum(0, keepdim=True)
        shares = members / total.clamp(min=1e-6)
        difference = (shares * differences[group]).sum(0, keepdim=True)
        variance = (shares.square() * variances[group]).sum(0, keepdim=True)
        weights[group] = members / (1 + TOGETHER * total * _bias(difference, variance + own) / scale)
    weights[middle] = usable[middle]
    return weights


def _bias(differences: Tensor, variances: Tensor) -> Tensor:
    """Return the square of the part of differences of estimates that the variances of their errors do not explain."""
    excess = differences.square() - DOUBT * variances
    return torch.maximum(gaussian_blur(excess, NEAR), gaussian_blur(excess, FAR)).clamp(min=0.0)


def _motion(differences: Tensor, variances: Tensor, own: Tensor) -> Tensor:
    """Return the square of the differences that a motion of the surroundings of each pixel explains."""
    slopes = torch.gradient(gaussian_blur(own, NEAR), dim=(-2, -1))
    slope = slopes[0].square() + slopes[1].square()
    seen = torch.minimum(differences.square(), _MOST * variances) - _LEAST * variances
    shift = gaussian_blur(seen, WIDE).clamp(min=0.0) / gaussian_blur(slope, WIDE).clamp(min=1e-9)
    return shift * slope


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
    weights = frame_weights(even, even_variances, usable, middle)
    # A frame of the gain a, divided by a, has 1/a times the variance of the noise.
    weights = weights * gain
    total = weights.sum(0, keepdim=True).clamp(min=1e-6)
    mean = (weights * frames / gain).sum(0, keepdim=True) / total
    number = total.square() / (weights.square() / gain).sum(0, keepdim=True).clamp(min=1e-12)
    still = ((number - 1) / max(len(frames) - 1, 1)).clamp(0.0, 1.0)
    power = LIGHT[0] + (LIGHT[1] - LIGHT[0]) * still
    octaves = power * number.clamp(min=1.0).log2()
    # Beside pixels of one frame, the noise falls less than the number of frames says.
    octaves = torch.minimum(octaves, gaussian_blur(octaves, NEAR)).clamp(min=0.0)
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
