"""The denoiser: a trained method that denoises images in camera counts, returns the noise law, and is saved."""

from __future__ import annotations

import copy
import functools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from muguet.axial_weights import Single
from muguet.errors import MuguetError
from muguet.estimates import (
    blended,
    estimate_movie,
    predicted_std,
    predicts_error,
    scaled,
    with_variance,
)
from muguet.formats.given import ImageLike, given_one
from muguet.image.axes import Layout, named
from muguet.image.planes import ArrayPlanes, Planes
from muguet.image.representable import require_representable
from muguet.image.scaling import Scaling
from muguet.image.screen import Screened, screen
from muguet.image.values import fill_missing, require_real
from muguet.method import Method
from muguet.movies import Movies, find_movies
from muguet.neighbours import better
from muguet.noise.calibrated import calibrate
from muguet.noise.correlated.law import Correlated
from muguet.noise.correlated.whitening import Whitening
from muguet.noise.known import Gaussian
from muguet.noise.law import Affine, Law
from muguet.noise.numerics import extreme
from muguet.noise.origin import Origin
from muguet.noise.transfer.curve import MeanVariance
from muguet.noise.transfer.variance import fitted_variance
from muguet.pattern.correction import KEEP, Correction
from muguet.prediction.blend import Blend
from muguet.prediction.error_scale import ErrorScale
from muguet.prediction.movies import Movie, SeriesFunction, map_series
from muguet.prediction.regions import Cut, RegionFunction, map_plane, map_regions
from muguet.prediction.symmetry import Symmetry
from muguet.prediction.symmetry import symmetries as chosen_symmetries
from muguet.recipes.parts import Parts
from muguet.restoration import axial
from muguet.system import tensor_file
from muguet.system.device import bfloat16_pays
from muguet.system.text import html_table, json_safe
from muguet.volumes import Stack, Volumes, estimate_stack, find_volumes

CORE = {2: (512, 512), 3: (16, 192, 192)}
"""Size of a region without its halo in pixels, by the number of spatial dimensions."""

MAPS = "maps."
"""The names of the tensors of a model file that hold maps of the camera begin with this."""

MAX_PIXELS_EIGHT = 2**22
"""Estimates of larger images are not averaged over views: eight views take eight times as long for 0.01 to 0.06 dB."""


class Estimate(NamedTuple):
    """A denoised image and its error, in counts.

    Attributes
    ----------
    mean
        The denoised image.
    std
        Standard deviation of the error of each pixel, of the same shape. About 95 % of the true values lie within
        1.96 of it.
    """

    mean: npt.NDArray[np.float32]
    std: npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False, repr=False)
