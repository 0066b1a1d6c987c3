"""Line noise of one plane: the offset that all pixels of a row share, if it is no part of the scene."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from muguet.noise.transfer.single_image import rough_std
from muguet.pattern.coherence import coherence
from muguet.pattern.differences import row_offsets
from muguet.pattern.periodic import find_period
from muguet.pattern.spectrum import is_white, shrunk

Floats = npt.NDArray[np.float64]

MIN_SIDE = 64
"""Smallest number of rows and columns in which lines are searched."""

_MIN_SHARE = 0.01  # Offsets with less than this part of the variance of the noise do no harm.
_MIN_ERRORS = 8.0  # Their share is at least this many standard errors …
_MIN_ERRORS_PERIOD = 4.0  # … or this many if they repeat, which is clear by itself …
_MIN_LEAST = 0.25  # … any two parts of the rows have at least this part of it in common …
_MIN_REPEATING = 0.03  # Smaller offsets that repeat do no harm, relative to the noise of single pixels.
_MIN_COMMON = 0.5  # Each half of the rows has at least this part of the offsets that repeat.
_FAR = (0.8, 1.25)  # … and the parts that are farthest apart about as much as others.


@dataclass(frozen=True, eq=False)
class Lines:
    """The offsets of the rows of a plane.

    Attributes
    ----------
    offsets
        The offset of every row ``(y,)``, in the units of the plane; their mean is zero.
    period
        Number of rows after which offsets repeat; 0 if they do not.
    measured
        What offsets that do not repeat were estimated from: those of the whole width and of its parts, see
        `muguet.pattern.differences.row_offsets`. None after the second estimate.
    """

    offsets: Floats
    period: int = 0
    measured: tuple[Floats, Floats] | None = None

    @property
    def std(self) -> float:
        """Standard deviation of the offsets."""
        return float(self.offsets.std())


def find_lines(plane: Floats, expected: bool = False) -> Lines | None:
    """Return the offsets of the rows of a plane ``(y, x)``, or None if its rows have none of their own.

    Rows have offsets if distant parts of a row share them at the finest scale (`coherence`), which a scene does only
    where its structures run exactly along the rows from one side to the other, and if the offsets repeat
    (`find_period`) or are independent from row to row (`is_white`), which structures behind optics are not.

    The mean over W pixels cannot be known better than to σ²/W, so that of offsets with a standard deviation of τ at
    least the share σ²/(σ² + W τ²) remains.

    Parameters
    ----------
    plane
        Counts; NaN for pixels that are missing or saturated.
    expected
        Whether other planes of the series have lines, so that this one need not show them as clearly.
    """
    if min(plane.shape) < MIN_SIDE:
        return None
    size = np.abs(plane[np.isfinite(plane)]).max(initial=0.0)
    if not 0 < size < 1e100:  # Squares of these values would overflow.
        return None
    shared = coherence(plane)
    if shared is None or shared.share <= 0:
        return None
    clear = shared.share > max(_MIN_SHARE, _MIN_ERRORS * shared.error)
    clear &= shared.least > _MIN_LEAST and _FAR[0] < shared.far < _FAR[1]
    if not (expected or shared.share > _MIN_ERRORS_PERIOD * shared.error):
        return None
    whole, parts = row_offsets(plane)
    period, offsets = find_period(whole[0])
    small = period and offsets.std() < _MIN_REPEATING * rough_std(plane)
    if small or (period and not _is_common(parts, offsets)):
        period, offsets = 0, np.zeros(len(offsets))
    rest = parts - offsets
    if expected or (clear and is_white(rest)):
        offsets = offsets + shrunk(whole - offsets, rest)
    return Lines(offsets, period, None if period else (whole, parts)) if offsets.any() else None


def _is_common(parts: Floats, offsets: Floats) -> bool:
    """Return whether both halves of the rows have the same repeating offsets."""
    size = float(offsets @ offsets)
    shares = [float(half.mean(0) @ offsets) / size for half in np.array_split(parts, 2)]
    return min(shares) > _MIN_COMMON
