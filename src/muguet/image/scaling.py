"""The affine map between camera counts and the units in which the networks work."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from torch import Tensor

Counts = TypeVar("Counts", Tensor, npt.NDArray[np.floating])


@dataclass(frozen=True)
class Scaling:
    """units = (counts − offset) / scale, with scale > 0."""

    offset: float
    scale: float

    @classmethod
    def fit(cls, counts: npt.NDArray[np.generic]) -> Scaling:
        """Offset at the mode, scale from there to the 95th percentile, of finite values of any shape.

        The mode (the middle of the shortest interval that holds a tenth of the values) is the background of a
        fluorescence image; neither figure moves when a few pixels are bright. Where the mode lies near the
        95th percentile (bright fields, saturated ones) the standard deviation between the 1st and the 99th
        takes over as the scale.
        """
        values = np.sort(_thinned(counts.ravel(), 200_000).astype(np.float64))
        tenth = max(len(values) // 10, 1)
        widths = values[tenth:] - values[:-tenth] if len(values) > tenth else np.zeros(1)
        shortest = np.flatnonzero(widths == widths.min())  # many of integers: the middle one is the mode's
        start = int(shortest[len(shortest) // 2])
        mode = float(values[start : start + tenth + 1].mean())
        low, bright, high = (float(np.percentile(values, percent)) for percent in (1, 95, 99))
        scale = max(bright - mode, float(values.clip(low, high).std())) or float(values.std())
        return cls(mode, scale if scale > 0 else 1.0)

    def apply(self, counts: Counts) -> Counts:
        """Turn counts into units."""
        return (counts - self.offset) / self.scale

    def invert(self, units: Counts) -> Counts:
        """Turn units into counts."""
        return units * self.scale + self.offset

    def as_dict(self) -> dict[str, float]:
        """Return both numbers, for the header of a model file."""
        return asdict(self)


def _thinned(values: npt.NDArray[np.generic], most: int) -> npt.NDArray[np.generic]:
    return values[:: max(len(values) // most, 1)]
