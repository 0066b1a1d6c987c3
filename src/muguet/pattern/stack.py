"""The planes of an image whose counts are being corrected: copied when the first is changed, saturated pixels kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from muguet.image.screen import as_float
from muguet.image.values import clipping_level, floor_level
from muguet.pattern.shift import Shift

Floats = npt.NDArray[np.float64]


class Stack:
    """The planes ``(n, c, z, y, x)`` of an image, copied when the first of them is changed."""

    def __init__(self, planes: npt.NDArray[Any]) -> None:
        self.given = planes
        self.changed: npt.NDArray[Any] | None = None

    @property
    def now(self) -> npt.NDArray[Any]:
        """The planes as they are after the changes so far."""
        return self.given if self.changed is None else self.changed

    def places(self, c: int) -> list[tuple[int, int]]:
        """Return sample and depth of all planes of a channel that are not missing altogether."""
        return [
            (n, z)
            for n in range(self.given.shape[0])
            for z in range(self.given.shape[2])
            if self.given.dtype.kind != "f" or np.isfinite(self.given[n, c, z]).any()
        ]

    def plane(self, c: int, place: tuple[int, int]) -> Floats:
        """Return a plane in which saturated and missing pixels are NaN."""
        n, z = place
        plane, raw = self.now[n, c, z].astype(np.float64), self.given[n, c, z]
        low, high = _range(raw)
        with np.errstate(invalid="ignore"):
            unknown = ~np.isfinite(plane) | (raw >= high) | (raw <= low)
        found: Floats = np.where(unknown, np.nan, plane)
        return found

    def change(self, c: int, function: Callable[[Floats, tuple[int, int]], Floats]) -> None:
        """Replace every plane of a channel by a function of it."""
        if self.changed is None:
            self.changed = as_float(self.given)
        for n, z in self.places(c):
            raw = self.given[n, c, z]
            low, high = _range(raw)
            with np.errstate(invalid="ignore"):
                values = np.clip(function(self.changed[n, c, z].astype(np.float64), (n, z)), low, high)
                kept = (raw >= high) | (raw <= low)
            values[kept] = raw[kept]
            self.changed[n, c, z] = values

    def move(self, c: int, shift: Shift, across: bool) -> None:
        """Move the odd rows of all planes of a channel back, or their odd columns; saturated pixels move with them."""
        moved = self.given.copy()
        for n, z in self.places(c):
            moved[n, c, z] = along(shift.back_whole, self.given[n, c, z], across)
        self.given, before = moved, self.now
        self.changed = as_float(before)
        for n, z in self.places(c):
            self.changed[n, c, z] = along(shift.back, before[n, c, z].astype(np.float64), across)
        self.change(c, lambda plane, _: plane)


def along(
    function: Callable[[npt.NDArray[Any]], npt.NDArray[Any]], plane: npt.NDArray[Any], across: bool
) -> npt.NDArray[Any]:
    """Return a function of the rows of a plane ``(y, x)``, or of its columns."""
    return function(plane.T).T if across else function(plane)


def _range(plane: npt.NDArray[Any]) -> tuple[float, float]:
    """Return the levels at which a plane is clipped from below and saturated; infinite if it is not."""
    top, bottom = clipping_level(plane), floor_level(plane)
    return -np.inf if bottom is None else bottom, np.inf if top is None else top
