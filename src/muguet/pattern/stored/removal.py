"""What is removed from the planes of one channel, and how it is removed from a part of a plane."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from muguet.image.defects import repaired
from muguet.image.planes import Region
from muguet.pattern.found import Found
from muguet.pattern.maps import quieted
from muguet.pattern.stack import along

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

SHIFT_MARGIN = 256
"""Pixels along shifted lines that are read on either side of a part.

The Fourier series of a longer line differs by 0.02 times the noise (root mean square).
"""

_MARGIN = 8  # Repaired and quieted pixels need those around them, and moved lines the lines beside them.


class Step(IntEnum):
    """The order in which patterns are searched and removed."""

    SHIFT = 1
    STANDING = 2
    UPPER_LOWER = 3
    LEFT_RIGHT = 4
    ROWS = 5
    COLUMNS = 6
    NOISY_PIXELS = 7
    END = 8


@dataclass(frozen=True, eq=False)
class LineRule:
    """How the offsets of lines are known.

    Attributes
    ----------
    expected
        Whether planes need not show them as clearly, see `muguet.pattern.find_lines`.
    looked
        Numbers of the planes in which they were searched first.
    stripes
        The offset of every line of all planes, if they repeat and planes are too large to be measured; None: they are
        measured in every plane.
    """

    expected: bool
    looked: tuple[int, ...] = ()
    stripes: Floats | None = None


@dataclass(frozen=True, eq=False)
class Removal:
    """What is removed from the planes ``(y, x)`` of one channel; None: nothing of this kind.

    Attributes
    ----------
    found
        What was found: shifts, halves and noisy pixels are removed as it says.
    defects
        Mask of the pixels that are defective in all planes.
    standing
        The pattern of a movie in counts.
    rows, columns
        How the offsets of lines are known.
    """

    found: Found = field(default_factory=Found)
    defects: Mask | None = None
    standing: npt.NDArray[np.floating] | None = None
    rows: LineRule | None = None
    columns: LineRule | None = None

    @property
    def changes(self) -> bool:
        """Whether any pixel changes."""
        found = self.found
        kinds = (self.defects, self.standing, self.rows, self.columns, found.shift, found.noisy_pixels)
        return any(each is not None for each in (*kinds, found.upper_lower, found.left_right))

    @property
    def margins(self) -> tuple[int, int]:
        """Rows and columns that are read around a part."""
        far = [_MARGIN, _MARGIN]
        if self.found.shift is not None:
            far[0 if self.found.shift[1] else 1] += SHIFT_MARGIN
        return far[0], far[1]


@dataclass(frozen=True, eq=False)
class Window:
    """A part of a plane.

    Attributes
    ----------
    rows, columns
        Where it lies; both begin at even numbers.
    shape
        Number of rows and of columns of the plane.
    missing, defects
        Pixels that are no measurements, and those that are defective; None: there are none.
    low, high
        Levels at which the plane is clipped from below and saturated; infinite if it is not.
    kind
        Data type in which corrected counts are kept.
    """

    rows: slice
    columns: slice
    shape: tuple[int, int]
    missing: Mask | None
    defects: Mask | None
    low: float
    high: float
    kind: npt.DTypeLike


def corrected(
    values: npt.NDArray[Any],
    window: Window,
    removal: Removal,
    offsets: Callable[[bool], Floats | None],
    until: Step,
    nan: bool = False,
) -> Floats:
    """Return a part of a plane without what comes before the step `until`.

    Every pixel is what `muguet.pattern.Correction` makes of it in memory: saturated pixels keep their values, and
    others stay within the range of the detector.

    Parameters
    ----------
    values
        The counts of the window.
    window
        Where it lies.
    removal
        What is removed.
    offsets
        Function that returns the offsets of all rows of the plane, or of all columns; None: there are none.
    until
        The first step that is left out.
    nan
        Whether saturated pixels are NaN in the result.
    """
    raw, found = values.astype(np.float64), removal.found
    if window.missing is not None:
        raw[window.missing] = np.nan
    if window.defects is not None and window.defects.any():
        raw = repaired(raw, window.defects).astype(window.kind).astype(np.float64)
    now = raw

    def change(function: Callable[[Floats], Floats]) -> Floats:
        with np.errstate(invalid="ignore"):
            new = np.clip(function(now), window.low, window.high)
            kept = (raw >= window.high) | (raw <= window.low)
        new[kept] = raw[kept]
        rounded: Floats = new.astype(window.kind).astype(np.float64)
        return rounded

    if found.shift is not None and until > Step.SHIFT:
        shift, across = found.shift
        now, raw = along(shift.back, now, across), along(shift.back_whole, raw, across)
        now = change(lambda plane: plane)
    part = window.rows, window.columns
    standing = removal.standing
    if standing is not None and until > Step.STANDING:
        now = change(lambda plane: plane - standing[part])
    halves = found.upper_lower
    if halves is not None and until > Step.UPPER_LOWER:
        step = halves
        now = change(lambda plane: step.remove(plane, window.rows.start, window.shape[0]))
    halves = found.left_right
    if halves is not None and until > Step.LEFT_RIGHT:
        other = halves
        now = change(lambda plane: other.remove(plane.T, window.columns.start, window.shape[1]).T)
    if removal.rows is not None and until > Step.ROWS and (rows := offsets(False)) is not None:
        of_rows = rows[window.rows, None]
        now = change(lambda plane: plane - of_rows)
    if removal.columns is not None and until > Step.COLUMNS and (columns := offsets(True)) is not None:
        of_columns = columns[window.columns]
        now = change(lambda plane: plane - of_columns)
    noisy = found.noisy_pixels
    if noisy is not None and until > Step.NOISY_PIXELS:
        variance = noisy.variance[part].astype(np.float64)
        now = change(lambda plane: quieted(plane, variance))
    if nan:
        with np.errstate(invalid="ignore"):
            now = np.where((raw >= window.high) | (raw <= window.low), np.nan, now)
    return now


def widened(region: Region, far: Sequence[int], space: Sequence[int]) -> Region:
    """Return a region with more pixels on all sides, which begins at even numbers."""
    return tuple(
        slice(max(each.start - more, 0) // 2 * 2, min(each.stop + more, size))
        for each, more, size in zip(region, far, space, strict=True)
    )
