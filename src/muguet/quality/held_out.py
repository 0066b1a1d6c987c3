"""Does a noise law fit? What it says of pixels that were hidden, against what was recorded there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from muguet.noise.law import Law
from muguet.noise.transfer.variance import Variance
from muguet.quality.check import Floats

_GROUPS = 8  # of like signals
_FEWEST = 500  # pixels of one


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Pixels that were hidden from the network, and its estimate of them.

    Attributes
    ----------
    recorded
        What the camera recorded there, in counts, ``(n,)``.
    signal
        The strictly blind estimates there, in counts, ``(n,)``.
    law
        The law of what is recorded around *these* estimates, in counts: wider than that of the noise alone, as it
        holds the error of the estimate (`Denoiser.learned_laws`). None: the law that `quality` is given.
    step
        Spacing of the recorded values; 0 if they are not quantised.
    """

    recorded: Floats
    signal: Floats
    law: Law | None = None
    step: float = 0.0


@dataclass(frozen=True, eq=False)
class Calibration:
    """How a law fits, by the probability integral transform u = F(y | x̂) of every held-out pixel.

    Attributes
    ----------
    values
        The u in rising order, ``(n,)``; uniform between 0 and 1 if the law is right.
    distance
        Kolmogorov's D = sup |share of u below v − v|: an effect size, 0 to 1.
    half, most
        Shares of the pixels in the law's central intervals of 50 % and 90 %.
    distance_by_signal
        The mean of D over eight groups of like signals, less what chance makes of it (0.87/√n, its mean for n
        uniform numbers): errors of one sign at dark and another at bright pixels cancel in `distance`, not here.
    half_by_signal
        Root mean square of (share in the central 50 % − 0.5) over the same groups, less that of chance.
    """

    values: Floats
    distance: float
    half: float
    most: float
    distance_by_signal: float
    half_by_signal: float


def calibrate(held_out: HeldOut, law: Law, seed: int = 0) -> Calibration | None:
    """Set what was recorded against a law, by the probability integral transform (Dawid 1984, doi:10.2307/2981683).

    Of quantised values, each stands for all within half a step: u is drawn uniformly between F(y − step/2) and
    F(y + step/2) (Czado, Gneiting & Held 2009, doi:10.1111/j.1541-0420.2009.01191.x). None of fewer than 500 pixels.
    """
    rng = np.random.default_rng(seed)
    y, x = held_out.recorded, held_out.signal
    if len(y) < _FEWEST:
        return None
    low, high = (np.asarray(law.cdf(y + side * held_out.step, x), np.float64) for side in (-0.5, 0.5))
    u = low + (high - low) * rng.random(len(y))
    order = np.argsort(x, kind="stable")
    groups = np.array_split(u[order], min(_GROUPS, len(u) // _FEWEST))
    chance = float(np.mean([1 / len(group) for group in groups]))
    apart = float(np.mean([_distance(group) for group in groups])) - 0.87 * chance**0.5
    halves = float(np.mean([(_inside(group, 0.5) - 0.5) ** 2 for group in groups])) - 0.25 * chance
    return Calibration(
        values=np.sort(u),
        distance=_distance(u),
        half=_inside(u, 0.5),
        most=_inside(u, 0.9),
        distance_by_signal=max(apart, 0.0),
        half_by_signal=max(halves, 0.0) ** 0.5,
    )


def _distance(u: Floats) -> float:
    ordered, rank = np.sort(u), np.arange(len(u) + 1) / len(u)
    return float(max(np.abs(ordered - rank[:-1]).max(), np.abs(ordered - rank[1:]).max()))


def _inside(u: Floats, width: float) -> float:
    return float((np.abs(u - 0.5) <= width / 2).mean())


def advantage(held_out: HeldOut, law: Law, variance: Variance) -> float:
    """Mean log-likelihood of held-out pixels under a law, minus that under a Gaussian; nats a pixel.

    The Gaussian is N(x̂, v(x̂)), with v the variance of the noise that the noisy image itself tells. A law that was
    learned on images like this one has the larger likelihood, or nearly so; one of another camera need not.
    """
    y, x = held_out.recorded, held_out.signal
    v = np.maximum(variance(x), 1e-300)
    gauss = -0.5 * ((y - x) ** 2 / v + np.log(2 * np.pi * v))
    return float(np.mean(np.asarray(law.log_prob(y, x), np.float64) - gauss))
