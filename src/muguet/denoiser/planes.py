"""A trained model applied to planes: how they are cut into regions, and the loops over the regions."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from muguet.denoiser.channel import Channel, Result
from muguet.denoiser.estimates import predicts_error
from muguet.denoiser.model import Model
from muguet.denoiser.views import ONE_VIEW, views_of
from muguet.errors import MuguetError
from muguet.image.planes import Planes, Several
from muguet.image.representable import require_representable
from muguet.neighbours.loop import SeriesFunction, Stretch, map_series
from muguet.neighbours.remembered import Remembered
from muguet.neighbours.series import Neighbours, Series
from muguet.noise.calibrated import calibrate
from muguet.noise.correlated.whitening import Whitening
from muguet.prediction.blend import Blend
from muguet.prediction.regions import Cut, RegionFunction, map_plane, map_regions
from muguet.prediction.symmetry import Symmetry

CORE = {2: (512, 512), 3: (16, 192, 192)}
"""Size of a region without its halo in pixels, by the number of spatial dimensions."""


@dataclass(frozen=True, eq=False, repr=False)
class PlaneDenoiser(Model):
    """A trained model applied to the planes of an image, see `muguet.Denoiser`."""

    @property
    def cut(self) -> Cut:
        """The sizes of the regions into which images are cut for the network."""
        net = self.method.net
        blur = max((math.ceil(4 * blend.sigma) for blend in self.blends), default=0)
        filters = np.max([each.reach for each in self.whitenings if each] or [(0, 0)], axis=0).tolist()
        further = [0] * (self.parts.dimensions - 2) + filters
        halo = (max(far, blur) + more for far, more in zip(net.halo, further, strict=True))
        return Cut(CORE[self.parts.dimensions], tuple(halo), net.stride)

    def channel(self, number: int, views: Sequence[Symmetry] = ONE_VIEW) -> Channel:
        """Return the parts of the denoiser that belong to one channel, for estimates over some views."""
        return replace(self._channels[number], views=views)

    @functools.cached_property
    def _channels(self) -> tuple[Channel, ...]:
        needs_laws = self.method.prior is None and self.predicts_error
        laws = calibrate(self._network_laws(), self.transfers) if needs_laws else None
        return tuple(
            Channel(
                self.method,
                scaling,
                self.transfers[c] if self.transfers else None,
                None if laws is None else laws[c],
                self.whitening_of_units(c),
                self.blends[c] if self.blends else Blend(),
                self.error_scales[c] if self.error_scales else None,
            )
            for c, scaling in enumerate(self.scalings)
        )

    def whitening_of_units(self, channel: int) -> Whitening | None:
        """The whitening of a channel in network units."""
        scaling, found = self.scalings[channel], self.whitening(channel)
        return found and found.in_units(scaling.offset, scaling.scale)

    def _function(self, result: Result, views: Sequence[Symmetry]) -> RegionFunction:
        return lambda values, channel: self.channel(channel, views).region(values, result)

    def region_function(
        self, pixels: float, symmetries: int | None = None, result: Result = Result.MEAN
    ) -> RegionFunction:
        """Return the function that denoises a region with its halo, see `muguet.prediction.map_regions`.

        Parameters
        ----------
        pixels
            Number of pixels of the whole image.
        symmetries
            Number of views, see `__call__`.
        result
            The denoised values, or ``(2, *space)`` with their errors as well.

        Raises
        ------
        MuguetError
            If errors are asked for and the model has no prediction of them.
        """
        if result is not Result.MEAN:
            self.require_errors()
        return self._function(result, views_of(self.parts, pixels, symmetries))

    def std_function(self) -> RegionFunction:
        """Return the function that computes the standard deviation of the error of a region with its halo.

        Raises
        ------
        MuguetError
            If the model has no prediction of its errors.
        """
        self.require_errors()
        return self._function(Result.STD, ONE_VIEW)

    def require_errors(self) -> None:
        """Raise an error if the model has no prediction of its errors."""
        if not self.predicts_error:
            raise MuguetError(
                f"a model of the recipe {self.parts.recipe} without a prior does not predict its errors: "
                "train with --recipe=joint"
            )

    def denoise_plane(
        self,
        plane: npt.NDArray[Any],
        channel: int = 0,
        *,
        symmetries: int | None = None,
        own: bool | None = None,
    ) -> npt.NDArray[np.floating]:
        """Return one plane ``(*space)`` of one channel denoised, in counts.

        Parameters
        ----------
        plane
            Recorded counts; missing pixels are NaN.
        channel
            Index of the channel, whose scaling applies.
        symmetries
            Number of views, see `__call__`.
        own
            False: ignore the value of the pixel itself; True: use it; None: see `muguet.Method.estimate`.
        """
        views = views_of(self.parts, plane.size, symmetries)
        channel_of_views = self.channel(channel, views)
        return map_plane(lambda values: channel_of_views.region(values, own=own), plane, self.cut, self.dtype)

    def std_plane(self, plane: npt.NDArray[Any], channel: int = 0) -> npt.NDArray[np.float32]:
        """Return the standard deviation of the error of one plane ``(*space)`` of one channel, in counts."""
        found = self.channel(channel)
        return map_plane(lambda values: found.region(values, Result.STD), plane, self.cut)

    @property
    def predicts_error(self) -> bool:
        """Whether the model predicts the error of its estimates."""
        return predicts_error(self.method)

    def predicted_std(self, units: Tensor, channel: int) -> Tensor:
        """Return the predicted standard deviation of the error of images ``(b, 1, *space)``, in network units.

        This is the prediction before it is multiplied by the `ErrorScale` of the channel.
        """
        return self.channel(channel).predicted_std(units)

    def denoise_planes(
        self,
        source: Planes,
        into: Planes,
        symmetries: int | None = None,
        neighbours: Neighbours | None = None,
    ) -> Iterator[float]:
        """Denoise planes region by region, and yield the completed share after each.

        Parameters
        ----------
        source
            Noisy planes ``(n, c, *space)`` in counts.
        into
            Planes of the same shape, in which the result is written.
        symmetries
            Number of views, see `__call__`.
        neighbours
            Which planes help to estimate each other, see `find_neighbours`; None: none do.

        Raises
        ------
        MuguetError
            If the values are too far from those of the training images, or a result is not finite.
        """
        pixels = math.prod(source.shape)
        views = views_of(self.parts, pixels, symmetries)
        function = self.region_function(pixels, symmetries)
        return self._map(function, source, into, Result.MEAN, views, neighbours)

    def std_planes(
        self, source: Planes, into: Planes, neighbours: Neighbours | None = None
    ) -> Iterator[float]:
        """Compute the standard deviation of the error of planes region by region, see `denoise_planes`.

        Raises
        ------
        MuguetError
            If the model has no prediction of its errors.
        """
        return self._map(self.std_function(), source, into, Result.STD, ONE_VIEW, neighbours)

    def estimate_planes(
        self,
        source: Planes,
        mean: Planes,
        std: Planes,
        symmetries: int | None = None,
        neighbours: Neighbours | None = None,
    ) -> Iterator[float]:
        """Denoise planes and compute their errors region by region, with one run of the network; see `denoise_planes`.

        Raises
        ------
        MuguetError
            If the model has no prediction of its errors.
        """
        pixels = math.prod(source.shape)
        views = views_of(self.parts, pixels, symmetries)
        function = self.region_function(pixels, symmetries, Result.BOTH)
        return self._map(function, source, Several(mean, std), Result.BOTH, views, neighbours)

    def _map(
        self,
        function: RegionFunction,
        source: Planes,
        into: Planes,
        result: Result,
        views: Sequence[Symmetry],
        neighbours: Neighbours | None,
    ) -> Iterator[float]:
        """Apply the function to all regions, or its like for movies and stacks where planes help each other."""
        for channel, scaling in enumerate(self.scalings[: source.shape[1]]):
            require_representable(source, channel, scaling)
        if neighbours is None or not neighbours.helps:
            return map_regions(function, source, into, self.cut)

        of_series = self._series_function(result, views)
        stretches = [[Stretch.whole(each) for each in of_channel] for of_channel in neighbours.of_channels]
        return map_series(of_series, source, into, self.cut_with(neighbours), stretches)

    def series_function(
        self,
        pixels: float,
        symmetries: int | None = None,
        result: Result = Result.MEAN,
        max_kept: int = 0,
    ) -> SeriesFunction:
        """Return the function that estimates planes of a region of a series, see `muguet.neighbours.map_series`.

        Parameters
        ----------
        pixels
            Number of pixels of the whole image.
        symmetries
            Number of views, see `__call__`.
        result
            What is computed of every pixel.
        max_kept
            Bytes for estimates of planes of each channel that are kept for the next call, see
            `muguet.neighbours.Remembered`.

        Raises
        ------
        MuguetError
            If errors are asked for and the model has no prediction of them.
        """
        if result is not Result.MEAN:
            self.require_errors()
        return self._series_function(result, views_of(self.parts, pixels, symmetries), max_kept)

    def _series_function(
        self, result: Result, views: Sequence[Symmetry], max_kept: int = 0
    ) -> SeriesFunction:
        channels = [self.channel(c, views) for c in range(self.parts.channels)]
        estimators = [Remembered(each, max_kept) if max_kept else each for each in channels]

        def of_series(
            values: npt.NDArray[np.generic], channel: int, series: Series, held: slice, wanted: slice
        ) -> npt.NDArray[np.floating]:
            return channels[channel].series(values, series, held, wanted, result, estimators[channel])

        return of_series

    def cut_with(self, neighbours: Neighbours) -> Cut:
        """Return the sizes of the regions into which images are cut whose planes help each other."""
        return replace(self.cut, halo=tuple(far + neighbours.halo for far in self.cut.halo))
