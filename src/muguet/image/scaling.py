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
    """The map units = (counts − offset) / scale, with scale > 0."""

    offset: float
    scale: float

    @classmethod
    def fit(cls, counts: npt.NDArray[np.generic]) -> Scaling:
        """Return the scaling of an image: offset = mode, scale = 95th percentile − mode.

        The mode (the mean of the values in the shortest interval that holds a tenth of them) is the background
        of a fluorescence image. A few bright pixels change neither number. If the mode is near the 95th percentile
        (bright-field and saturated images), the scale is the standard deviation of the values, clipped at the
        1st and 99th percentiles.

        Parameters
        ----------
        counts
            Finite values, of any shape.
        """
        values = np.sort(_every_nth(counts.ravel(), 200_000).astype(np.float64))
        tenth = max(len(values) // 10, 1)
        widths = values[tenth:] - values[:-tenth] if len(values) > tenth else np.zeros(1)
        shortest = np.flatnonzero(
            widths == widths.min()
        )  # Integers give many such intervals: take the middle one.
        start = int(shortest[len(shortest) // 2])
        mode = float(values[start : start + tenth + 1].mean())
        low, bright, high = (float(np.percentile(values, percent)) for percent in (1, 95, 99))
        scale = max(bright - mode, float(values.clip(low, high).std())) or float(values.std())
        return cls(mode, scale if scale > 0 else 1.0)

    def apply(self, counts: Counts) -> Counts:
        """Convert counts to units."""
        return (counts - self.offset) / self.scale

    def invert(self, units: Counts) -> Counts:
        """Convert units to counts."""
        return units * self.scale + self.offset

    def then(self, inner: Scaling) -> Scaling:
        """Return the map from counts to the units that `inner` makes of the units of this one."""
        return Scaling(self.offset + self.scale * inner.offset, self.scale * inner.scale)

    def as_dict(self) -> dict[str, float]:
        """Return offset and scale as a dictionary, for the header of a model file."""
        return asdict(self)


def _every_nth(values: npt.NDArray[np.generic], n_values: int) -> npt.NDArray[np.generic]:
    """Return evenly spaced values: about `n_values` to twice as many, or all if there are fewer."""
    return values[:: max(len(values) // n_values, 1)]
