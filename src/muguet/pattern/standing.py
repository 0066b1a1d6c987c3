"""A pattern that stands still while the scene of a movie moves: the offsets of single pixels of a camera."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from muguet.pattern.spectrum import cosine, inverse_cosine

Floats = npt.NDArray[np.float64]

MIN_FRAMES = 12
"""Smallest number of frames in which a standing pattern is searched."""

_MIN_SIDE = 64
_MIN_SHARE = 0.005  # A pattern with less than this part of the variance of the noise does no harm.
_MIN_ERRORS = 8.0
_MAX_STILL = (
    0.5  # The scene moves if less than this part of its structure is the same at both ends of the movie.
)
_MIN_SCENE = (
    0.005  # Structure of a scene with less than this part of the variance of the noise does not matter.
)
_MIN_FLAT = 0.5  # A pattern of single pixels is as strong at the finest scale as at a coarser one.
_FINE, _COARSE = (0.375, 0.5), (0.2, 0.3)
_MIDDLE = (0.03, 0.15)  # Structures of a scene are compared at these frequencies, in cycles per pixel.


@dataclass(frozen=True, eq=False)
class Standing:
    """The pattern of a movie, in counts.

    Attributes
    ----------
    offsets
        The offset of every pixel ``(y, x)``; None: it cannot be separated from the scene, which stands still as well.
    std
        Standard deviation of the pattern.
    """

    offsets: Floats | None
    std: float


def find_standing(frames: Sequence[Floats]) -> Standing | None:
    """Return the pattern that stands still in a movie, or None if there is none.

    The frames are averaged in four successive parts. What the averages of distant parts have in common at the highest
    spatial frequencies of both axes, where optics leave nothing of a scene and the noise of different frames is
    independent, is the variance of the pattern. Where it is found, the scene must move: its structures at lower
    frequencies, in the first and the last part, must have less than half of their power in common. The pattern is the
    mean of all frames times τ²/P (Wiener's filter), with τ² the variance of the pattern and P the power of the mean.

    Parameters
    ----------
    frames
        Frames ``(y, x)`` in counts in the order of time; NaN where a pixel is missing.
    """
    if len(frames) < MIN_FRAMES or min(frames[0].shape) < _MIN_SIDE:
        return None
    number = len(frames)
    edges = np.linspace(0, number, 5).astype(int)
    sums = [_sums(frames[first:last]) for first, last in pairwise(edges)]
    known = np.stack([count for _, count in sums]).min(0) >= 0.5 * (number // 4)
    if known.mean() < 0.5:
        return None
    means = [np.where(known, total / np.maximum(count, 1), np.nan) for total, count in sums]
    filled = [np.where(known, mean - np.nanmean(mean), 0.0) for mean in means]
    spectra = np.stack([_cosine2(each) for each in filled])
    down, across = (np.arange(size) / (2 * size) for size in filled[0].shape)
    fine = _within(down, _FINE)[:, None] & _within(across, _FINE)
    coarse = _within(down, _COARSE)[:, None] & _within(across, _COARSE)
    products = np.mean([spectra[a] * spectra[b] for a, b in ((0, 2), (0, 3), (1, 3))], 0)
    variance = float(products[fine].mean())
    error = float(products[fine].std()) / np.sqrt(fine.sum())
    noise = (float((spectra[:, fine] ** 2).mean()) - variance) * number / 4
    if variance < max(_MIN_SHARE * noise, _MIN_ERRORS * error):
        return None
    if variance < _MIN_FLAT * float(products[coarse].mean()):
        return None  # Structure of a scene that stands still.
    radius = np.hypot(down[:, None], across)
    middle = _within(radius, _MIDDLE)
    near = np.mean([spectra[a] * spectra[a + 1] for a in range(3)], 0)[middle]
    scene, moved = float(near.mean()) - variance, float((spectra[0] * spectra[3])[middle].mean()) - variance
    certain = 4 * float(near.std()) / np.sqrt(near.size)
    if scene > max(_MIN_SCENE * noise, certain) and moved > _MAX_STILL * scene:
        return Standing(None, float(np.sqrt(variance)))
    whole = spectra.mean(0)
    power = _by_radius(whole**2, radius)
    gain = variance / np.maximum(power, max(float((whole[fine] ** 2).mean()), variance))
    gain[0, 0] = 0.0
    offsets = np.where(known, _inverse_cosine2(whole * gain), 0.0)
    return Standing(offsets, float(offsets.std()))


def _sums(frames: Sequence[Floats]) -> tuple[Floats, Floats]:
    """Return the sum of the known values of each pixel, and their number."""
    total, count = np.zeros(frames[0].shape), np.zeros(frames[0].shape)
    for frame in frames:
        known = np.isfinite(frame)
        total += np.where(known, frame, 0.0)
        count += known
    return total, count


def _within(values: Floats, limits: tuple[float, float]) -> npt.NDArray[np.bool_]:
    found: npt.NDArray[np.bool_] = (values >= limits[0]) & (values < limits[1])
    return found


def _by_radius(power: Floats, radius: Floats) -> Floats:
    """Return the mean power at the spatial frequency of every coefficient, in rings."""
    width = 2.0 / max(power.shape)
    ring = (radius / width).astype(int)
    sums = np.bincount(ring.ravel(), power.ravel())
    counts = np.bincount(ring.ravel())
    found: Floats = (sums / np.maximum(counts, 1))[ring]
    return found


def _cosine2(plane: Floats) -> Floats:
    return cosine(cosine(plane).T).T


def _inverse_cosine2(spectrum: Floats) -> Floats:
    return inverse_cosine(inverse_cosine(spectrum).T).T
