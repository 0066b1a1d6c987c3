"""Count the missing and the clipped pixels of a training set, and describe them for the user."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from muguet.image.screen import share
from muguet.image.values import clipping_level, floor_level


@dataclass
class Tally:
    """Numbers of pixels of a training set.

    Attributes
    ----------
    missing, saturated, floored, total
        Pixels that are NaN or infinite, at the top of the range, at its bottom because the detector clips there, and
        all pixels.
    floor
        The value at the bottom.
    """

    missing: int = 0
    saturated: int = 0
    floored: int = 0
    total: int = 0
    floor: float = 0.0

    def add_missing(self, plane: npt.NDArray[np.generic]) -> None:
        """Count the pixels of a plane as it was recorded."""
        self.total += plane.size
        if plane.dtype.kind == "f":
            self.missing += plane.size - int(np.isfinite(plane).sum())

    def add_clipped(self, plane: npt.NDArray[np.generic]) -> npt.NDArray[np.bool_]:
        """Return the mask of the pixels at either end of the range where the plane is clipped, and count them."""
        top, bottom = clipping_level(plane), floor_level(plane)
        mask, finite = np.zeros(plane.shape, bool), np.isfinite(plane)
        if top is not None:
            mask |= np.greater_equal(plane, top) & finite
            self.saturated += int(mask.sum())
        if bottom is not None:
            below = np.less_equal(plane, bottom) & finite
            self.floored, self.floor = self.floored + int(below.sum()), bottom
            mask |= below
        return mask

    def sentences(self) -> list[str]:
        """Return the sentences for the user."""
        notes = []
        if self.missing:
            notes.append(
                f"{share(self.missing, self.total)} of the pixels are NaN or infinite: treated as missing."
            )
        if self.saturated:
            notes.append(
                f"{share(self.saturated, self.total)} of the pixels are saturated: the noise law is not learned from "
                "them."
            )
        if self.floored:
            notes.append(
                f"{share(self.floored, self.total)} of the pixels are clipped at {self.floor:g}, below which the "
                "detector records nothing: the noise law is not learned from them, and there the result is the mean "
                "of the clipped values. Raise the detector's offset to measure the dark parts."
            )
        return notes
