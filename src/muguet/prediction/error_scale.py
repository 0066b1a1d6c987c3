"""The correction of predicted errors by errors that were measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
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
    measured
        The mean squared error that was measured at each, in network units squared; empty: none was measured.
    uncertainty
        The standard error of each of them.
    """

    predicted: tuple[float, ...] = (1.0,)
    factor: tuple[float, ...] = (1.0,)
    measured: tuple[float, ...] = ()
    uncertainty: tuple[float, ...] = ()

    def __call__(self, std: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
        """Return corrected standard deviations; beyond the ends the factor is that of the end."""
        at = np.log(np.maximum(std, 1e-30))
        log_factor = np.interp(at, np.log(self.predicted), np.log(self.factor))
        scaled: npt.NDArray[np.float32] = (std * np.exp(log_factor)).astype(np.float32)
        return scaled

    def groups(self, counts: float = 1.0) -> dict[str, npt.NDArray[np.float64]]:
        """Return predicted and measured errors of the groups of pixels in which errors were measured.

        Parameters
        ----------
        counts
            The size of the network's unit, in counts.

        Returns
        -------
        dict
            Arrays of one length: "predicted", the corrected standard deviation; "measured", the root of the mean
            squared error; and "low" and "high", the ends of two standard errors. Empty: none was measured.
        """
        if not self.measured:
            return {}
        square, spread = np.array(self.measured), 2 * np.array(self.uncertainty)
        low, measured, high = (
            np.sqrt(np.maximum(each, 0)) for each in (square - spread, square, square + spread)
        )
        predicted = np.array(self.predicted) * np.array(self.factor)
        columns = {"predicted": predicted, "measured": measured, "low": low, "high": high}
        return {name: counts * values for name, values in columns.items()}

    def as_dict(self) -> dict[str, list[float]]:
        """Return the table as values for the header of a file."""
        return {name: list(values) for name, values in asdict(self).items()}

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> Self:
        """Return the table that `as_dict` wrote."""
        return cls(**{name: tuple(map(float, values)) for name, values in table.items()})
