"""Simulated recordings of clean scenes, and the units in which the variance of their noise is equal to the signal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from canvas import Rng
from torch import Tensor

LIGHT = 1.0, 2000.0  # photo-electrons at the brightest part of a scene
FAINT = 4.0, 120.0  # the same for half of the scenes: most images that need a denoiser are in this range
READ_NOISE = 0.02, 4.0  # photo-electrons, standard deviation; photon counters have the smallest
LAW_ERROR = (
    0.06,
    0.08,
)  # mean and standard deviation of the logarithm of a measured law: texture counts as noise


@dataclass(frozen=True)
class Exposure:
    """How patches ``(b, y, x)`` are recorded, in photo-electrons: tensors ``(b, 1, 1)``, a number for each patch.

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
    gain, shift
        Slope of the law over the true one, and error of the offset at its dark end: those of a law measured on a single
        image.
    """

    light: Tensor
    background: Tensor
    read: Tensor
    excess: Tensor
    step: Tensor
    ceiling: Tensor
    correlation: Tensor
    gain: Tensor
    shift: Tensor

    @classmethod
    def draw(cls, rng: Rng, number: int, device: str | torch.device = "cpu") -> Exposure:
        """Draw light, background and read noise; a fifth to a third of the exposures have each of the other faults."""

        def chance(share: float) -> np.ndarray:
            return rng.random(number) < share

        def log_uniform(low: float, high: float) -> np.ndarray:
            return np.exp(rng.uniform(np.log(low), np.log(high), number))

        light = np.where(chance(0.5), log_uniform(*FAINT), log_uniform(*LIGHT))
        background = np.where(chance(0.8), light * log_uniform(0.003, 1.0), 0)
        read = np.minimum(log_uniform(*READ_NOISE), np.maximum(0.3, light / 4))
        step = np.where(chance(0.25), log_uniform(0.02, 1.0), 0)
        slope, constant = np.exp(rng.normal(*LAW_ERROR, (2, number)))
        spread = read**2 + step**2 / 12
        fields = {
            "light": light,
            "background": background,
            "read": read,
            "excess": np.where(chance(0.35), rng.uniform(1, 2, number), 1),
            "step": step,
            "ceiling": np.where(chance(0.15), background + light * rng.uniform(0.6, 1.1, number), np.inf),
            "correlation": np.where(chance(0.2), rng.uniform(0.01, 0.12, number), 0),
            "gain": slope,
            "shift": rng.normal(0, 0.1, number) * np.sqrt(spread + 0.1) + constant * spread / slope,
        }
        return cls.of(device, **fields)

    @classmethod
    def of(cls, device: str | torch.device = "cpu", **fields: np.ndarray) -> Exposure:
        """Exposures of the given numbers, one for each patch."""
        # One transfer for all fields: a GPU would wait for each.
        numbers = torch.from_numpy(np.stack(list(fields.values())).astype(np.float32))
        if str(device) != "cpu":
            numbers = numbers.pin_memory().to(device, non_blocking=True)
        return cls(**dict(zip(fields, numbers[..., None, None], strict=True)))

    def signal(self, scenes: Tensor) -> Tensor:
        """Mean electrons."""
        return self.light * scenes + self.background

    def mean(self, signal: Tensor) -> Tensor:
        """The mean of infinitely many recordings: the signal, or less where their brightest are clipped.

        For noise that is Gaussian there, E[min(y, c)] = x Φ(a) + c (1 − Φ(a)) − σ φ(a) with a = (c − x)/σ.
        """
        clipped = torch.isfinite(self.ceiling)
        ceiling = torch.where(clipped, self.ceiling, 0)
        std = (signal + self.read**2).sqrt()
        away = (ceiling - signal) / std
        below, density = torch.special.ndtr(away), torch.exp(-0.5 * away**2) / np.sqrt(2 * np.pi)
        return torch.where(clipped, signal * below + ceiling * (1 - below) - std * density, signal)

    def record(self, signal: Tensor) -> Tensor:
        """Electrons with their noise, drawn from the generator of the device."""
        # A Poisson number of electrons, each multiplied by a gamma variable of mean one and variance excess − 1.
        multiplied = self.excess > 1
        shape = 1 / torch.where(multiplied, self.excess - 1, 1)
        events = torch.poisson(self.excess * signal)
        gamma = torch.distributions.Gamma(shape * events + 1e-9, shape * self.excess, validate_args=False)
        noisy = torch.where(multiplied, gamma.sample(), events)
        noisy = noisy + self.read * torch.randn_like(signal)
        noisy = signal + _smeared(noisy - signal, self.correlation)
        stepped = self.step > 0
        step = torch.where(stepped, self.step, 1)
        noisy = torch.where(stepped, (noisy / step).round() * step, noisy)
        return torch.minimum(noisy, self.ceiling)

    def units(self, electrons: Tensor) -> Tensor:
        """Effective electrons by this exposure's law, with the errors of one measured on a single image."""
        return (electrons + self.shift) / self.gain


def _smeared(noise: Tensor, correlation: Tensor) -> Tensor:
    """Noise mixed with that of its neighbours along X: of the same variance where it is even, and correlated."""
    # A kernel (a, 1, a) gives a correlation of 2a / (1 + 2a²) at one pixel, about 2a for a small a.
    share = correlation / 2
    padded = torch.nn.functional.pad(noise, (1, 1), mode="reflect")
    mixed = noise + share * (padded[..., :-2] + padded[..., 2:])
    return mixed / (1 + 2 * share**2).sqrt()
