"""How planes of one channel are estimated one by one, which the estimates from several planes build on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from muguet.noise.transfer.variance import Variance

Floats = npt.NDArray[np.float64]


class Alone(NamedTuple):
    """Estimates of planes one by one, all ``(planes, 1, y, x)`` in network units.

    Attributes
    ----------
    mean
        The estimates.
    variance
        The variances of their errors.
    predicted
        The variances as the prior predicts them, before they are corrected by errors that were measured.
    """

    mean: Tensor
    variance: Tensor
    predicted: Tensor


class PlaneEstimator(Protocol):
    """Estimates planes of one channel one by one, in network units, in which the noise is independent and white."""

    @property
    def noise(self) -> Variance | None:
        """Variance of the noise in network units; None where it is not known."""

    @property
    def stride(self) -> Sequence[int]:
        """The length of a region is a multiple of this, for each axis of space."""

    @property
    def device(self) -> torch.device:
        """The device of the network, on which planes are given to it."""

    def units(self, counts: npt.NDArray[Any]) -> tuple[Tensor, Tensor]:
        """Return planes ``(n, *space)`` as ``(n, 1, *space)`` without gaps, and the mask of the measured pixels."""

    def means(self, planes: Tensor) -> Tensor:
        """Return the estimates of planes."""

    def alone(self, planes: Tensor) -> Alone:
        """Return the estimates of planes, with the variances of their errors."""

    def prior(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return the estimate of the prior alone for an image ``(1, 1, y, x)``, and the predicted variance."""


def units_with_gaps(estimator: PlaneEstimator, counts: npt.NDArray[Any]) -> Floats:
    """Return a region of one plane in network units, with NaN where a pixel is missing."""
    units, measured = (each[0, 0].cpu().numpy() for each in estimator.units(counts[None]))
    return np.where(measured, units.astype(np.float64), np.nan)


def with_std(estimator: PlaneEstimator, units: Floats) -> tuple[Floats, Floats]:
    """Return the estimate of a region without gaps, and the standard deviation of its error, in network units."""
    found = estimator.alone(torch.from_numpy(units.astype(np.float32))[None, None].to(estimator.device))
    mean, std = (each[0, 0].cpu().numpy().astype(np.float64) for each in (found.mean, found.variance.sqrt()))
    return mean, std


def sides(space: Sequence[int], stride: Sequence[int], most: int) -> list[int]:
    """Return the sides of a region of planes of this size, of at most so many pixels."""
    return [min(n, most) // step * step for n, step in zip(space, stride, strict=True)]
