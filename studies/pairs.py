"""Noisy images with their clean partners: noise of a wanted strength on clean images, and real ones."""

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
STEP = 10.0  # counts of one grey level: 8 bits become a camera's 12
READ_NOISE = 1.0  # photo-electrons
CLEAN = ("nuclei", "mitochondria", "hela")
REAL = ("w2s_ch0", "w2s_ch1", "w2s_ch2")
LAWS: dict[str, Callable[[float], Law]] = {
    "Gaussian": Gaussian,
    "Speckle": Speckle,
    "Poisson-Gaussian": lambda gain: PoissonGaussian(gain, OFFSET, READ_NOISE),
}
CLIPPED = 0.01  # of the pixels of a bin, from which on its law is cut
_CHANCE = 1  # of the noise; the seed of the training is the user's


@dataclass(frozen=True, eq=False)
class Pair:
    """Noisy images, their clean partners, and the standard deviation that is known of the noise.

    Attributes
    ----------
    name, kind
        Of the image, and of its noise.
    noisy, clean
        ``(n, y, x)``, in counts.
    known
        σ of the noise at signals, in counts.
    parameter
        Of a simulated noise: σ in counts (Gaussian), relative σ (speckle), counts a photo-electron.
    level
        PSNR of the noisy images in decibels, that was asked of a simulated noise.
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
        """What a panel calls the image, where its kind is said elsewhere."""
        return self.name.replace("w2s_ch", "channel ")

    @property
    def title(self) -> str:
        """What a panel calls the set."""
        return f"{self.kind}{' ' if self.kind == 'W2S' else ', '}{self.short}"

    def unsaturated(self) -> Floats:
        """The noisy images with the pixels NaN that a frame was clipped at: they tell nothing of a law."""
        values = self.noisy.astype(np.float64)
        for frame, recorded in zip(values, self.noisy, strict=True):
            level = clipping_level(recorded)
            if level is not None:
                frame[frame >= level] = np.nan
        return values

    def recorded(self) -> Floats:
        """The noisy images as samples of a density: unsaturated, and spread over the step that they are quantised in.

        Repeated values are point masses, from which every density is far. Training spreads them likewise.
        """
        values = self.unsaturated()
        chance = np.random.default_rng(_CHANCE)
        for frame, recorded in zip(values, self.noisy, strict=True):
            frame += quantum(recorded) * (chance.random(frame.shape) - 0.5)
        return values

    def measured(self) -> Measured:
        """The law of the noise as it was counted on the pairs."""
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
    """The law of the noise as it was counted, its bins, and which of them are cut.

    Attributes
    ----------
    law, points
        See `muguet.noise.measured`.
    cut
        ``(bins,)``, True where more than 1 % of the pixels were clipped: there the tail of the noise is missing.
    """

    law: MeasuredLaw
    points: MeanVariance
    cut: npt.NDArray[np.bool_]


def read(path: Path) -> npt.NDArray[np.generic]:
    """An image as ``(n, y, x)``."""
    if not path.is_file():
        raise MuguetError(f"{path} is not there: name the folder of the images with --data or $MUGUET_DATA")
    image: npt.NDArray[np.generic] = tifffile.imread(path)
    return image.reshape(-1, *image.shape[-2:])


def simulated(data: Path, name: str, kind: str, level: float) -> Pair:
    """A clean image with noise of this kind on it, so strong that its PSNR is `level` decibels."""
    clean = OFFSET + STEP * read(data / f"clean_{name}.tif").astype(np.float64)
    parameter = at_level(LAWS[kind], clean, level)
    law = LAWS[kind](parameter)
    noisy = corrupt(law, torch.from_numpy(clean), torch.Generator().manual_seed(_CHANCE)).numpy()
    return Pair(name, kind, noisy.astype(np.float32), clean, lambda signal: law.std(signal), parameter, level)


def real(data: Path, name: str) -> Pair:
    """All frames of a channel of W2S, whose noise has the variance 100 · (signal − 200) counts²."""
    clean = read(data / f"{name}_clean.tif").astype(np.float64)
    return Pair(name, "W2S", read(data / f"{name}_noisy.tif"), clean, _w2s)


def _w2s(signal: Floats) -> Floats:
    known: Floats = np.sqrt(100 * np.maximum(signal - 200, 0))
    return known


def at_level(law: Callable[[float], Law], clean: Floats, level: float) -> float:
    """The parameter of a law with which images ``(n, y, x)`` have a PSNR of `level` decibels, by bisection.

    The law's σ must grow with its parameter.

    Raises
    ------
    MuguetError
        If no parameter between 1e-6 and 1e6 does.
    """
    low, high = -6.0, 6.0  # decades
    if not expected_psnr(law(10**high), clean) < level < expected_psnr(law(10**low), clean):
        raise MuguetError(f"no strength of this noise gives {level:g} dB: give a level between 0 and 60")
    while high - low > 1e-5:
        middle = 0.5 * (low + high)
        low, high = (middle, high) if expected_psnr(law(10**middle), clean) > level else (low, middle)
    return float(10 ** (0.5 * (low + high)))


def expected_psnr(law: Law, clean: Floats) -> float:
    """PSNR of noisy images ``(n, y, x)`` on average over the noise: its variance stands for the squared error.

    As in `muguet.quality.scores.psnr`, each frame has its own range and error.
    """
    signals, at = np.unique(clean, return_inverse=True)
    variance = (law.std(signals) ** 2)[at].reshape(clean.shape).mean((-2, -1))
    extent = np.ptp(clean, axis=(-2, -1))
    return float(np.mean(20 * np.log10(extent) - 10 * np.log10(variance)))
