"""Simulated recordings of clean scenes, and the units in which the variance of their noise is equal to the signal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from canvas import Floats, Rng, log_uniform
from scipy.special import ndtr

from muguet.image import Scaling

LIGHT = 1.0, 2000.0  # photo-electrons at the brightest part of a scene
FAINT = 4.0, 120.0  # the same for half of the scenes: most images that need a denoiser are in this range
READ_NOISE = 0.02, 4.0  # photo-electrons, standard deviation; photon counters have the smallest
LAW_ERROR = (
    0.06,
    0.08,
)  # mean and standard deviation of the logarithm of a measured law: texture counts as noise


@dataclass(frozen=True)
class Exposure:
    """How a scene is recorded, in photo-electrons.

    Attributes
    ----------
    light, background
        Electrons at the scene's brightest part above its dark end, and at the dark end.
    read
        Standard deviation of the read noise.
    excess
        Variance of the shot noise over that of a Poisson law of the same gain, 1 to 2: that of an electron-multiplying
        register of gamma-distributed gains. In effective electrons the variance is the signal, and the noise is more
        skewed than Poisson noise.
    step
        Quantisation step, 0 for none.
    ceiling
        Values above are clipped to it.
    correlation
        Correlation of the noise of neighbours along X.
    """

    light: float
    background: float
    read: float
    excess: float = 1.0
    step: float = 0.0
    ceiling: float = np.inf
    correlation: float = 0.0

    @classmethod
    def draw(cls, rng: Rng) -> Exposure:
        """Draw light, background and read noise; a fifth to a third of the exposures have each of the other faults."""
        light = log_uniform(rng, *(FAINT if rng.random() < 0.5 else LIGHT))
        background = light * log_uniform(rng, 0.003, 1.0) if rng.random() < 0.8 else 0.0
        read = min(log_uniform(rng, *READ_NOISE), max(0.3, light / 4))
        odd = rng.random(4)
        return cls(
            light,
            background,
            read,
            excess=rng.uniform(1, 2) if odd[0] < 0.35 else 1.0,
            step=log_uniform(rng, 0.02, 1.0) if odd[1] < 0.25 else 0.0,
            ceiling=(background + light * rng.uniform(0.6, 1.1)) if odd[2] < 0.15 else np.inf,
            correlation=rng.uniform(0.01, 0.12) if odd[3] < 0.2 else 0.0,
        )

    def signal(self, scene: Floats) -> Floats:
        """Mean electrons."""
        return (self.light * scene + self.background).astype(np.float32)

    def mean(self, signal: Floats) -> Floats:
        """The mean of infinitely many recordings: the signal, or less where their brightest are clipped.

        For noise that is Gaussian there, E[min(y, c)] = x Φ(a) + c (1 − Φ(a)) − σ φ(a) with a = (c − x)/σ.
        """
        if np.isinf(self.ceiling):
            return signal
        std = np.sqrt(signal + self.read**2)
        away = (self.ceiling - signal) / std
        below, density = ndtr(away), np.exp(-0.5 * away**2) / np.sqrt(2 * np.pi)
        return (signal * below + self.ceiling * (1 - below) - std * density).astype(np.float32)

    def record(self, signal: Floats, rng: Rng) -> Floats:
        """Electrons with their noise."""
        if self.excess > 1:
            # A Poisson number of electrons, each multiplied by a gamma variable of mean one and variance excess − 1.
            shape = 1 / (self.excess - 1)
            events = rng.poisson(self.excess * signal)
            noisy = rng.standard_gamma(shape * events + 1e-9) / (shape * self.excess)
        else:
            noisy = rng.poisson(signal).astype(np.float64)
        noisy = noisy + self.read * rng.standard_normal(signal.shape)
        if self.correlation:
            noisy = signal + _smeared(noisy - signal, self.correlation)
        if self.step:
            noisy = np.rint(noisy / self.step) * self.step
        return np.minimum(noisy, self.ceiling).astype(np.float32)

    def scaling(self, rng: Rng) -> Scaling:
        """The map to effective electrons by this exposure's law, with the errors of one measured on a single image."""
        gain, constant = np.exp(rng.normal(*LAW_ERROR, 2))
        spread = self.read**2 + self.step**2 / 12
        shift = rng.normal(0, 0.1) * np.sqrt(
            spread + 0.1
        )  # of the offset, by which the dark end of a law is off
        return Scaling(float(-(shift + constant * spread / gain)), float(gain))


def _smeared(noise: npt.NDArray[np.float64], correlation: float) -> npt.NDArray[np.float64]:
    """Noise mixed with that of its neighbours along X: of the same variance where it is even, and correlated."""
    # A kernel (a, 1, a) gives a correlation of 2a / (1 + 2a²) at one pixel, about 2a for a small a.
    share = correlation / 2
    padded = np.pad(noise, [(0, 0), (1, 1)], mode="reflect")
    mixed = padded[:, 1:-1] + share * (padded[:, :-2] + padded[:, 2:])
    return np.asarray(mixed / np.sqrt(1 + 2 * share**2))