class Denoiser:
    """A trained method with the scalings and noise laws that relate it to images in camera counts.

    Attributes
    ----------
    parts, method
        The parts of the method, and the trained module itself.
    scalings
        The map from counts to network units of each channel.
    transfers
        Photon-transfer curve of each channel in network units, measured on the training images with their estimates;
        None for a channel in which it could not be measured. Empty: it was not measured.
    training
        Record of the training: data, seed, steps, scores and versions, in values that JSON can hold.
    blends
        Weights with which the estimates of each channel are averaged. Empty: the estimate is that of the trained
        network.
    error_scales
        Correction of the predicted errors of each channel. Empty: there is none.
    whitenings
        The filters of each channel, in counts, that make correlated noise white before the network and are undone after
        it, see `muguet.noise.Whitening`. Empty, or None for a channel: its noise is independent from pixel to pixel.
    correction
        How the counts of an image are corrected before it is denoised: lines, patterns that stand still, and maps of
        the camera.
    """

    parts: Parts
    method: Method
    scalings: tuple[Scaling, ...]
    transfers: tuple[MeanVariance | None, ...] = ()
    training: Mapping[str, Any] = field(default_factory=dict)
    blends: tuple[Blend, ...] = ()
    error_scales: tuple[ErrorScale, ...] = ()
    whitenings: tuple[Whitening | None, ...] = ()
    correction: Correction = field(default_factory=Correction)

    # ------------------------------------------------------------------ images

    def __call__(
        self,
        image: ImageLike,
        axes: str | None = None,
        *,
        symmetries: int | None = None,
        time_window: int | None = None,
        causal: bool = False,
        z_window: int | None = None,
    ) -> npt.NDArray[np.floating]:
        """Return the denoised image, in counts, of the same shape.

        No pixel is hidden from the network. Large images are processed in regions with a halo as wide as the receptive
        field. Missing pixels (NaN or infinite) are NaN in the result and do not affect the others. Pixels that are not
        measurements, such as padding, blank planes and the masked pixels of a masked array, do not affect the others
        either, and are returned as they were; a masked array gives a masked array. Defective pixels are replaced. See
        `muguet.image.screen`. Offsets of lines and of single pixels are removed, see `muguet.pattern.Correction`.

        The result is float32, or float64 for values such as 10⁹ ± 10, which float32 cannot hold.

        Parameters
        ----------
        image
            Array of any numeric dtype, or the path of a file.
        axes
            One letter of TCZYXS for each axis; None: from the file, or guessed from the shape, with a warning.
        symmetries
            Number of views (flips and quarter turns of the image) over which estimates are averaged: 1, 2, 4 or 8. The
            time is proportional to it. None: 8 for images of up to 2²² pixels in total, 1 for larger ones.
        time_window
            In a movie (an axis T), the number of frames before and after each frame that help to estimate it, where the
            scene has not changed (`muguet.restoration.fused`). 0: every frame is denoised by itself. None: 4, if
            successive frames show one scene and have noise of their own. A model without a prior has no such estimate.
        causal
            Whether only frames before a frame help to estimate it.
        z_window
            In a stack (an axis Z) that is denoised plane by plane, the number of planes before and after each plane
            that help to estimate it, see `muguet.restoration.axial`. 0: every plane is denoised by itself. None: up to
            3, if the error falls at pixels that were held out. An image with T and Z uses one of them, by the same
            criterion. A model without a prior has no such estimate.

        Raises
        ------
        MuguetError
            If the axes do not fit the image, `symmetries` is another number, the model has other dimensions or
            another number of channels, or the values are not real numbers.
        """
        found = given_one(image, axes)
        array = found.array
        require_real(array, found.name or "the image")
        layout = self.layout(array.shape, found.axes)
        screened = self.correction(screen(array, layout), layout).screened
        source = ArrayPlanes(screened.values, layout)
        neighbours = self.find_neighbours(source, layout, time_window, causal, z_window)
        return self._denoised_image(array, screened, layout, symmetries, neighbours)

    def _denoised_image(
        self,
        array: npt.NDArray[Any],
        screened: Screened,
        layout: Layout,
        symmetries: int | None,
        neighbours: Movies | Volumes,
    ) -> npt.NDArray[np.floating]:
        out = np.empty(array.shape, self.dtype)
        source = ArrayPlanes(screened.values, layout)
        for _ in self.denoise_planes(source, ArrayPlanes(out, layout), symmetries, neighbours):
            pass
        screened.restore(out)
        if not np.ma.isMaskedArray(array):
            return out
        result: npt.NDArray[np.floating] = np.ma.masked_array(out, np.ma.getmaskarray(array))
        return result

    def find_movies(
        self, source: Planes, layout: Layout, time_window: int | None = None, causal: bool = False
    ) -> Movies:
        """Decide which frames of an image help to estimate each other, see `muguet.movies.find_movies`.

        Parameters
        ----------
        source
            Noisy planes ``(n, c, *space)`` in counts.
        layout
            How the axes of the image became planes.
        time_window, causal
            See `__call__`.

        Raises
        ------
        MuguetError
            If a window is asked for that this model or image cannot use.
        """
        if time_window is not None and time_window < 0:
            raise MuguetError(
                f"--time-window {time_window} is negative: give the number of frames on each side, or 0"
            )
        sequences = layout.sequences()
        possible = self.method.prior is not None and self.parts.dimensions == 2
        if time_window and not possible:
            raise MuguetError(
                f"--time-window needs a model of planes with a prior, and that of the recipe {self.parts.recipe} has "
                "none: train with --recipe=joint, or leave it out"
            )
        if time_window and not sequences:
            raise MuguetError(f"--time-window needs an axis T, and the axes are {layout.axes}: leave it out")
        if time_window == 0 or not possible or not sequences:
            return Movies(())
        return find_movies(source, sequences, self.scalings, self._once, time_window, causal)

    def find_volumes(self, source: Planes, layout: Layout, z_window: int | None = None) -> Volumes:
        """Decide which planes of the stacks of an image help each other, see `muguet.volumes.find_volumes`.

        Parameters
        ----------
        source, layout
            See `find_movies`.
        z_window
            See `__call__`.

        Raises
        ------
        MuguetError
            If a window is asked for that this model or image cannot use.
        """
        if z_window is not None and z_window < 0:
            raise MuguetError(
                f"--z-window {z_window} is negative: give the number of planes on each side, or 0"
            )
        stacks = layout.stacks()
        possible = self.method.prior is not None and self.parts.dimensions == 2
        if z_window and not possible:
            raise MuguetError(
                f"--z-window needs a model of planes with a prior, and that of the recipe {self.parts.recipe} has "
                "none: train with --recipe=joint and --dimensions 2, or leave it out"
            )
        if z_window and not stacks:
            raise MuguetError(f"--z-window needs an axis Z, and the axes are {layout.axes}: leave it out")
        if z_window == 0 or not possible or not stacks:
            return Volumes()
        return find_volumes(source, stacks, self._single, z_window)

    def find_neighbours(
        self,
        source: Planes,
        layout: Layout,
        time_window: int | None = None,
        causal: bool = False,
        z_window: int | None = None,
    ) -> Movies | Volumes:
        """Decide whether frames of movies or planes of stacks help each other, whichever leaves the smaller error.

        The parameters and errors are those of `find_movies` and `find_volumes`.
        """
        movies = Movies(()) if z_window and time_window is None else None
        movies = movies or self.find_movies(source, layout, time_window, causal)
        if time_window and z_window is None:
            return movies
        volumes = self.find_volumes(source, layout, z_window)
        views = views_of(self.parts, math.inf, 1)

        def trial(
            series: Movie | Stack,
            units: npt.NDArray[np.float64],
            usable: npt.NDArray[np.bool_],
            channel: int,
            held: slice,
            wanted: slice,
        ) -> npt.NDArray[np.float64]:
            frames, known = (
                torch.from_numpy(each)[:, None].to(self.device) for each in (units.astype(np.float32), usable)
            )
            choice = (views, self._blend(channel), self._scale(channel), False)
            if isinstance(series, Movie):
                found = estimate_movie(self.method, frames, known, series, held, wanted, *choice)
            else:
                found = estimate_stack(self.method, frames, known, series, held, wanted, *choice)
            return found[0, 0].cpu().numpy().astype(np.float64)

        return better(movies, volumes, source, self._single, trial)

    def _once(self, plane: npt.NDArray[Any], channel: int) -> npt.NDArray[np.floating]:
        """The estimate of a plane of any size, seen once and as a whole."""
        views = views_of(self.parts, math.inf, 1)
        cut = Cut(plane.shape, (0,) * plane.ndim, self.cut.stride)
        return map_plane(lambda values: self._denoised(values, channel, views), plane, cut, self.dtype)

    def _units(self, values: npt.NDArray[np.generic], channel: int) -> npt.NDArray[np.float64]:
        """A region in network units, with NaN where a pixel is missing."""
        units, usable = (each[0, 0].cpu().numpy() for each in self._frames(values[None], channel))
        return np.where(usable, units.astype(np.float64), np.nan)

    def _with_std(
        self, values: npt.NDArray[np.float64], channel: int
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """The estimate of a region, seen once, and the standard deviation of its error, all in network units."""
        views, scale = views_of(self.parts, math.inf, 1), self._scale(channel)
        units = torch.from_numpy(values.astype(np.float32))[None, None].to(self.device)
        mean, variance = with_variance(self.method, units, views, self._blend(channel))
        std = (variance if scale is None else scaled(variance, scale)).sqrt()
        estimate, error = (each[0, 0].cpu().numpy().astype(np.float64) for each in (mean, std))
        return estimate, error

    @property
    def _single(self) -> Single:
        points = self.transfers or (None,) * len(self.scalings)
        variances = [None if each is None else fitted_variance(each) for each in points]
        return Single(self._units, self._with_std, variances, self.method.net.stride)

    def denoise_planes(
        self,
        source: Planes,
        into: Planes,
        symmetries: int | None = None,
        neighbours: Movies | Volumes | None = None,
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
        self._require_representable(source)
        views = views_of(self.parts, math.prod(source.shape), symmetries)
        if neighbours is not None and neighbours.helps:
            return self._map_series(source, into, neighbours, views)
        function = self.region_function(math.prod(source.shape), symmetries)
        return map_regions(function, source, into, self.cut)

    def _map_series(
        self,
        source: Planes,
        into: Planes,
        neighbours: Movies | Volumes,
        views: Sequence[Symmetry],
        errors: bool = False,
    ) -> Iterator[float]:
        if isinstance(neighbours, Movies):
            function = self._movie_function(views, errors)
            return map_series(function, source, into, self.cut, neighbours.of_channels)
        halo = tuple(far + axial.REACH for far in self.cut.halo)
        wider = Cut(self.cut.core, halo, self.cut.stride)
        return map_series(self._stack_function(views, errors), source, into, wider, neighbours.of_channels)

    def region_function(self, pixels: float, symmetries: int | None = None) -> RegionFunction:
        """Return the function that denoises a region with its halo, see `muguet.prediction.map_regions`.

        Parameters
        ----------
        pixels
            Number of pixels of the whole image.
        symmetries
            Number of views, see `__call__`.
        """
        views = views_of(self.parts, pixels, symmetries)
        return lambda values, channel: self._denoised(values, channel, views)

    def std_function(self) -> RegionFunction:
        """Return the function that computes the standard deviation of the error of a region with its halo.

        Raises
        ------
        MuguetError
            If the model has no prediction of its errors.
        """
        if not self.predicts_error:
            raise MuguetError(
                f"a model of the recipe {self.parts.recipe} without a prior does not predict its errors: "
                "train with --recipe=joint"
            )
        return self._std

    def _require_representable(self, source: Planes) -> None:
        for channel, scaling in enumerate(self.scalings[: source.shape[1]]):
            require_representable(source, channel, scaling)

    @property
    def dtype(self) -> np.dtype[np.floating]:
        """Data type that can hold the results: float32, or float64 for counts with a very large offset."""
        return np.dtype(np.float64 if any(scaling.wide for scaling in self.scalings) else np.float32)

    @property
    def cut(self) -> Cut:
        """The sizes of the regions into which images are cut for the network."""
        net = self.method.net
        blur = max((math.ceil(4 * blend.sigma) for blend in self.blends), default=0)
        filters = np.max([each.reach for each in self.whitenings if each] or [(0, 0)], axis=0).tolist()
        further = [0] * (self.parts.dimensions - 2) + filters
        halo = (max(far, blur) + more for far, more in zip(net.halo, further, strict=True))
        return Cut(CORE[self.parts.dimensions], tuple(halo), net.stride)

    def whitening(self, channel: int = 0) -> Whitening | None:
        """Return the filters that make the noise of a channel white, in counts; None: its noise is independent."""
        return self.whitenings[channel] if self.whitenings else None

    @functools.cached_property
    def _whitenings_of_units(self) -> tuple[Whitening | None, ...]:
        """The whitening of each channel in network units."""
        return tuple(
            each and each.in_units(scaling.offset, scaling.scale)
            for each, scaling in zip(self.whitenings, self.scalings, strict=False)
        )

    @property
    def of_white(self) -> Denoiser:
        """The denoiser of images that are white already, without the filters, and whose counts are corrected."""
        return replace(self, whitenings=(), correction=Correction(KEEP))

    @property
    def of_corrected(self) -> Denoiser:
        """The denoiser of images whose counts are corrected already."""
        return replace(self, correction=Correction(KEEP))

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
        estimate = functools.partial(self._denoised, channel=channel, views=views, own=own)
        return map_plane(estimate, plane, self.cut, self.dtype)

    def _denoised(
        self, values: npt.NDArray[Any], channel: int, views: Sequence[Symmetry], own: bool | None = None
    ) -> npt.NDArray[np.floating]:
        """The estimate of one region of one channel, in counts."""
        blend = self.blends[channel] if self.blends and own is not False else Blend()
        estimate = self._in_units(
            values, channel, lambda units: blended(self.method, units, views, blend, own)
        )
        return self.scalings[channel].to_counts(estimate)

    def _movie_function(self, views: Sequence[Symmetry], errors: bool = False) -> SeriesFunction[Movie]:
        """Return the function that estimates frames of a region of a movie, or the size of their errors."""

        def function(
            values: npt.NDArray[np.generic], channel: int, movie: Movie, held: slice, wanted: slice
        ) -> npt.NDArray[np.floating]:
            units, usable = self._frames(values, channel)
            choice = (views, self._blend(channel), self._scale(channel), errors)
            found = estimate_movie(self.method, units, usable, movie, held, wanted, *choice)
            return self._frames_in_counts(found, usable, channel, held, wanted, errors)

        return function

    def _stack_function(self, views: Sequence[Symmetry], errors: bool = False) -> SeriesFunction[Stack]:
        """Return the function that estimates planes of a region of a stack, or the size of their errors."""

        def function(
            values: npt.NDArray[np.generic], channel: int, stack: Stack, held: slice, wanted: slice
        ) -> npt.NDArray[np.floating]:
            units, usable = self._frames(values, channel)
            choice = (views, self._blend(channel), self._scale(channel), errors)
            found = estimate_stack(self.method, units, usable, stack, held, wanted, *choice)
            return self._frames_in_counts(found, usable, channel, held, wanted, errors)

        return function

    def _blend(self, channel: int) -> Blend:
        return self.blends[channel] if self.blends else Blend()

    def _scale(self, channel: int) -> ErrorScale | None:
        return self.error_scales[channel] if self.error_scales else None

    def _frames(self, values: npt.NDArray[np.generic], channel: int) -> tuple[Tensor, Tensor]:
        """Planes ``(n, 1, *space)`` in network units, without gaps, and where they were measured."""
        scaling = self.scalings[channel]
        counts = np.stack(
            [scaling.to_units(each) if scaling.wide else each.astype(np.float32) for each in values]
        )
        filled = np.stack([fill_missing(each) for each in counts])
        recorded = filled if scaling.wide else scaling.apply(filled)
        whitening = self._whitenings_of_units[channel] if self.whitenings else None
        units = torch.from_numpy(whitening(recorded) if whitening else recorded)
        usable = torch.from_numpy(np.isfinite(counts))
        return units[:, None].to(self.device), usable[:, None].to(self.device)

    def _frames_in_counts(
        self, frames: Tensor, usable: Tensor, channel: int, held: slice, wanted: slice, errors: bool
    ) -> npt.NDArray[np.floating]:
        """Estimates of the planes `wanted`, or the size of their errors, in counts; NaN where a pixel is missing."""
        scaling = self.scalings[channel]
        found = frames[:, 0].cpu().numpy()
        whitening = self._whitenings_of_units[channel] if self.whitenings else None
        found = whitening.undo(found) if whitening else found
        own = usable[wanted.start - held.start : wanted.stop - held.start, 0].cpu().numpy()
        if not np.isfinite(found[own]).all():
            raise MuguetError(
                "the model has no finite result for this image: the image has extreme values, which --valid-range "
                "leaves out, or the model was trained on other images"
            )
        found[~own] = np.nan
        return found * np.float32(scaling.scale) if errors else scaling.to_counts(found)

    def _in_units(
        self, values: npt.NDArray[Any], channel: int, function: Callable[[Tensor], Tensor]
    ) -> npt.NDArray[np.float32]:
        """The values of a function of one region in network units; NaN where a pixel is missing."""
        scaling = self.scalings[channel]
        counts = scaling.to_units(values) if scaling.wide else values.astype(np.float32)
        missing = ~np.isfinite(counts)
        if missing.all():
            return np.full(values.shape, np.nan, np.float32)
        filled = fill_missing(counts)
        recorded = filled if scaling.wide else scaling.apply(filled)
        whitening = self._whitenings_of_units[channel] if self.whitenings else None
        units = torch.from_numpy(whitening(recorded) if whitening else recorded)[None, None]
        result: npt.NDArray[np.float32] = function(units.to(self.device))[0, 0].cpu().numpy()
        if whitening:
            result = whitening.undo(result)
        if not np.isfinite(result[~missing]).all():
            raise MuguetError(
                "the model has no finite result for this image: the image has extreme values, which --valid-range "
                "leaves out, or the model was trained on other images"
            )
        result[missing] = np.nan
        return result

    def estimate(
        self,
        image: ImageLike,
        axes: str | None = None,
        *,
        symmetries: int | None = None,
        time_window: int | None = None,
        causal: bool = False,
        z_window: int | None = None,
    ) -> Estimate:
        """Return the denoised image and the standard deviation of its error, both in counts, of the same shape.

        The error of a pixel is predicted from its surroundings, by the prior or as √g σ with the gate g (see
        `muguet.Method`), and multiplied by the `ErrorScale` that was measured on the training images. It does not
        include an error that all images of a camera share, such as a wrong offset.

        Parameters
        ----------
        image, axes, symmetries, time_window, causal, z_window
            See `__call__`.

        Raises
        ------
        MuguetError
            As for `__call__`, or if the model has no prediction of its errors.
        """
        found = given_one(image, axes)
        array = found.array
        require_real(array, found.name or "the image")
        layout = self.layout(array.shape, found.axes)
        screened = self.correction(screen(array, layout), layout).screened
        source = ArrayPlanes(screened.values, layout)
        neighbours = self.find_neighbours(source, layout, time_window, causal, z_window)
        mean = self._denoised_image(array, screened, layout, symmetries, neighbours)
        std = np.empty(array.shape, np.float32)
        for _ in self.std_planes(source, ArrayPlanes(std, layout), neighbours):
            pass
        return Estimate(mean, std)

    def std_planes(
        self, source: Planes, into: Planes, neighbours: Movies | Volumes | None = None
    ) -> Iterator[float]:
        """Compute the standard deviation of the error of planes region by region, see `denoise_planes`.

        Raises
        ------
        MuguetError
            If the model has no prediction of its errors.
        """
        function = self.std_function()
        self._require_representable(source)
        if neighbours is not None and neighbours.helps:
            return self._map_series(source, into, neighbours, views_of(self.parts, math.inf, 1), True)
        return map_regions(function, source, into, self.cut)

    def std_plane(self, plane: npt.NDArray[Any], channel: int = 0) -> npt.NDArray[np.float32]:
        """Return the standard deviation of the error of one plane ``(*space)`` of one channel, in counts."""
        return map_plane(lambda values: self._std(values, channel), plane, self.cut)

    @property
    def predicts_error(self) -> bool:
        """Whether the model predicts the error of its estimates."""
        return predicts_error(self.method)

    def measured_errors(self, channel: int = 0) -> dict[str, npt.NDArray[np.float64]]:
        """Return predicted and measured errors of groups of training pixels of one channel, in counts.

        Returns
        -------
        dict
            Arrays of one length: "predicted", the standard deviation that `estimate` returns; "measured", the root of
            the mean squared error; and "low" and "high", the ends of two standard errors. Empty: none was measured.
        """
        scale = self.error_scales[channel] if self.error_scales else ErrorScale()
        if not scale.measured:
            return {}
        counts = self.scalings[channel].scale
        square, spread = np.array(scale.measured), 2 * np.array(scale.uncertainty)
        low, measured, high = (
            np.sqrt(np.maximum(each, 0)) for each in (square - spread, square, square + spread)
        )
        predicted = np.array(scale.predicted) * np.array(scale.factor)
        columns = {"predicted": predicted, "measured": measured, "low": low, "high": high}
        return {name: counts * values for name, values in columns.items()}

    def _std(self, values: npt.NDArray[Any], channel: int) -> npt.NDArray[np.float32]:
        """The standard deviation of the error of one region of one channel, in counts."""
        std = self._in_units(values, channel, lambda units: self.predicted_std(units, channel))
        if self.error_scales:
            std = self.error_scales[channel](std)
        return std * np.float32(self.scalings[channel].scale)

    def predicted_std(self, units: Tensor, channel: int) -> Tensor:
        """Return the predicted standard deviation of the error of images ``(b, 1, *space)``, in network units.

        This is the prediction before it is multiplied by the `ErrorScale` of the channel.
        """
        needs_law = self.method.prior is None
        law = calibrate(self._network_laws(), self.transfers)[channel] if needs_law else None
        return predicted_std(self.method, units, law)

    def layout(self, shape: Sequence[int], axes: str | None = None) -> Layout:
        """Return the layout by which an array of this shape is split into planes.

        Raises
        ------
        MuguetError
            If the model has other spatial dimensions or another number of channels.
        """
        letters = named(axes, shape)
        if self.parts.dimensions == 3 and "Z" not in letters:
            raise MuguetError(
                f"the model is for 3-D stacks and the image's axes {letters} have no Z: "
                "give a stack (--axes ZYX) or a 2-D model"
            )
        layout = Layout(letters, tuple(shape), self.parts.dimensions)
        if layout.channels != self.parts.channels:
            raise MuguetError(
                f"the model is for {self.parts.channels} channel{'s' * (self.parts.channels > 1)} and the image "
                f"({letters}, {tuple(shape)}) has {layout.channels}: train a model on such images"
            )
        return layout

    def __repr__(self) -> str:
        return f"Denoiser({', '.join(f'{name}: {value}' for name, value in self._summary().items())})"

    def _repr_html_(self) -> str:
        """Return a table, which notebooks show."""
        return html_table(self._summary())

    def _summary(self) -> dict[str, str]:
        """The parts of the model, its training and its noise laws, in a few words each."""
        parts, steps = self.parts, self.training.get("steps")
        words = dict.fromkeys(origin.words for origin in self.law_origins)
        return {
            "recipe": str(parts.recipe),
            "network": str(parts.net),
            "dimensions": str(parts.dimensions),
            "channels": str(parts.channels),
            "steps": "unknown" if steps is None else str(steps),
            "noise law": "; ".join(words) or "none",
        }

    @property
    def device(self) -> torch.device:
        """The device of the network."""
        return next(self.method.parameters()).device

    def to(self, device: torch.device | str) -> Denoiser:
        """Move the denoiser to a device, in place, and return it."""
        self.method.to(device)
        for name in ("laws", "learned_laws"):  # They hold the modules that moved.
            self.__dict__.pop(name, None)
        self.method.low_precision = bfloat16_pays(torch.device(device), self.parts.dimensions)
        return self

    # --------------------------------------------------------------- noise law

    @functools.cached_property
    def laws(self) -> list[Law]:
        """The noise law of every channel, in camera counts.

        They are the laws that N-net learned (`learned_laws`) without the contribution of the estimate's error, see
        `muguet.noise.Calibrated`. For a channel in which the images do not separate the two, it is N-net's own law; see
        `law_origins`.
        """
        return self._in_counts(calibrate(self._network_laws(), self.transfers))

    @functools.cached_property
    def learned_laws(self) -> list[Law]:
        """The laws that N-net learned, in camera counts: those of the sum of the noise and the estimate's error.

        Before the first step of training they are `laws`.
        """
        return self.laws if self.untrained else self._in_counts(self._network_laws())

    def transfer(self, channel: int = 0) -> MeanVariance | None:
        """Return the photon-transfer curve of a channel in camera counts.

        None if none was measured, or if the counts are so large or small that variances are no numbers.
        """
        points = self.transfers[channel] if self.transfers else None
        scaling = self.scalings[channel]
        if points is None or extreme(scaling.scale):
            return None
        found, whitening = points.scaled(scaling.offset, scaling.scale), self.whitening(channel)
        return found if whitening is None else whitening.of_image(found)

    def _network_laws(self) -> list[Law]:
        if not self.method.learns_law:
            raise MuguetError(
                f"the recipe {self.parts.recipe} learns no noise law: train with --recipe=joint"
            )
        laws = [law for law in self.method.laws if isinstance(law, Law)]
        if not self.untrained:
            return laws
        # Only the variance is known, which `calibrate` sets. Where it is not, N-net starts at the size of the noise.
        middle = [
            scaling.apply(np.mean(ends, keepdims=True))
            for scaling, ends in zip(self.scalings, self.training["signal_range"], strict=True)
        ]
        return [Gaussian(float(law.std(at)[0])) for law, at in zip(laws, middle, strict=True)]

    @property
    def law_origins(self) -> list[Origin]:
        """How the noise law of every channel was obtained; empty if the method learns no law."""
        if not self.method.learns_law:
            return []
        known = [
            c < len(self.transfers) and self.transfers[c] is not None for c in range(self.parts.channels)
        ]
        if self.untrained:
            return [Origin.FIRST if each else Origin.ASSUMED for each in known]
        # Files of earlier versions have no record: a curve was always measured with the trained model.
        record = self.training.get("law_origins")
        earlier = [each == Origin.EARLIER for each in record] if isinstance(record, list | tuple) else []
        earlier += [False] * len(known)
        return [
            (Origin.EARLIER if before else Origin.CALIBRATED) if each else Origin.LEARNED
            for each, before in zip(known, earlier, strict=False)
        ]

    @property
    def untrained(self) -> bool:
        """Whether the model is a prior before the first step of training, so that N-net has not learned anything."""
        return self.method.prior is not None and self.training.get("steps") == 0

    def _in_counts(self, laws: Sequence[Law]) -> list[Law]:
        if (
            self.device.type != "cpu"
        ):  # Laws in counts are read with arrays, and Apple's GPUs have no float64.
            laws = [copy.deepcopy(law).cpu() for law in laws]
        found: list[Law] = [
            Affine(law, scaling.offset, scaling.scale)
            for law, scaling in zip(laws, self.scalings, strict=True)
        ]
        if not self.whitenings:
            return found
        return [
            law if whitening is None else Correlated(law, whitening.kernel, whitening.level)
            for law, whitening in zip(found, self.whitenings, strict=True)
        ]

    @property
    def noise(self) -> Law:
        """The noise law of a model with one channel, in camera counts; see `laws` for several channels."""
        if self.parts.channels > 1:
            raise MuguetError(
                f"the model has {self.parts.channels} channels: use .laws[channel] instead of .noise"
            )
        return self.laws[0]

    # --------------------------------------------------------------- the file

    def save(self, path: str | Path) -> None:
        """Write the model to a safetensors file with a JSON header, completely or not at all."""
        tensor_file.write(Path(path), "model", arrays_of(self.method) | self._maps(), self.header())

    def _maps(self) -> dict[str, npt.NDArray[np.generic]]:
        """The maps of the camera by the name of their tensor."""
        return {f"{MAPS}{name}": each for name, each in self.correction.maps.given.items()}

    def header(self) -> dict[str, Any]:
        """Return the content of the JSON header of the model file."""
        return {
            **asdict(self.parts),
            "scalings": [scaling.as_dict() for scaling in self.scalings],
            "transfers": [points and points.as_dict() for points in self.transfers],
            "blends": [blend.as_dict() for blend in self.blends],
            "error_scales": [scale.as_dict() for scale in self.error_scales],
            **(
                {"whitenings": [each and each.as_dict() for each in self.whitenings]}
                if self.whitenings
                else {}
            ),
            **self.correction.as_dict(),
            "training": json_safe(self.training),
        }


def views_of(parts: Parts, pixels: float, symmetries: int | None = None) -> list[Symmetry]:
    """Return the flips and rotations to average over; by default all for small images, the identity for others."""
    small = pixels <= MAX_PIXELS_EIGHT
    return chosen_symmetries(parts.quarter_turns, (8 if small else 1) if symmetries is None else symmetries)


def arrays_of(module: torch.nn.Module) -> dict[str, npt.NDArray[np.generic]]:
    """Return the parameters and buffers of a module by name."""
    return {name: value.detach().cpu().numpy() for name, value in module.state_dict().items()}
