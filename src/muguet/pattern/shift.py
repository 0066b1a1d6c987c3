"""Odd lines that are shifted along themselves against even lines: a scan in two directions whose phase is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Complexes = npt.NDArray[np.complex128]
Value = TypeVar("Value", bound=np.generic)

MAX_SHIFT = 16
"""Largest shift that is searched, in pixels."""

_MIN_SIDE = 64
_SEGMENT = 64  # Rows are compared in up to four segments of at least this many pixels …
_MAX_SEGMENTS = 4
_BANDS = 8  # … and in this many bands of rows, which give the error of the shift.
_STEP = 0.05  # Shifts at which the maximum is searched, in pixels.
_LOWEST = 2  # Coefficients of lower order are those of the window in which rows are compared.
_MAX_COHERENCE = 0.999
_MIN_SHIFT = 0.1  # A smaller shift does no harm: it costs less than 0.05 dB.
_MIN_GAIN = 8.0  # … and explains the rows better than no shift by this much in log-likelihood.
_CLEAR = 12.0  # Of two shifts with log-likelihoods that differ by less than this …
_SIMILAR = 0.2  # … or than this part of the larger one, the smaller shift is chosen.
_INDEPENDENT = 2 / 3  # Number of independent values a row and frequency: windows and rows overlap.
_MIN_ERRORS = 5.0  # The shift is at least this many times its standard error …
_MIN_ERRORS_HALF = 2.5  # … in each half of the image at least this many times …
_MAX_DISAGREEMENT = 4.0  # … and the halves differ by at most this many standard errors of their difference.
_NULL = 2.0  # It is this many times as large as any between lines that were scanned in one direction …
_MIN_ERRORS_NULL = 3.0  # … if that is at least this many standard errors.
_WHOLE = 0.1  # A shift that is as near as this to a whole number of pixels needs no interpolation.


@dataclass(frozen=True)
class Shift:
    """The shift of odd rows (1, 3, …, counted from 0) against even rows.

    Attributes
    ----------
    pixels
        How far odd rows are displaced to larger X.
    error
        Its standard error.
    """

    pixels: float
    error: float

    @property
    def whole(self) -> int:
        """The nearest whole number of pixels."""
        return round(self.pixels)

    def back(self, plane: Floats) -> Floats:
        """Return a plane ``(y, x)`` whose odd rows are moved back.

        A shift by a whole number of pixels is undone without interpolation. By a fraction of a pixel, a row is shifted
        by its Fourier series, after it was continued by its mirror image: this changes the phases of the frequencies
        and not their power, so that independent noise of equal size stays independent and keeps its size. Linear
        interpolation would average the noise of two pixels. At the end of a row from which values are moved away, the
        mean of the rows above and below is taken. Missing pixels (NaN) move by whole pixels.
        """
        found = plane.copy()
        rows = plane[1::2]
        if abs(self.pixels - self.whole) > _WHOLE:
            known = np.isfinite(rows)
            width = rows.shape[1]
            filled = _interpolated(rows)
            spectrum = np.fft.rfft(np.concatenate([filled, filled[:, ::-1]], 1), axis=1)
            spectrum *= np.exp(2j * np.pi * np.fft.rfftfreq(2 * width) * self.pixels)
            moved = np.fft.irfft(spectrum, 2 * width, axis=1)[:, :width]
            found[1::2] = np.where(self._moved(known), moved, np.nan)
        else:
            found[1::2] = self._moved(rows)
        self._fill(found)
        return found

    def back_whole(self, plane: npt.NDArray[Value]) -> npt.NDArray[Value]:
        """Return a plane ``(y, x)`` of any data type whose odd rows are moved by whole pixels, with known ends."""
        found = plane.copy()
        found[1::2] = self._moved(plane[1::2])
        if plane.dtype.kind in "uif":
            self._fill(found)
        return found

    def ends(self, width: int) -> slice:
        """Return the columns of odd rows for which nothing was recorded."""
        return slice(width - self.whole, None) if self.whole > 0 else slice(0, -self.whole)

    def _moved(self, rows: npt.NDArray[Value]) -> npt.NDArray[Value]:
        found = np.roll(rows, -self.whole, 1)
        found[:, self.ends(rows.shape[1])] = 0
        return found

    def _fill(self, plane: npt.NDArray[np.generic]) -> None:
        """Set the ends of odd rows to the mean of the rows above and below, in place."""
        ends = self.ends(plane.shape[1])
        even = plane[::2, ends].astype(np.float64)
        number = len(plane) // 2
        above, below = even[:number], np.concatenate([even[1:], even[-1:]])[:number]
        mean = 0.5 * (above + below)
        plane[1::2, ends] = (np.rint(mean) if plane.dtype.kind in "ui" else mean).astype(plane.dtype)


@dataclass(frozen=True)
class _Fit:
    """A shift, its standard error, and the gain in log-likelihood over no shift."""

    pixels: float
    error: float
    gain: float


def find_shift(planes: Sequence[Floats]) -> Shift | None:
    """Return the shift of the odd rows of planes ``(y, x)`` against the even rows, or None if there is none.

    With O the spectra of odd rows and R those of the mean of the two even rows around each, the shift s maximises

        Σ over frequencies k of  w Re(C exp(2πi k s)),   C = Σ over rows of  O R*,   w = γ² / (1 − γ²) / |C|,

    which weights the phase of every frequency by its inverse variance (Hannan and Thomson 1973,
    doi:10.1093/biomet/60.3.469). The squared coherence γ² is smoothed over frequencies and corrected for chance. Noise
    adds nothing to C on average, and a structure that is tilted against the columns moves the rows above and below an
    odd row in opposite directions, so that it cancels. The standard error is that between bands of rows and segments
    of their length. Whole pixels are undone before the shift is measured once more.

    A shift is found if it is at least 0.1 pixels and five standard errors, if both halves of the image show it by
    themselves, and if it is larger than the shifts among even rows only and among odd rows only, which no scan in two
    directions causes: these show how well the structure of the scene is sampled.

    Parameters
    ----------
    planes
        Counts; NaN where a pixel is missing.
    """
    if not planes or min(planes[0].shape) < _MIN_SIDE:
        return None
    width = planes[0].shape[1]
    first = _estimate(_sums(planes), width)
    if first is None or abs(first.pixels) < max(_MIN_SHIFT, _MIN_ERRORS_HALF * first.error):
        return None
    if first.gain < _MIN_GAIN:
        return None
    whole = round(first.pixels)
    sums = _sums(planes, whole)
    fits = [_estimate(sums[:, each], width) for each in (slice(None), slice(0, None, 2), slice(1, None, 2))]
    found, one, other = (None if each is None else Shift(each.pixels + whole, each.error) for each in fits)
    if found is None or one is None or other is None:
        return None
    if abs(found.pixels) < max(_MIN_SHIFT, _MIN_ERRORS * found.error) or abs(found.pixels) > MAX_SHIFT:
        return None
    if min(each.pixels * np.sign(found.pixels) - _MIN_ERRORS_HALF * each.error for each in (one, other)) < 0:
        return None
    if abs(one.pixels - other.pixels) > max(_MIN_SHIFT, _MAX_DISAGREEMENT * np.hypot(one.error, other.error)):
        return None
    for start in (0, 1):
        null = _estimate(_sums([plane[start::2] for plane in planes]), width)
        clear = null is not None and abs(null.pixels) > _MIN_ERRORS_NULL * null.error
        if null is not None and clear and abs(found.pixels) < _NULL * abs(null.pixels):
            return None
    return found


def _sums(planes: Sequence[Floats], whole: int = 0) -> Complexes:
    """Return sums over the rows of bands, ``(4, groups, k)``: O R*, |O|², |R|² and |O|² |R|²; odd rows moved back."""
    total: Complexes | None = None
    largest = np.abs(planes[0][np.isfinite(planes[0])]).max(initial=0.0)  # Squares of counts could overflow.
    for plane in planes:
        values = _interpolated(plane / largest if largest > 0 else plane)
        values[1::2] = np.take(
            values[1::2], np.clip(np.arange(values.shape[1]) + whole, 0, values.shape[1] - 1), 1
        )
        segments = _segments(values.shape[1])
        width = values.shape[1] // segments
        cut = values[:, : segments * width].reshape(len(values), segments, width)
        window = np.hanning(width + 2)[1:-1]
        spectra = np.fft.rfft((cut - cut.mean(2, keepdims=True)) * window, axis=2).transpose(1, 0, 2)
        even, odd = spectra[:, ::2], spectra[:, 1::2]
        number = min(odd.shape[1], even.shape[1] - 1)
        odd, mean = odd[:, :number], 0.5 * (even[:, :number] + even[:, 1 : number + 1])
        powers = np.abs(odd) ** 2, np.abs(mean) ** 2
        each = np.stack([odd * mean.conj(), *powers, powers[0] * powers[1]])
        bands = np.linspace(0, number, _BANDS + 1).astype(int)[:-1]
        sums = np.add.reduceat(each, bands, 2).reshape(4, -1, each.shape[-1])
        total = sums if total is None else total + sums
    assert total is not None
    return total


def _segments(width: int) -> int:
    return int(np.clip(width // _SEGMENT, 1, _MAX_SEGMENTS))


def agrees(planes: Sequence[Floats], shift: Shift) -> bool:
    """Return whether a shift that is known from elsewhere explains planes ``(y, x)`` better than no shift."""
    if not planes:
        return False
    weighted, frequency = _weighted(_sums(planes), planes[0].shape[1])
    one, none = (weighted.sum(0) @ np.exp(1j * np.outer(frequency, [shift.pixels, 0.0]))).real
    return bool(one > none)


def _weighted(sums: Complexes, width: int) -> tuple[Complexes, Floats]:
    """Return weighted cross-spectra ``(groups, k)``, whose sum is a log-likelihood, and frequencies per pixel."""
    first, second, chance = sums[1:].real.sum(1)
    expected = np.maximum(first * second, 1e-300)
    coherence = _smoothed(np.abs(sums[0].sum(0)) ** 2 / expected, chance / expected)
    number = _INDEPENDENT / np.maximum(chance / expected, 1e-300)
    weighted = sums[0] * number * np.sqrt(coherence / expected) / (1 - coherence)
    return weighted, 2 * np.pi * np.arange(len(first)) / (width // _segments(width))


def _estimate(sums: Complexes, width: int) -> _Fit | None:
    """Return the shift by the sums of `_sums`; None if the rows have nothing in common."""
    weighted, frequency = _weighted(sums, width)
    if not weighted.any():
        return None
    shift, gain = _smallest(weighted, frequency)
    for _ in range(5):  # Newton's method.
        turned = weighted * np.exp(1j * frequency * shift)
        slopes = -(turned.imag * frequency).sum(1)
        curvature = -float((turned.real * frequency**2).sum())
        if curvature >= 0:
            return None
        shift -= float(slopes.sum()) / curvature
    error = np.sqrt(((slopes - slopes.mean()) ** 2).sum()) / abs(curvature)
    return _Fit(shift, float(error), gain)


def _smallest(weighted: Complexes, frequency: Floats) -> tuple[float, float]:
    """Return the smallest shift that fits about as well as the best, and how much better it fits than none.

    A scene with a period fits shifts that differ by whole periods about equally well, and one with a fine period those
    by half a period as well, since the rows above and below may be its negative. Of the shifts whose log-likelihood is
    not clearly less than the largest, the smallest is chosen.
    """
    grid = _STEP * np.arange(-round(MAX_SHIFT / _STEP), round(MAX_SHIFT / _STEP) + 1)
    fit = (weighted.sum(0) @ np.exp(1j * np.outer(frequency, grid))).real
    least = fit.max() - max(_CLEAR, _SIMILAR * float(fit.max()))
    inner = np.flatnonzero((fit[1:-1] >= fit[:-2]) & (fit[1:-1] >= fit[2:]) & (fit[1:-1] > least)) + 1
    found = min([int(fit.argmax()), *inner], key=lambda each: abs(grid[each]))
    return float(grid[found]), float(fit[found] - abs(fit[len(grid) // 2]))


def _smoothed(coherence: Floats, chance: Floats) -> Floats:
    """Return running means of squared coherences ``(k,)`` above what chance adds; 0 where they are not above it."""
    size = len(coherence)
    at = np.arange(size)
    half = 2 + at // 8
    total = np.concatenate([[0.0], coherence.cumsum()])
    first, last = np.maximum(at - half, 0), np.minimum(at + half + 1, size)
    number = last - first
    found: Floats = np.clip(
        (total[last] - total[first]) / number - chance * (1 + 2 / np.sqrt(number)), 0.0, _MAX_COHERENCE
    )
    found[:_LOWEST] = 0.0
    return found


def _interpolated(rows: Floats) -> Floats:
    """Return rows ``(y, x)`` with missing pixels interpolated along them."""
    found = rows.astype(np.float64)
    at = np.arange(rows.shape[1])
    known = np.isfinite(found)
    for i in np.flatnonzero(~known.all(1)):
        found[i] = np.interp(at, at[known[i]], found[i, known[i]]) if known[i].any() else 0.0
    return found
