"""Separate the offsets of lines from the scene by their spectrum: independent offsets are white, a scene is not."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_HIGH = 0.375  # Above this frequency along Y, in cycles per pixel, optics leave little of a scene.
_TOP, _BELOW = (0.4375, 0.5), (0.25, 0.375)
_MIN_FLAT = 0.4
_MIN_ERRORS = (
    2.0  # One set of offsets is better than another if its power is less by this many standard errors.
)
_CLEAR = (
    2.0  # Where the power is this many times that of the offsets, the scene has added all of the difference.
)


def cosine(values: Floats) -> Floats:
    """Return the orthonormal cosine transform (DCT-II) along the last axis; coefficient m has the frequency m/2n."""
    size = values.shape[-1]
    spectrum = np.fft.rfft(np.concatenate([values, values[..., ::-1]], -1), axis=-1)[..., :size]
    phase = np.exp(-0.5j * np.pi * np.arange(size) / size)
    scale = np.full(size, np.sqrt(0.5 / size))
    scale[0] = 0.5 / np.sqrt(size)
    found: Floats = (spectrum * phase).real * scale
    return found


def inverse_cosine(coefficients: Floats) -> Floats:
    """Return the inverse of `cosine`, along the last axis."""
    size = coefficients.shape[-1]
    scale = np.full(size, np.sqrt(0.5 / size))
    scale[0] = 0.5 / np.sqrt(size)
    phase = np.exp(0.5j * np.pi * np.arange(size) / size)
    spectrum = np.zeros((*coefficients.shape[:-1], size + 1), complex)
    spectrum[..., :size] = coefficients / scale * phase
    found: Floats = np.fft.irfft(spectrum, 2 * size, axis=-1)[..., :size]
    return found


def is_white(parts: Floats) -> bool:
    """Return whether what the parts of rows ``(parts, y)`` share is as large at the highest frequencies as below them.

    Of a structure with a Gaussian profile of 0.7 pixels, a tenth is left there, of a sharper image of the optics more;
    the offsets of lines are white.
    """
    power = _shared(cosine(parts))
    size = len(power)
    top, below = (power[int(low * 2 * size) : int(high * 2 * size)] for low, high in (_TOP, _BELOW))
    chance = 1 + 1.5 * np.sqrt(2 / top.size)
    return bool(chance * top.mean() > _MIN_FLAT * below.mean())


def shrunk(whole: Floats, parts: Floats) -> Floats:
    """Return the offsets ``(y,)`` without what the scene and the noise of single pixels add to them.

    The parts of a row share its offset and little else, so that the mean product of two of them is the variance τ² of
    the offsets; it is taken where optics leave nothing of a scene. The power P of the measured offsets exceeds it there
    by the noise of single pixels, ν. The offsets of lines are white: where P is larger at lower frequencies than chance
    allows, the scene has added the difference, δ. A coefficient is multiplied by 1 − (ν + δ)/P, which is Wiener's
    filter.

    Parameters
    ----------
    whole, parts
        The measured offsets ``(sets, y)`` and ``(parts, y)``, see `muguet.pattern.differences.row_offsets`. All sets
        contain the offsets and differ in their errors. The first is used, but at frequencies at which another one has
        less power by more than chance.
    """
    chosen, variance = purest(cosine(whole)), shared_variance(cosine(parts))
    if variance <= 0:
        return np.zeros(len(chosen))
    power = smoothed(chosen**2)[0]
    high = float((chosen[_top(len(chosen))] ** 2).mean())
    lost = max(high - variance, 0.0) + excess(chosen, high)
    gain = np.clip(1 - lost / np.maximum(power, 1e-300), 0.0, 1.0)
    gain[0] = 0.0
    return inverse_cosine(chosen * gain)


def purest(every: Floats) -> Floats:
    """Return, at every frequency, the coefficients of the set ``(sets, m)`` with the smallest errors.

    It is the first set, or another where that has less power by more than chance: all sets contain the same offsets and
    differ in their errors.
    """
    chosen: Floats = every[0]
    for other in every[1:]:
        less = chosen**2 - other**2
        mean, number = smoothed(less)
        error = np.sqrt(np.maximum(smoothed(less**2)[0] - mean**2, 0.0) / number)
        chosen = np.where(mean > _MIN_ERRORS * error, other, chosen)
    return chosen


def shared_variance(parts: Floats) -> float:
    """Return the variance τ² of the offsets, which is what the coefficients ``(parts, m)`` of two parts share.

    It is taken where optics leave nothing of a scene.
    """
    return float(_shared(parts)[_top(parts.shape[1])].mean())


def excess(coefficients: Floats, expected: Floats | float) -> Floats:
    """Return by how much the mean power around each coefficient ``(m,)`` exceeds what is expected, unless by chance."""
    power, number = smoothed(coefficients**2)
    more = np.maximum(power - expected * (1 + 1.5 * np.sqrt(2 / number)), 0.0)
    found: Floats = np.where(power > _CLEAR * expected, power - expected, more)
    return found


def smoothed(power: Floats) -> tuple[Floats, Floats]:
    """Return running means of values ``(m,)`` over windows that widen with the frequency, and their sizes."""
    size = len(power)
    at = np.arange(size)
    half = 1 + at // 4
    total = np.concatenate([[0.0], power.cumsum()])
    first, last = np.maximum(at - half, 0), np.minimum(at + half + 1, size)
    return (total[last] - total[first]) / (last - first), (last - first).astype(np.float64)


def _top(size: int) -> slice:
    """Return the coefficients of frequencies at which optics leave little of a scene."""
    return slice(int(_HIGH * 2 * size), size)


def _shared(coefficients: Floats) -> Floats:
    """Return the mean product of the coefficients of two parts ``(parts, m)``, at every frequency."""
    number = len(coefficients)
    found: Floats = (coefficients.sum(0) ** 2 - (coefficients**2).sum(0)) / (number * (number - 1))
    return found
