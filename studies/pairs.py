"""Noisy images with their clean partners: simulated noise of a given strength on clean images, and real noise."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile
import torch

from muguet import MuguetError
from muguet.image import clipping_level, quantum
from muguet.noise import Gaussian, Law, MeanVariance, MeasuredLaw, PoissonGaussian, Speckle, corrupt

Floats = npt.NDArray[np.floating[Any]]

OFFSET = 100.0  # counts of a dark pixel
STEP = 10.0  # counts of one grey level, so that 8-bit images have the range of a 12-bit camera
READ_NOISE = 1.0  # photo-electrons
CLEAN = ("nuclei", "mitochondria", "hela")
REAL = ("w2s_ch0", "w2s_ch1", "w2s_ch2")
LAWS: dict[str, Callable[[float], Law]] = {
    "Gaussian": Gaussian,
    "Speckle": Speckle,
    "Poisson-Gaussian": lambda gain: PoissonGaussian(gain, OFFSET, READ_NOISE),
}
CLIPPED = 0.01  # A bin is marked as cut if more than this share of its pixels is clipped.
_CHANCE = 1  # The seed of the noise; --seed is the seed of the training.


@dataclass(frozen=True, eq=False)
class Pair:
    """Noisy images, their clean partners, and the known standard deviation of the noise.

    Attributes
    ----------
    name, kind
        Names of the image and of its noise.
    noisy, clean
        ``(n, y, x)``, in counts.
    known
        Function that returns σ of the noise at signals, in counts.
    parameter
        Parameter of simulated noise: σ in counts (Gaussian), relative σ (speckle), or counts a photo-electron.
    level
        PSNR in decibels that was requested for simulated noise.
    """

    name: str
    kind: str
    noisy: npt.NDArray[np.generic]
    clean: Floats
    known: Callable[[Floats], Floats]
    parameter: float = math.nan
    level: float = math.nan

    @property
    def short(self) -> str:
        """Title of a panel without the kind of noise."""
        return self.name.replace("w2s_ch", "channel ")

    @property
    def title(self) -> str:
        """Title of a panel."""
        return f"{self.kind}{' ' if self.kind == 'W2S' else ', '}{self.short}"

    def unsaturated(self) -> Floats:
        """Return the noisy images with clipped pixels as NaN, because these cannot be used to measure a law."""
        values = self.noisy.astype(np.float64)
        for frame, recorded in zip(values, self.noisy, strict=True):
            level = clipping_level(recorded)
            if level is not None:
                frame[frame >= level] = np.nan
        return values

    def recorded(self) -> Floats:
        """Return the noisy images as samples of a density: unsaturated, with uniform noise of one quantisation step.

        Repeated values would be point masses, whose divergence from any density is infinite. Training spreads values
        in the same way.
        """
        values = self.unsaturated()
        chance = np.random.default_rng(_CHANCE)
        for frame, recorded in zip(values, self.noisy, strict=True):
            frame += quantum(recorded) * (chance.random(frame.shape) - 0.5)
        return values

    def measured(self) -> Measured:
        """Return the noise law measured on the pairs."""
        recorded = self.recorded()
        law = MeasuredLaw.from_pairs(recorded, self.clean, fewest=min(1000, self.clean.size // 16))
        points = law.points()
        ends = 0.5 * (points.signal[1:] + points.signal[:-1])
        lost, every = (
            np.bincount(np.searchsorted(ends, clean), minlength=len(points.signal))
            for clean in (self.clean[~np.isfinite(recorded)], self.clean.ravel())
        )
        return Measured(law, points, lost > CLIPPED * every)


@dataclass(frozen=True, eq=False)
class Measured:
    """The measured noise law, its bins, and a mask of the bins with clipped pixels.

    Attributes
    ----------
    law, points
        See `muguet.noise.MeasuredLaw`.
    cut
        ``(bins,)``, True where more than 1 % of the pixels were clipped, so that the tail of the noise is missing.
    """

    law: MeasuredLaw
    points: MeanVariance
    cut: npt.NDArray[np.bool_]


def read(path: Path) -> npt.NDArray[np.generic]:
    """Return an image as ``(n, y, x)``."""
    if not path.is_file():
        raise MuguetError(f"{path} does not exist: give the folder of the images with --data or $MUGUET_DATA")
    image: npt.NDArray[np.generic] = tifffile.imread(path)
    return image.reshape(-1, *image.shape[-2:])


def simulated(data: Path, name: str, kind: str, level: float) -> Pair:
    """Return a clean image with added noise of this kind, at the strength that gives a PSNR of `level` decibels."""
    clean = OFFSET + STEP * read(data / f"clean_{name}.tif").astype(np.float64)
    parameter = at_level(LAWS[kind], clean, level)
    law = LAWS[kind](parameter)
    noisy = corrupt(law, torch.from_numpy(clean), torch.Generator().manual_seed(_CHANCE)).numpy()
    return Pair(name, kind, noisy.astype(np.float32), clean, lambda signal: law.std(signal), parameter, level)


def real(data: Path, name: str) -> Pair:
    """Return all frames of a channel of W2S, whose noise has the variance 100 · (signal − 200) counts²."""
    clean = read(data / f"{name}_clean.tif").astype(np.float64)
    return Pair(name, "W2S", read(data / f"{name}_noisy.tif"), clean, _w2s)


def _w2s(signal: Floats) -> Floats:
    known: Floats = np.sqrt(100 * np.maximum(signal - 200, 0))
    return known


def at_level(law: Callable[[float], Law], clean: Floats, level: float) -> float:
    """Return the parameter of a law that gives images ``(n, y, x)`` a PSNR of `level` decibels, by bisection.

    The law's σ must grow with its parameter.

    Raises
    ------
    MuguetError
        If no parameter between 1e-6 and 1e6 gives this level.
    """
    low, high = -6.0, 6.0  # decades
    if not expected_psnr(law(10**high), clean) < level < expected_psnr(law(10**low), clean):
        raise MuguetError(f"no strength of this noise gives {level:g} dB: give a level between 0 and 60")
    while high - low > 1e-5:
        middle = 0.5 * (low + high)
        low, high = (middle, high) if expected_psnr(law(10**middle), clean) > level else (low, middle)
    return float(10 ** (0.5 * (low + high)))


def expected_psnr(law: Law, clean: Floats) -> float:
    """Return the PSNR of noisy images ``(n, y, x)`` if the squared error is replaced by the variance of the noise.

    As in `muguet.quality.psnr`, each frame has its own range and error.
    """
    signals, at = np.unique(clean, return_inverse=True)
    variance = (law.std(signals) ** 2)[at].reshape(clean.shape).mean((-2, -1))
    extent = np.ptp(clean, axis=(-2, -1))
    return float(np.mean(20 * np.log10(extent) - 10 * np.log10(variance)))
