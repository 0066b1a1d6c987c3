"""Where a photon-transfer curve is straight, and where it is not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from muguet.noise.camera.line import Line, fitted_line
from muguet.noise.transfer.bins import Floats

_SURE = 3.0  # standard errors beyond the tolerance
_LEAST = 0.2  # of the points that a straight part must have
_DARK = 0.05  # of the range of signals (and a sixth of the points): how far into it the part may begin
_LATE = 0.02  # of the range of signals: how far into it the variance may be zero
_MOST = 9.0  # times the line: a larger departure is not told from this, as the line may be zero


@dataclass(frozen=True)
class Departure:
    """A range of signals, at one end, whose variance is not on the line.

    Attributes
    ----------
    low, high
        From the first to the last signal of the range.
    deviation
        The largest one of variance/line − 1 there, at most 9: −0.4 is 40 % too little.
    bright
        At the bright end; else at the dark one.
    """

    low: float
    high: float
    deviation: float
    bright: bool


def linear_part(signal: Floats, variance: Floats, relative: Floats, tolerance: float) -> slice:
    """The longest part that one line fits, and that a camera's line may be.

    A line fits if no two neighbours leave the band about it on the same side. It must begin near the
    darkest signal, rise, and reach zero no later than about there: the middle or the upper half of a compressed
    curve may be straight, but tells nothing of single electrons. If no part fits, everything is fitted, and the
    departures tell.
    """
    total = len(signal)
    least = max(5, round(_LEAST * total))
    step = max(1, total // 30)
    latest = signal[0] + _LATE * (signal[-1] - signal[0])
    longest = slice(0, 0)
    dark = int(np.searchsorted(signal, signal[0] + _DARK * (signal[-1] - signal[0])))
    for first in range(0, min(total // 6, dark) + 1, max(1, total // 60)):
        for last in range(total, first + least - 1, -step):
            if last - first <= longest.stop - longest.start:
                break
            part = slice(first, last)
            line = fitted_line(signal[part], variance[part], relative[part])
            if line.level <= 0 or line.slope * (line.centre - latest) > line.level:
                continue  # zero is at centre − level/slope
            if not _runs(_outside(signal[part], variance[part], relative[part], line, tolerance)):
                longest = part
                break
    return longest if longest.stop else slice(0, total)


def departures(
    signal: Floats, variance: Floats, relative: Floats, line: Line, tolerance: float
) -> tuple[Departure, ...]:
    """The ranges at the two ends, if any, that leave the band about a line."""
    outside = _outside(signal, variance, relative, line, tolerance)
    found = []
    for bright in (False, True):
        sides = outside[::-1] if bright else outside
        inside = np.flatnonzero((sides[:-1] == 0) & (sides[1:] == 0))  # two in a row end the range
        length = int(inside[0]) if len(inside) else len(sides)
        length = length if np.any(sides[:length] != 0) and (length > 1 or abs(int(sides[0])) > 1) else 0
        if length:
            part = slice(len(sides) - length, None) if bright else slice(0, length)
            expected = np.maximum(line(signal[part]), variance[part] / (1 + _MOST))
            away = variance[part] / np.maximum(expected, 1e-300) - 1
            worst = float(away[np.argmax(np.abs(away))])
            found.append(Departure(float(signal[part][0]), float(signal[part][-1]), worst, bright))
    return tuple(found)


def _outside(
    signal: Floats, variance: Floats, relative: Floats, line: Line, tolerance: float
) -> npt.NDArray[np.int8]:
    """±1 where a point is above or below the band about the line, ±2 where far, 0 within."""
    expected = np.maximum(line(signal), 0)
    away = variance - expected
    band = tolerance * np.maximum(expected, 0.1 * variance) + _SURE * relative * np.maximum(
        expected, variance
    )
    sides: npt.NDArray[np.int8] = (
        np.sign(away) * ((np.abs(away) > band) + 1 * (np.abs(away) > 2 * band))
    ).astype(np.int8)
    return sides


def _runs(outside: npt.NDArray[np.int8]) -> bool:
    """Whether two neighbours are outside on one side, or an end far outside."""
    side = np.sign(outside)
    return bool(np.any((side[1:] == side[:-1]) & (side[1:] != 0))) or bool(np.abs(outside[[0, -1]]).max() > 1)
