"""The correction of predicted errors by errors that were measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class ErrorScale:
    """Factors by which predicted standard deviations are multiplied, between which log factors are interpolated.

    Attributes
    ----------
    predicted
        Predicted standard deviations, increasing, in network units.
    factor
        The factor at each.
    """

    predicted: tuple[float, ...] = (1.0,)
    factor: tuple[float, ...] = (1.0,)

    def __call__(self, std: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
        """Return corrected standard deviations; beyond the ends the factor is that of the end."""
        at = np.log(np.maximum(std, 1e-30))
        log_factor = np.interp(at, np.log(self.predicted), np.log(self.factor))
        scaled: npt.NDArray[np.float32] = (std * np.exp(log_factor)).astype(np.float32)
        return scaled

    def as_dict(self) -> dict[str, list[float]]:
        """Return the table as values for the header of a file."""
        return {"predicted": list(self.predicted), "factor": list(self.factor)}

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> Self:
        """Return the table that `as_dict` wrote."""
        return cls(tuple(map(float, table["predicted"])), tuple(map(float, table["factor"])))
