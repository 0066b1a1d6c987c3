"""Noise with a known correlation."""

from __future__ import annotations

import numpy as np

SIDE = 256


def gaussian(sigma: float) -> np.ndarray:
    """The gain of a Gaussian filter of a standard deviation in pixels, along both axes."""
    return np.multiply.outer(*(np.exp(-2 * (np.pi * sigma * np.fft.fftfreq(SIDE)) ** 2),) * 2)


def shifted() -> np.ndarray:
    """The gain of a bilinear shift by half a pixel along both axes."""
    return np.multiply.outer(*(np.abs(np.cos(np.pi * np.fft.fftfreq(SIDE))),) * 2)


def slow(share: float) -> np.ndarray:
    """The gain of a detector that keeps a share of its signal from one pixel of a row to the next."""
    one = np.abs((1 - share) / (1 - share * np.exp(-2j * np.pi * np.fft.fftfreq(SIDE))))
    return np.multiply.outer(np.ones(SIDE), one)


def mixed(sigma: float, share: float) -> np.ndarray:
    """The gain of a Gaussian filter beside independent noise, which has this share of the variance."""
    filtered = gaussian(sigma) ** 2
    power: np.ndarray = (1 - share) * filtered / filtered.mean() + share
    return np.sqrt(power)


GAINS = {
    "gaussian 0.4": gaussian(0.4),
    "gaussian 0.6": gaussian(0.6),
    "gaussian 0.8": gaussian(0.8),
    "shifted": shifted(),
    "slow": slow(0.3),
    "mixed": mixed(0.8, 0.1),
}
"""The gain of the filter of the noise at each frequency along Y and X."""

INDEPENDENT = {"mixed": 0.1}
"""The share of the variance that is independent noise, where there is one."""


def draw(gain: np.ndarray, seed: int) -> np.ndarray:
    """Gaussian noise of the variance one with the spectrum gain²."""
    white = np.random.default_rng(seed).normal(size=gain.shape)
    return np.fft.ifft2(np.fft.fft2(white) * gain / np.sqrt((gain**2).mean())).real


def correlations(gain: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The true correlations along Y and X at the lags 1 to 8."""
    overlap = np.fft.ifft2(gain**2).real
    return overlap[1:9, 0] / overlap[0, 0], overlap[0, 1:9] / overlap[0, 0]


def blobs(brightest: float) -> np.ndarray:
    """Spots with the width of an optical image, from 2 photo-electrons in the background to the brightest."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:SIDE, :SIDE]
    scene = np.zeros((SIDE, SIDE))
    for cy, cx, width, height in zip(
        *rng.uniform(0, SIDE, (2, 60)), *rng.uniform([[2.0], [0.2]], [[9.0], [1.0]], (2, 60)), strict=True
    ):
        scene += height * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (2 * width**2))
    return 2 + brightest * scene / scene.max()
