"""Read and write the planes of an image region by region, wherever its pixels are stored."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from muguet.image.axes import Layout
from muguet.image.values import to_dtype

Region = tuple[slice, ...]  # One slice, with a start and a stop, for each axis of space.


class Readable(Protocol):
    """An image as planes ``(n, c, *space)``, n samples of c channels, whose pixels can be read."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape ``(n, c, *space)``: samples, channels, and the axes of space."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Data type of the pixels."""

    def read(self, n: int, c: int, region: Region) -> npt.NDArray[Any]:
        """Return a region of plane `n` of channel `c`; the caller must not change it."""


class Planes(Readable, Protocol):
    """An image as planes ``(n, c, *space)``, in memory or on disk, whose pixels can be read and written."""

    def write(self, n: int, c: int, region: Region, values: npt.NDArray[np.floating]) -> None:
        """Store a region of plane `n` of channel `c`, rounded and clipped if the pixels are integers."""


class ArrayPlanes:
    """The planes of an array in memory, with its axes in any order; nothing is copied.

    Parameters
    ----------
    array
        The pixels; `write` changes them in place.
    layout
        How the array's axes become planes; it has the array's shape.
    dither
        Random generator for unbiased rounding, see `muguet.image.to_dtype`; None: values are rounded to the nearest.
    """

    def __init__(
        self, array: npt.NDArray[Any], layout: Layout, dither: np.random.Generator | None = None
    ) -> None:
        self.array, self.layout, self.dither = array, layout, dither

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape ``(n, c, *space)``: samples, channels, and the axes of space."""
        return (self.layout.planes, self.layout.channels, *self.layout.space)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Data type of the pixels."""
        return self.array.dtype

    def read(self, n: int, c: int, region: Region) -> npt.NDArray[Any]:
        """Return a view of a region of plane `n` of channel `c`."""
        return self.layout.plane(self.array, n, c)[region]

    def write(self, n: int, c: int, region: Region, values: npt.NDArray[np.floating]) -> None:
        """Store a region of plane `n` of channel `c`, rounded and clipped if the array holds integers."""
        self.layout.plane(self.array, n, c)[region] = to_dtype(values, self.dtype, self.dither)


class Several:
    """Several images of one shape, to which a loop over regions writes one result each.

    Parameters
    ----------
    images
        The planes of the images. Reading and the data type are those of the first.
    """

    def __init__(self, *images: Planes) -> None:
        self.images = images

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape ``(n, c, *space)`` of each image."""
        return self.images[0].shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Data type of the first image."""
        return self.images[0].dtype

    def read(self, n: int, c: int, region: Region) -> npt.NDArray[Any]:
        """Return a region of the first image."""
        return self.images[0].read(n, c, region)

    def write(self, n: int, c: int, region: Region, values: npt.NDArray[np.floating]) -> None:
        """Store a region ``(images, *space)``: the values of each image."""
        for image, each in zip(self.images, values, strict=True):
            image.write(n, c, region, each)
