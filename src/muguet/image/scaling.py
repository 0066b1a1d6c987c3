"""The affine map between camera counts and the units in which the networks work."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

_MAX_OFFSET = 1000.0  # float32 has 7 digits, of which the offset may take three.
_MIN_SCALE = 1e-30
_MAX_EXPONENT = 300  # Values beyond 2^±300 are fitted after a division by a power of two.

if TYPE_CHECKING:
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
        few = len(values) // 20  # A few wild values must not decide.
        exponent = math.frexp(float(np.abs(values[[few, -1 - few]]).max()))[1]
        if abs(exponent) > _MAX_EXPONENT:  # Squares of these values would overflow or vanish.
            inner = cls.fit(np.ldexp(values, -exponent))
            return cls(math.ldexp(inner.offset, exponent), math.ldexp(inner.scale, exponent))
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

    @property
    def wide(self) -> bool:
        """Whether counts must be converted in double precision.

        With an offset of more than a thousand scales, or a scale near the ends of the range of float32, the noise would
        be rounded away before the offset is subtracted.
        """
        return abs(self.offset) > _MAX_OFFSET * self.scale or not _MIN_SCALE < self.scale < 1 / _MIN_SCALE

    def to_units(self, counts: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Convert counts of any data type to float32 units; values beyond the range of float32 become infinite."""
        with np.errstate(over="ignore", invalid="ignore"):
            if self.wide:
                # The quotient of differences is finite where a difference of halves is.
                half = counts.astype(np.float64) / 2 - self.offset / 2
                return (half / (self.scale / 2)).astype(np.float32)
            return self.apply(counts.astype(np.float32))

    def to_counts(self, units: npt.NDArray[np.float32]) -> npt.NDArray[np.floating]:
        """Convert float32 units to counts: float64 if the scaling is `wide`, else float32."""
        return self.invert(units.astype(np.float64) if self.wide else units)

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
