"""The part of a photon-transfer curve that is a straight line, and the departures from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from muguet.noise.camera.line import Line, fitted_line
from muguet.noise.transfer.bins import Floats

_BAND = 3.0  # The band about a line reaches this many standard errors beyond the tolerance.
_MIN_SHARE = 0.2  # A linear part has at least this share of the points.
# A linear part begins within this share of the range of signals (and within a sixth of the points).
_MAX_START = 0.05
_MAX_ZERO = 0.02  # The line reaches zero variance within this share of the range of signals, or below it.
_MAX_DEVIATION = 9.0  # Larger relative deviations are reported as this one, as the line may be zero.


@dataclass(frozen=True)
class Departure:
    """A range of signals at one end of the curve whose variance is not on the line.

    Attributes
    ----------
    low, high
        First and last signal of the range.
    deviation
        Largest variance/line − 1 of the range, at most 9: −0.4 is a variance that is 40 % too small.
    bright
        True at the bright end, False at the dark end.
    """

    low: float
    high: float
    deviation: float
    bright: bool


def linear_part(signal: Floats, variance: Floats, relative: Floats, tolerance: float) -> slice:
    """Return the longest part of a curve that one line fits, where that may be the line of a camera.

    A line fits if no two neighbouring points lie outside the band about it on the same side. It must begin near the
    darkest signal, rise, and reach zero near the darkest signal or below it: the middle or the upper half of a
    compressed curve may be straight, but its slope is not the gain. If no part fits, the whole curve is returned, and
    `departures` shows the misfit.
    """
    total = len(signal)
    shortest = max(5, round(_MIN_SHARE * total))
    step = max(1, total // 30)
    latest = signal[0] + _MAX_ZERO * (signal[-1] - signal[0])
    longest = slice(0, 0)
    dark = int(np.searchsorted(signal, signal[0] + _MAX_START * (signal[-1] - signal[0])))
    for first in range(0, min(total // 6, dark) + 1, max(1, total // 60)):
        for last in range(total, first + shortest - 1, -step):
            if last - first <= longest.stop - longest.start:
                break
            part = slice(first, last)
            line = fitted_line(signal[part], variance[part], relative[part])
            if line.level <= 0 or line.slope * (line.centre - latest) > line.level:
                continue  # The line is zero at centre − level/slope.
            if not _misfits(_outside(signal[part], variance[part], relative[part], line, tolerance)):
                longest = part
                break
    return longest if longest.stop else slice(0, total)


def departures(
    signal: Floats, variance: Floats, relative: Floats, line: Line, tolerance: float
) -> tuple[Departure, ...]:
    """Return the ranges at the two ends, if any, that lie outside the band about a line."""
    outside = _outside(signal, variance, relative, line, tolerance)
    found = []
    for bright in (False, True):
        sides = outside[::-1] if bright else outside
        inside = np.flatnonzero(
            (sides[:-1] == 0) & (sides[1:] == 0)
        )  # Two points inside in a row end the range.
        length = int(inside[0]) if len(inside) else len(sides)
        length = length if np.any(sides[:length] != 0) and (length > 1 or abs(int(sides[0])) > 1) else 0
        if length:
            part = slice(len(sides) - length, None) if bright else slice(0, length)
            expected = np.maximum(line(signal[part]), variance[part] / (1 + _MAX_DEVIATION))
            away = variance[part] / np.maximum(expected, 1e-300) - 1
            worst = float(away[np.argmax(np.abs(away))])
            found.append(Departure(float(signal[part][0]), float(signal[part][-1]), worst, bright))
    return tuple(found)


def _outside(
    signal: Floats, variance: Floats, relative: Floats, line: Line, tolerance: float
) -> npt.NDArray[np.int8]:
    """Return ±1 for points above or below the band about the line, ±2 if by more than its width, 0 for others."""
    expected = np.maximum(line(signal), 0)
    away = variance - expected
    band = tolerance * np.maximum(expected, 0.1 * variance) + _BAND * relative * np.maximum(
        expected, variance
    )
    sides: npt.NDArray[np.int8] = (
        np.sign(away) * ((np.abs(away) > band) + 1 * (np.abs(away) > 2 * band))
    ).astype(np.int8)
    return sides


def _misfits(outside: npt.NDArray[np.int8]) -> bool:
    """Return True if two neighbours are outside on one side, or an end is far outside."""
    side = np.sign(outside)
    return bool(np.any((side[1:] == side[:-1]) & (side[1:] != 0))) or bool(np.abs(outside[[0, -1]]).max() > 1)
