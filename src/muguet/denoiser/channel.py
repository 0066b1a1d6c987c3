"""One channel of a denoiser: the estimates of its pixels and their errors, from counts to counts."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from muguet.denoiser.estimates import blended, predicted_std, scaled, with_variance
from muguet.denoiser.views import ONE_VIEW
from muguet.errors import MuguetError
from muguet.image.scaling import Scaling
from muguet.image.values import fill_missing
from muguet.method import Method
from muguet.neighbours.estimator import Alone, PlaneEstimator
from muguet.neighbours.series import Series
from muguet.noise.correlated.whitening import Whitening
from muguet.noise.law import Law
from muguet.noise.transfer.curve import MeanVariance
from muguet.noise.transfer.variance import Variance, fitted_variance
from muguet.prediction.blend import Blend
from muguet.prediction.error_scale import ErrorScale
from muguet.prediction.symmetry import Symmetry

Counts = npt.NDArray[np.floating]


class Result(Enum):
    """What is computed of every pixel: the denoised value, the standard deviation of its error, or both."""

    MEAN = "mean"
    STD = "std"
    BOTH = "both"


@dataclass(frozen=True, eq=False)
class Channel:
    """The parts of a denoiser that belong to one channel, see `muguet.Denoiser`.

    Attributes
    ----------
    method, scaling, transfer
        The method, the map from counts to network units, and the photon-transfer curve in network units.
    law
        The noise law in network units, by which a method without a prior predicts its errors; None: it does not.
    whitening
        The filters that make correlated noise white, in network units; None: the noise is independent.
    blend, error_scale
        The weights of the estimates, and the correction of the predicted errors; None: there is none.
    views
        Flips and quarter turns over which estimates are averaged.
    """

    method: Method
    scaling: Scaling
    transfer: MeanVariance | None = None
    law: Law | None = None
    whitening: Whitening | None = None
    blend: Blend = field(default_factory=Blend)
    error_scale: ErrorScale | None = None
    views: Sequence[Symmetry] = ONE_VIEW

    # ------------------------------------------------------ counts and units

    def units(self, counts: npt.NDArray[Any]) -> tuple[Tensor, Tensor]:
        """Return planes ``(n, *space)`` in network units, and the mask of the measured pixels, both ``(n, 1, *space)``.

        Missing pixels are filled from those around them.
        """
        recorded, known = self._recorded(counts)
        units = torch.from_numpy(self.whitening(recorded) if self.whitening else recorded)
        measured = torch.from_numpy(known)
        return units[:, None].to(self.device), measured[:, None].to(self.device)

    def _recorded(self, counts: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]:
        """Planes ``(n, *space)`` in network units, without gaps and not whitened, and the mask of measured pixels."""
        scaling = self.scaling
        values = np.stack(
            [scaling.to_units(each) if scaling.wide else each.astype(np.float32) for each in counts]
        )
        filled = np.stack([fill_missing(each) for each in values])
        return filled if scaling.wide else scaling.apply(filled), np.isfinite(values)

    def _mean(self, found: Tensor, measured: npt.NDArray[np.bool_], counts: npt.NDArray[Any]) -> Counts:
        """Denoised planes ``(n, *space)`` in counts, of an estimate ``(n, 1, *space)`` in network units."""
        return self._mean_in_counts(self._finished(found, measured, counts))

    def _finished(
        self, found: Tensor, measured: npt.NDArray[np.bool_], counts: npt.NDArray[Any] | None = None
    ) -> npt.NDArray[np.float32]:
        """Planes ``(n, *space)`` of a result ``(n, 1, *space)`` in network units, with NaN where a pixel is missing.

        With the counts of the planes, the result is an estimate of them, to which details are added that noise spares.
        """
        values: npt.NDArray[np.float32] = found[:, 0].cpu().numpy()
        if self.whitening is not None:
            if counts is None or self.whitening.clear is None:
                values = self.whitening.undo(values)
            else:
                values = self.whitening.finish(values, self._recorded(counts)[0])
        if not np.isfinite(values[measured]).all():
            raise MuguetError(
                "the model has no finite result for this image: the image has extreme values, which --valid-range "
                "leaves out, or the model was trained on other images"
            )
        values[~measured] = np.nan
        return values

    # --------------------------------------------------------------- regions

    def region(
        self, counts: npt.NDArray[Any], result: Result = Result.MEAN, own: bool | None = None
    ) -> Counts:
        """Return a result for one region ``(*space)`` in counts, or both ``(2, *space)``.

        Parameters
        ----------
        counts
            The region; missing pixels are NaN.
        result
            What is computed.
        own
            See `muguet.Method.estimate`. If False, the estimate is that of the trained network.
        """
        units, measured = self.units(counts[None])
        known = measured[:, 0].cpu().numpy()
        if not known.any():
            nothing = np.full(counts.shape, np.nan, np.float32)
            return np.stack([nothing, nothing]) if result is Result.BOTH else self._mean_in_counts(nothing)
        if result is Result.STD:
            return self._std_in_counts(self._finished(self.predicted_std(units), known)[0])
        blend = Blend() if own is False else self.blend
        if result is Result.MEAN or self.method.prior is None:
            found = blended(self.method, units, self.views, blend, own)
            mean: Counts = self._mean(found, known, counts[None])[0]
            if result is Result.MEAN:
                return mean
            std = self.predicted_std(units)
        else:
            found, variance = with_variance(self.method, units, self.views, blend)
            mean, std = self._mean(found, known, counts[None])[0], variance.sqrt()
        return np.stack([mean, self._std_in_counts(self._finished(std, known)[0])])

    def series(
        self,
        counts: npt.NDArray[Any],
        series: Series,
        held: slice,
        wanted: slice,
        result: Result,
        estimator: PlaneEstimator | None = None,
    ) -> Counts:
        """Return a result for some planes of a region of a movie or stack in counts.

        Its shape is ``(wanted, *space)``, or ``(wanted, 2, *space)`` for both.

        Parameters
        ----------
        counts
            The region in the planes that are held, ``(held, *space)``.
        series, held, wanted
            See `muguet.neighbours.Series.estimate`.
        result
            What is computed.
        estimator
            How planes are estimated one by one; None: by this channel.
        """
        units, measured = self.units(counts)
        errors = result is not Result.MEAN
        mean, variance = series.estimate(units, measured, held, wanted, estimator or self, errors)
        inside = slice(wanted.start - held.start, wanted.stop - held.start)
        known = measured[inside, 0].cpu().numpy()
        found = [] if result is Result.STD else [self._mean(mean, known, counts[inside])]
        if errors:
            assert variance is not None
            std = self._finished(variance.sqrt(), known)
            found.append(std * np.float32(self.scaling.scale))
        return np.stack(found, 1) if result is Result.BOTH else found[0]

    def _mean_in_counts(self, units: npt.NDArray[np.float32]) -> Counts:
        return self.scaling.to_counts(units)

    def _std_in_counts(self, units: npt.NDArray[np.float32]) -> Counts:
        std = units if self.error_scale is None else self.error_scale(units)
        return std * np.float32(self.scaling.scale)

    # ----------------------------------------------------------- one by one

    @functools.cached_property
    def noise(self) -> Variance | None:
        """Variance of the noise in network units; None where it is not known."""
        return None if self.transfer is None else fitted_variance(self.transfer)

    @property
    def stride(self) -> Sequence[int]:
        """The length of a region is a multiple of this, for each axis of space."""
        return self.method.net.stride

    @property
    def device(self) -> torch.device:
        """The device of the network."""
        return next(self.method.parameters()).device

    def means(self, planes: Tensor) -> Tensor:
        """Return the estimates of planes ``(n, 1, *space)`` one by one, in network units."""
        return torch.cat([blended(self.method, plane[None], self.views, self.blend) for plane in planes])

    def alone(self, planes: Tensor) -> Alone:
        """Return the estimates of planes ``(n, 1, *space)`` one by one, with the variances of their errors."""
        found = [with_variance(self.method, plane[None], self.views, self.blend) for plane in planes]
        mean, predicted = (torch.cat(each) for each in zip(*found, strict=True))
        scale = self.error_scale
        return Alone(mean, predicted if scale is None else scaled(predicted, scale), predicted)

    def prior(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return the estimate of the prior alone, and the variance of its error as the prior predicts it."""
        return self.method.prior_estimate(image)

    def predicted_std(self, units: Tensor) -> Tensor:
        """Return the predicted standard deviation of the error of images, before it is corrected, in network units."""
        return predicted_std(self.method, units, self.law)
