"""Does a noise law fit? Its predictions for held-out pixels, compared with their recorded values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from muguet.noise.law import Law
from muguet.noise.transfer.variance import Variance
from muguet.quality.check import Floats

_N_GROUPS = 8
"""Pixels are sorted by signal into this many groups."""

_MIN_PIXELS = 500
"""A group has at least this many pixels, so that its distribution can be judged."""


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Pixels that were hidden from the network, and the network's estimates for them.

    Attributes
    ----------
    recorded
        The values that the camera recorded, in counts, ``(n,)``.
    signal
        The strictly blind estimates at these pixels, in counts, ``(n,)``.
    law
        The distribution of the recorded values around *these* estimates, in counts. It is wider than the law of the
        noise alone, because it includes the error of the estimates (`Denoiser.learned_laws`). None: use the law that
        is given to `quality`.
    step
        Spacing of the recorded values, in counts; 0 if they are not quantised.
    """

    recorded: Floats
    signal: Floats
    law: Law | None = None
    step: float = 0.0


@dataclass(frozen=True, eq=False)
class Calibration:
    """How well a law fits, by the probability integral transform u = F(y | x̂) of every held-out pixel.

    Attributes
    ----------
    values
        The sorted values u, ``(n,)``; uniform between 0 and 1 if the law is correct.
    distance
        Kolmogorov's D = sup |fraction of u below v − v|, from 0 to 1.
    coverage_50, coverage_90
        Fractions of the pixels that lie in the central 50 % and 90 % intervals of the law.
    distance_by_signal
        Mean of D over eight groups of similar signals, minus the value expected by chance (0.87/√n, the mean of D for
        n uniform numbers). Errors of opposite sign in dark and bright pixels cancel in `distance`, but not here.
    coverage_50_error_by_signal
        Root mean square of (coverage of the 50 % interval − 0.5) over the same groups, with the variance expected by
        chance subtracted.
    """

    values: Floats
    distance: float
    coverage_50: float
    coverage_90: float
    distance_by_signal: float
    coverage_50_error_by_signal: float


def calibrate(held_out: HeldOut, law: Law, seed: int = 0) -> Calibration | None:
    """Compare recorded values with a law by the probability integral transform (Dawid 1984, doi:10.2307/2981683).

    A quantised value stands for all values within half a step of it: u is drawn uniformly between F(y − step/2) and
    F(y + step/2) (Czado, Gneiting & Held 2009, doi:10.1111/j.1541-0420.2009.01191.x).

    Returns
    -------
    Calibration or None
        None for fewer than 500 pixels.
    """
    rng = np.random.default_rng(seed)
    y, x = held_out.recorded, held_out.signal
    if len(y) < _MIN_PIXELS:
        return None
    low, high = (np.asarray(law.cdf(y + side * held_out.step, x), np.float64) for side in (-0.5, 0.5))
    u = low + (high - low) * rng.random(len(y))
    order = np.argsort(x, kind="stable")
    groups = np.array_split(u[order], min(_N_GROUPS, len(u) // _MIN_PIXELS))
    chance = float(np.mean([1 / len(group) for group in groups]))
    distance = float(np.mean([_distance(group) for group in groups])) - 0.87 * chance**0.5
    square_error = float(np.mean([(_coverage(group, 0.5) - 0.5) ** 2 for group in groups])) - 0.25 * chance
    return Calibration(
        values=np.sort(u),
        distance=_distance(u),
        coverage_50=_coverage(u, 0.5),
        coverage_90=_coverage(u, 0.9),
        distance_by_signal=max(distance, 0.0),
        coverage_50_error_by_signal=max(square_error, 0.0) ** 0.5,
    )


def _distance(u: Floats) -> float:
    """Return Kolmogorov's distance between the values u and the uniform distribution."""
    ordered, rank = np.sort(u), np.arange(len(u) + 1) / len(u)
    return float(max(np.abs(ordered - rank[:-1]).max(), np.abs(ordered - rank[1:]).max()))


def _coverage(u: Floats, width: float) -> float:
    """Return the fraction of the values u in the central interval of this width."""
    return float((np.abs(u - 0.5) <= width / 2).mean())


def advantage(held_out: HeldOut, law: Law, variance: Variance) -> float:
    """Return the mean log-likelihood of held-out pixels under a law, minus that under a Gaussian, in nats per pixel.

    The Gaussian is N(x̂, v(x̂)), where `variance` v is the variance of the noise measured on the noisy image itself. A
    law that was learned on similar images has a larger likelihood than the Gaussian, or nearly the same; the law of
    another camera can have a much smaller one.
    """
    y, x = held_out.recorded, held_out.signal
    v = np.maximum(variance(x), 1e-300)
    gauss = -0.5 * ((y - x) ** 2 / v + np.log(2 * np.pi * v))
    return float(np.mean(np.asarray(law.log_prob(y, x), np.float64) - gauss))
