"""Keep how a TIFF stores an image, with all its tags, and store other pixels in the same way."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from muguet.formats.tiff_tags import Structure, Tags
from muguet.image.image import Image

if TYPE_CHECKING:
    pass

# Each of these has its own arrangement of the file, with positions in the file among its metadata.
CONVERTED = {
    "lsm": "Zeiss LSM",
    "stk": "MetaMorph STK",
    "mmstack": "Micro-Manager",
    "ndtiff": "NDTiff",
    "ndpi": "Hamamatsu NDPI",
    "eer": "EER",
    "mdgel": "Molecular Dynamics GEL",
    "bif": "Ventana BIF",
    "philips": "Philips TIFF",
    "scn": "Leica SCN",
    "qpi": "PerkinElmer QPI",
    "sis": "Olympus SIS",
}


@dataclass(frozen=True)
class Arrangement:
    """How the axes of an array are put in another order, and then merged or split.

    Attributes
    ----------
    shape
        Shape of the array.
    order
        Its axes in the new order.
    result
        Shape of the result, in which neighbouring axes may be merged and axes of size one added.
    """

    shape: tuple[int, ...]
    order: tuple[int, ...]
    result: tuple[int, ...]

    def apply(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return the array in its new order and shape."""
        return array.transpose(self.order).reshape(self.result)

    def undo(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return the array that `apply` makes into this one."""
        moved = array.reshape([self.shape[axis] for axis in self.order])
        return moved.transpose([self.order.index(axis) for axis in range(len(self.order))])


@dataclass(frozen=True, eq=False)
class Origin:
    """A file: its kind in tifffile's words, how it stores numbers, its OME-XML and its number of pages."""

    kind: str
    structure: Structure
    xml: str
    n_pages: int
    several_files: bool


@dataclass(frozen=True, eq=False)
class Stored:
    """How a file stores the pixels of one series of pages, and the tags of its pages.

    Attributes
    ----------
    file
        The file.
    number
        Number of the element Image in OME-XML.
    shape, dtype
        Shape and data type of the whole series.
    pages
        The tags of its pages, as far as the file has pages.
    page_numbers
        The numbers of these pages in the file.
    page_shape, page_axes
        Shape and axes of one page.
    left_out
        Codes of the tags whose values are positions in the file.
    photometric, compression, keywords
        The meaning of the values, the name of the compression, and the arguments for tifffile.
    """

    file: Origin
    number: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    pages: tuple[Tags, ...]
    page_numbers: tuple[int, ...]
    page_shape: tuple[int, ...]
    page_axes: str
    left_out: frozenset[int]
    photometric: int
    compression: str
    keywords: Mapping[str, Any]

    @property
    def n_pages(self) -> int:
        """Number of pages that the pixels fill."""
        return math.prod(self.shape) // max(math.prod(self.page_shape), 1)


@dataclass(frozen=True, eq=False)
class Source:
    """Where an image lies in the file it was read from: this is the `source` of an image read from a TIFF.

    Attributes
    ----------
    stored
        The series of pages.
    axis, position
        The axis along which the series holds several images, and the place of this one; -1 if it is the only one.
    arrangement
        From the stored axes to those of the image.
    axes, pixel_size, channel_names
        What the image had when it was read; the axes are empty if the user gave other ones.
    """

    stored: Stored
    axis: int
    position: int
    arrangement: Arrangement
    axes: str
    pixel_size: Mapping[str, float]
    channel_names: tuple[str, ...]

    def describes(self, image: Image) -> bool:
        """Return True if nothing but the values and the data type of the image has changed."""
        return (
            (self.axes, self.arrangement.result) == (image.axes, image.data.shape)
            and dict(self.pixel_size) == dict(image.pixel_size)
            and self.channel_names == image.channel_names
        )
