"""Keep how a TIFF stores an image, with all its tags, and store other pixels in the same way."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from muguet.formats import ome_xml
from muguet.formats.tiff_dialects import BIGTIFF_SUFFIXES, IMAGEJ_DTYPES, MAX_CLASSIC_BYTES, OME_DTYPES
from muguet.formats.tiff_tags import DESCRIPTION, PHOTOMETRIC, Structure, Tag, Tags, replace_tags, text_tag
from muguet.image.image import Image

if TYPE_CHECKING:
    import tifffile

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
_OF_EVERY_PAGE = (
    254,
    282,
    283,
    296,
    320,
)  # Of a page that exists only by its pixels: resolution and colours.
_OF_THE_TYPE = (280, 281, 320, 340, 341, 50838, 50839)  # Smallest and largest values, and lookup tables.
_IMAGEJ_TAGS = (50838, 50839)
_COLORMAP = 320
_PALETTE = 3
# These meanings of the values do not change how the pixels are stored.
_MEANINGS = (0, _PALETTE, 32803, 34892)


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
        What the image had when it was read.
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


def restorable(path: Path, images: Sequence[Image]) -> list[tuple[Stored, npt.NDArray[Any]]] | None:
    """Return the series of a file with their new pixels, or None if they must be stored in another way."""
    sources = [image.source for image in images]
    found: list[tuple[Stored, dict[int, npt.NDArray[Any]], int]] = []
    for image, source in zip(images, sources, strict=True):
        if not isinstance(source, Source) or not source.describes(image):
            return None
        if not found or found[-1][0] is not source.stored:
            found.append((source.stored, {}, source.axis))
        found[-1][1][source.position] = source.arrangement.undo(image.data)
    file = found[0][0].file
    kinds = {"ome": OME_DTYPES, "imagej": IMAGEJ_DTYPES}
    size = sum(image.data.nbytes for image in images)
    dtypes = {image.data.dtype.name for image in images}
    too_large = size > MAX_CLASSIC_BYTES or path.suffix.lower() in BIGTIFF_SUFFIXES
    if (
        file.kind in CONVERTED
        or any(stored.file is not file for stored, _, _ in found)
        or (path.stem.lower().endswith(".ome") and file.kind != "ome")
        or not dtypes <= kinds.get(file.kind, dtypes)
        or (file.kind == "imagej" and too_large and not file.structure.bigtiff)
        or len({image.compression for image in images}) > 1
    ):
        return None
    series: list[tuple[Stored, npt.NDArray[Any]]] = []
    for stored, parts, axis in found:
        if axis < 0:
            series.append((stored, parts[-1]))
            continue
        if sorted(parts) != list(range(stored.shape[axis])):
            return None
        series.append((stored, np.stack([parts[i] for i in range(len(parts))], axis)))
    return series


def restore(
    file: IO[bytes], series: Sequence[tuple[Stored, npt.NDArray[Any]]], compression: str, bigtiff: bool
) -> None:
    """Write series of pages with new pixels and the tags that they had."""
    import tifffile

    origin = series[0][0].file
    structure = Structure(origin.structure.byteorder, origin.structure.bigtiff or bigtiff)
    with tifffile.TiffWriter(file, bigtiff=structure.bigtiff, byteorder=structure.byteorder) as writer:
        for stored, data in series:
            pages = data.reshape(-1, *stored.page_shape)
            writer.write(
                pages if len(pages) > 1 else pages[0],
                contiguous=False,
                metadata=None,
                software=False,
                **_keywords(stored, data.dtype, compression),
            )
    # tifffile closes no file that it has not opened.
    replace_tags(file, _pages(series, structure.byteorder), structure)


def _keywords(stored: Stored, dtype: np.dtype[Any], compression: str) -> dict[str, Any]:
    keywords = dict(stored.keywords)
    predictor = keywords.pop("predictor")
    if dtype.name == "bool":
        keywords.pop("rowsperstrip", None)
    if compression:
        same = (compression, dtype.name) == (stored.compression, stored.dtype.name)
        keywords["compression"] = compression
        keywords["predictor"] = predictor if same else dtype.kind in "iu" and dtype.itemsize <= 2
    return keywords


def _pages(series: Sequence[tuple[Stored, npt.NDArray[Any]]], byteorder: str) -> list[dict[int, Tag]]:
    """Return the tags of all pages to write, with the OME-XML on the first of them."""
    result: list[dict[int, Tag]] = []
    placed: list[ome_xml.Placed] = []
    numbers: list[int] = []
    for stored, data in series:
        same_type = data.dtype.name == stored.dtype.name
        first = len(result)
        for n in range(stored.n_pages):
            result.append(_tags_of_page(stored, n, same_type, byteorder))
        placed.append(
            ome_xml.Placed(stored.number, first, stored.n_pages, "" if same_type else data.dtype.name)
        )
        numbers += stored.page_numbers
    origin = series[0][0].file
    if origin.kind == "ome":
        for tags in result:
            if b"<OME" in tags.get(DESCRIPTION, Tag(2, 0, b"")).value or tags is result[0]:
                tags.pop(DESCRIPTION, None)
        same_pages = not origin.several_files and numbers == list(range(origin.n_pages))
        result[0][DESCRIPTION] = text_tag(ome_xml.adapted(origin.xml, placed, same_pages))
    return result


def _tags_of_page(stored: Stored, n: int, same_type: bool, byteorder: str) -> dict[int, Tag]:
    if n < len(stored.pages):
        tags = dict(stored.pages[n])
    else:
        tags = {code: tag for code, tag in stored.pages[0].items() if code in _OF_EVERY_PAGE}
    if not same_type:
        tags = {code: tag for code, tag in tags.items() if code not in _OF_THE_TYPE or code in _IMAGEJ_TAGS}
    meaning = stored.photometric
    if meaning in _MEANINGS and (meaning != _PALETTE or _COLORMAP in tags):
        tags[PHOTOMETRIC] = Tag(3, 1, np.array(meaning, byteorder + "u2").tobytes())
    if _COLORMAP in tags:
        tags[_COLORMAP] = _padded(tags[_COLORMAP], stored.dtype)
    return tags


def _padded(tag: Tag, dtype: np.dtype[Any]) -> Tag:
    """Return a colour table with an entry for each value of the data type; images of 1 to 7 bits have fewer."""
    wanted = 2 ** (8 * dtype.itemsize)
    entries = tag.count // 3
    if tag.count % 3 or entries >= wanted or dtype.itemsize > 2:
        return tag
    table = np.frombuffer(tag.value, "u2").reshape(3, entries)
    table = np.pad(table, ((0, 0), (0, wanted - entries)))
    return Tag(tag.dtype, table.size, table.tobytes())


def writing_keywords(page: tifffile.TiffPage) -> dict[str, Any]:
    """Return the arguments with which tifffile stores pixels as those of a page."""
    photometric = int(page.photometric)
    if photometric == 6 and page.compression != 1:
        photometric = 2  # tifffile converts compressed YCbCr to RGB.
    samples = "S" in page.axes
    keywords: dict[str, Any] = {
        "photometric": photometric if samples and photometric in (2, 5, 6, 8) else 1,
        "predictor": int(page.predictor) if page.predictor != 1 else False,
        "volumetric": page.imagedepth > 1,
    }
    if samples:
        keywords["planarconfig"] = int(page.planarconfig)
        keywords["extrasamples"] = tuple(int(each) for each in page.extrasamples) or None
    if page.tile and not any(size % 16 for size in page.tile[-2:]):
        keywords["tile"] = page.tile
    elif not page.tile:
        keywords["rowsperstrip"] = int(page.rowsperstrip)
    return keywords
