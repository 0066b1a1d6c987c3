"""How well planes that are denoised one by one do, for comparison with a network of volumes."""

from __future__ import annotations

import numpy as np

from muguet.noise.transfer.variance import Variance
from muguet.restoration.prior import SCENES, load_prior
from muguet.training.first_law import measure_first_law, prior_estimate
from muguet.training.patches import PatchSource
from muguet.training.sampled import SampledPlane, sampled_planes

_MAX_PIXELS = 2**17
_PROBE = 0.2  # A plane is changed by this share of the noise to measure the slope of an estimate.


def risk_of_planes(
    source: PatchSource, channel: int, variance: Variance, stride: tuple[int, ...]
) -> float | None:
    """Return the mean squared error of volumes whose planes the prior denoises one by one, relative to the noise's.

    It is Stein's unbiased risk, see `muguet.training.weighing.Estimates.risk`.

    Parameters
    ----------
    source
        The volumes that a network was trained on.
    channel
        Index of the channel.
    variance
        Variance of the noise in network units.
    stride
        Sizes of volumes are multiples of it.

    Returns
    -------
    float or None
        None if the noise of the planes cannot be measured.
    """
    volumes = sampled_planes(source, channel, _MAX_PIXELS, stride)
    planes = [
        SampledPlane(*each) for volume in volumes for each in zip(volume.filled, volume.role, strict=True)
    ]
    prior = load_prior(SCENES).eval()
    law = measure_first_law(planes, prior) if planes else None
    if law is None or law.doubt:
        return None
    chance = np.random.default_rng(0)
    risks, noises = [], []
    for plane in planes:
        noisy, usable = plane.filled.astype(np.float64), plane.usable
        first = prior_estimate(prior, plane.filled, law.electrons).astype(np.float64)
        square = variance(first)
        step = _PROBE * np.sqrt(square) * chance.choice((-1.0, 1.0), first.shape)
        second = prior_estimate(prior, (noisy + step).astype(np.float32), law.electrons)
        risk = (first - noisy) ** 2 - square + 2 * square * (second - first) / step
        risks.append(risk[usable])
        noises.append(square[usable])
    return float(np.concatenate(risks).mean() / np.concatenate(noises).mean())
