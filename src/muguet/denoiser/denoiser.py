"""The denoiser: a trained method applied to images in camera counts, of any size and with any axes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from muguet.denoiser.channel import Channel
from muguet.denoiser.estimates import Estimate
from muguet.denoiser.planes import PlaneDenoiser
from muguet.formats.given import ImageLike, given_one
from muguet.image.axes import Layout
from muguet.image.planes import ArrayPlanes, Planes, Readable
from muguet.image.screen import Screened, screen
from muguet.image.values import require_real
from muguet.neighbours.choice import better
from muguet.neighbours.movie_search import find_movies
from muguet.neighbours.series import DEPTH, TIME, Neighbours
from muguet.neighbours.stack_search import find_stacks
from muguet.prediction.regions import Cut, map_plane


@dataclass(frozen=True, eq=False, repr=False)
class Denoiser(PlaneDenoiser):
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
        How the counts of an image are corrected before it is denoised: lines, patterns that stand still, noisy pixels,
        and maps of the camera.
    correlations
        The correlation of the noise of each channel, where planes of a stack share noise, see `muguet.noise.Kernel`.
        Empty, or None for a channel: the correlation is that of its whitening.
    """

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
        prepared = self._prepared(image, axes, time_window, causal, z_window)
        mean = np.empty(prepared.array.shape, self.dtype)
        into = ArrayPlanes(mean, prepared.layout)
        _run(self.denoise_planes(prepared.source, into, symmetries, prepared.neighbours))
        return prepared.restored(mean)

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
        prepared = self._prepared(image, axes, time_window, causal, z_window)
        mean, std = np.empty(prepared.array.shape, self.dtype), np.empty(prepared.array.shape, np.float32)
        of_mean, of_std = (ArrayPlanes(each, prepared.layout) for each in (mean, std))
        _run(self.estimate_planes(prepared.source, of_mean, of_std, symmetries, prepared.neighbours))
        return Estimate(prepared.restored(mean), std)

    def _prepared(
        self, image: ImageLike, axes: str | None, time_window: int | None, causal: bool, z_window: int | None
    ) -> _Prepared:
        found = given_one(image, axes)
        array = found.array
        require_real(array, found.name or "the image")
        layout = self.layout(array.shape, found.axes)
        screened = self.correction(screen(array, layout), layout).screened
        source = ArrayPlanes(screened.values, layout)
        neighbours = self.find_neighbours(source, layout, time_window, causal, z_window)
        return _Prepared(array, layout, screened, source, neighbours)

    # -------------------------------------------------------------- neighbours

    def find_neighbours(
        self,
        source: Readable,
        layout: Layout,
        time_window: int | None = None,
        causal: bool = False,
        z_window: int | None = None,
        at_once: bool = True,
    ) -> Neighbours:
        """Decide whether frames of movies or planes of stacks help each other, whichever leaves the smaller error.

        Parameters
        ----------
        source
            Noisy planes ``(n, c, *space)`` in counts.
        layout
            How the axes of the image became planes.
        time_window, causal, z_window
            See `__call__`.
        at_once
            Whether all that estimates need of all planes is read now. If not, the planes read what they need, and only
            some planes are read for the decision.

        Raises
        ------
        MuguetError
            If a window is asked for that this model or image cannot use.
        """
        only_depth = z_window and time_window is None
        movies = (
            Neighbours() if only_depth else self.find_movies(source, layout, time_window, causal, at_once)
        )
        if time_window and z_window is None:
            return movies
        return better(movies, self.find_volumes(source, layout, z_window, at_once), source, self._one_by_one)

    def find_movies(
        self,
        source: Readable,
        layout: Layout,
        time_window: int | None = None,
        causal: bool = False,
        at_once: bool = True,
    ) -> Neighbours:
        """Decide which frames help each other, see `find_neighbours` and `muguet.neighbours.find_movies`."""
        sequences = layout.sequences()
        if not TIME.usable(time_window, sequences, layout.axes, self.parts.recipe, self._joins_planes):
            return Neighbours()
        return find_movies(source, sequences, self.scalings, self._once, time_window, causal, at_once)

    def find_volumes(
        self, source: Readable, layout: Layout, z_window: int | None = None, at_once: bool = True
    ) -> Neighbours:
        """Decide which planes of stacks help each other, see `find_neighbours` and `muguet.neighbours.find_stacks`."""
        stacks = layout.stacks()
        if not DEPTH.usable(z_window, stacks, layout.axes, self.parts.recipe, self._joins_planes):
            return Neighbours()
        return find_stacks(source, stacks, self._one_by_one, z_window, at_once)

    @property
    def _joins_planes(self) -> bool:
        """Whether the model can estimate a plane from several."""
        return self.method.prior is not None and self.parts.dimensions == 2

    @property
    def _one_by_one(self) -> list[Channel]:
        return [self.channel(c) for c in range(len(self.scalings))]

    def _once(self, plane: npt.NDArray[Any], channel: int) -> npt.NDArray[np.floating]:
        """The estimate of a plane of any size, seen once and as a whole."""
        cut = Cut(plane.shape, (0,) * plane.ndim, self.cut.stride)
        return map_plane(self.channel(channel).region, plane, cut, self.dtype)


@dataclass(frozen=True, eq=False)
class _Prepared:
    """An image before it is denoised: its pixels, how they become planes, and which planes help each other."""

    array: npt.NDArray[Any]
    layout: Layout
    screened: Screened
    source: Planes
    neighbours: Neighbours

    def restored(self, result: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
        """Return a result with the pixels that are no measurements as they were, and masked like the image."""
        self.screened.restore(result)
        if not np.ma.isMaskedArray(self.array):
            return result
        masked: npt.NDArray[np.floating] = np.ma.masked_array(result, np.ma.getmaskarray(self.array))
        return masked


def _run(regions: Iterator[float]) -> None:
    for _ in regions:
        pass
