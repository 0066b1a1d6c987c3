"""An image of a file that is denoised region by region, in the data type in which its result is written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from muguet.errors import MuguetError
from muguet.results.provenance import Made

if TYPE_CHECKING:
    from muguet.denoiser.denoiser import Denoiser
    from muguet.image.axes import Layout
    from muguet.image.image import Image
    from muguet.image.planes import Planes, Region
    from muguet.neighbours.series import Neighbours
    from muguet.pattern.found import Found
    from muguet.quality.frames import Frames
    from muguet.quality.residual import Residual


@dataclass(frozen=True)
class Windows:
    """Which frames of a movie and planes of a stack help to estimate one, see `muguet.Denoiser.__call__`."""

    time: int | None = None
    causal: bool = False
    z: int | None = None


AUTOMATIC = Windows()
"""The choice of the program."""


@dataclass(frozen=True, eq=False)
class Denoised:
    """A denoised image, with the noisy one and the moments of what was removed.

    Attributes
    ----------
    noisy, image, residual
        The noisy image, the denoised one, and what was removed.
    counts, removed, patterns
        The noisy counts that were denoised, without the pattern `removed`, in which `patterns` were found.
    neighbours
        Which frames or planes helped to estimate each other; None: none could.
    std
        The standard deviation of the error of each pixel in counts; None: it was not asked for.
    frames
        The noisy planes around that of each channel, if the image is one plane of a larger one; empty: it is whole.
    """

    noisy: Image
    image: Image
    residual: Residual
    counts: npt.NDArray[Any] | None = None
    removed: npt.NDArray[np.float32] | None = None
    patterns: tuple[Found, ...] = ()
    neighbours: Neighbours | None = None
    std: npt.NDArray[np.float32] | None = None
    frames: tuple[Frames | None, ...] = ()

    def made(self, made: Made) -> Image:
        """Return the denoised image with what made it, for its file.

        This includes the patterns that were subtracted first, and the frames or planes that helped.
        """
        words = [sentence for each in self.patterns for sentence in each.sentences()]
        if self.removed is not None and words:
            made = {**made, "patterns": " ".join(words)}
        if self.neighbours is not None:
            made = {**made, **self.neighbours.made}
        return replace(self.image, provenance=made)


class Denoising:
    """An image that is being denoised.

    Parameters
    ----------
    denoiser
        The model.
    image
        The noisy image.
    dtype
        Data type of the result; None: that of the image where it holds the result.
    symmetries
        Number of views, see `muguet.Denoiser.__call__`.
    windows
        Which frames of a movie and planes of a stack help to estimate one.
    errors
        Whether the error of every pixel is computed as well, if the model predicts its errors.

    Attributes
    ----------
    layout
        How the image becomes planes.
    notes
        Sentences about pixels that are not measurements, and about patterns that are subtracted.
    about_dtype, about_neighbours
        Sentences about the data type, and about the frames and planes that help; empty if there is nothing to say.
    result
        The denoised image, which is complete after `regions`.

    Raises
    ------
    MuguetError
        If the model does not fit the image, or its values are not real numbers.
    """

    def __init__(
        self,
        denoiser: Denoiser,
        image: Image,
        dtype: np.dtype[Any] | None = None,
        symmetries: int | None = None,
        windows: Windows = AUTOMATIC,
        errors: bool = False,
    ) -> None:
        from muguet.image.planes import ArrayPlanes
        from muguet.image.precision import result_dtype
        from muguet.image.screen import screen

        self.layout = layout_of(denoiser, image)
        corrected = denoiser.correction(screen(image.data, self.layout), self.layout, str(image.path))
        self._screened = corrected.screened
        self.notes = (*self._screened.notes, *corrected.notes)
        kind, dither, self.about_dtype = result_dtype(self._screened.original, dtype)
        self._data = np.empty(image.data.shape, kind)
        self._source = ArrayPlanes(self._screened.values, self.layout)
        self._into = Watched(ArrayPlanes(self._data, self.layout, dither), self._source)
        self._neighbours = denoiser.find_neighbours(
            self._source, self.layout, windows.time, windows.causal, windows.z
        )
        self.about_neighbours = self._neighbours.sentence
        self._denoiser, self._symmetries = denoiser, symmetries
        removed = corrected.removed
        counts = image.data if removed is None else self._screened.values
        result = replace(image, data=self._data)
        residual, found = self._into.residual, corrected.found
        std = np.empty(image.data.shape, np.float32) if errors and denoiser.predicts_error else None
        self.result = Denoised(image, result, residual, counts, removed, found, self._neighbours, std)

    def regions(self) -> Iterator[float]:
        """Denoise the image region by region, and yield the completed share after each."""
        from muguet.image.planes import ArrayPlanes

        choice, std = (self._symmetries, self._neighbours), self.result.std
        if std is None:
            yield from self._denoiser.denoise_planes(self._source, self._into, *choice)
        else:
            errors = ArrayPlanes(std, self.layout)
            yield from self._denoiser.estimate_planes(self._source, self._into, errors, *choice)
        self._screened.restore(self._data)


class Watched:
    """Planes that also measure the residual (noisy − denoised) of the values written to them.

    Parameters
    ----------
    into
        Planes for the denoised values.
    source
        Noisy planes of the same shape.
    """

    def __init__(self, into: Planes, source: Planes) -> None:
        from muguet.quality.residual import Residual

        self.into, self.source, self.residual = into, source, Residual()
        self.shape, self.dtype = into.shape, into.dtype

    def read(self, n: int, c: int, region: Region) -> npt.NDArray[Any]:
        """Return a region of the denoised planes."""
        return self.into.read(n, c, region)

    def write(self, n: int, c: int, region: Region, values: npt.NDArray[np.floating]) -> None:
        """Store a region of denoised values, and add its residual to the moments in `residual`."""
        self.residual.add(self.source.read(n, c, region), values)
        self.into.write(n, c, region, values)


def layout_of(denoiser: Denoiser, image: Image) -> Layout:
    """Return how an image becomes planes for a model.

    Raises
    ------
    MuguetError
        If the model does not fit the image, or its values are not real numbers.
    """
    from muguet.image.values import require_real

    require_real(image.data, str(image.path))
    try:
        return denoiser.layout(image.data.shape, image.axes)
    except MuguetError as error:
        raise MuguetError(f"{image.path}: {error}") from error
