"""The seam between images and what is done to them: planes that are read and written region by region."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from muguet.image.axes import Layout
from muguet.image.values import to_dtype

Region = tuple[slice, ...]  # one slice with a start and a stop for each axis of space


class Planes(Protocol):
    """An image as planes ``(n, c, *space)``, wherever its pixels are: n counts samples, c channels."""

    @property
    def shape(self) -> tuple[int, ...]:
        """``(n, c, *space)``."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Data type of the pixels."""

    def read(self, n: int, c: int, region: Region) -> npt.NDArray[Any]:
        """Return a region of plane `n` of channel `c`, which the caller does not change."""

    def write(self, n: int, c: int, region: Region, values: npt.NDArray[np.floating]) -> None:
        """Store a region of plane `n` of channel `c`, rounded and clipped if the planes hold whole numbers."""


class ArrayPlanes:
    """The planes of an array in memory, whatever the order of its axes; nothing is copied.

    Parameters
    ----------
    array
        The pixels, which `write` changes.
    layout
        How the array's axes become planes; of the array's shape.
    """

    def __init__(self, array: npt.NDArray[Any], layout: Layout) -> None:
        self.array, self.layout = array, layout

    @property
    def shape(self) -> tuple[int, ...]:
        """``(n, c, *space)``."""
        return (self.layout.planes, self.layout.channels, *self.layout.space)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Data type of the pixels."""
        return self.array.dtype

    def read(self, n: int, c: int, region: Region) -> npt.NDArray[Any]:
        """Return a region of plane `n` of channel `c`, a view."""
        return self.layout.plane(self.array, n, c)[region]

    def write(self, n: int, c: int, region: Region, values: npt.NDArray[np.floating]) -> None:
        """Store a region of plane `n` of channel `c`, rounded and clipped if the array holds whole numbers."""
        self.layout.plane(self.array, n, c)[region] = to_dtype(values, self.dtype)
