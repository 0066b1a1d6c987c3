"""Store new pixels as a TIFF stored the old ones, with all its tags and descriptions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from muguet.formats import ome_xml
from muguet.formats.tiff_dialects import BIGTIFF_SUFFIXES, IMAGEJ_DTYPES, MAX_CLASSIC_BYTES, OME_DTYPES
from muguet.formats.tiff_provenance import with_provenance
from muguet.formats.tiff_stored import CONVERTED, Source, Stored
from muguet.formats.tiff_tags import DESCRIPTION, PHOTOMETRIC, Structure, Tag, replace_tags, text_tag
from muguet.image.image import Image

_OF_EVERY_PAGE = (
    254,
    282,
    283,
    296,
    320,
)  # Tags of resolution and colours, which a page without stored tags takes from the first page.
_OF_THE_TYPE = (280, 281, 320, 339, 340, 341, 50838, 50839)  # Smallest and largest values, and lookup tables.
MICRO_MANAGER = 51123
_IMAGEJ_TAGS = (50838, 50839)
_COLORMAP = 320
_PALETTE = 3
# These meanings of the values do not change how the pixels are stored.
_MEANINGS = (0, _PALETTE, 32803, 34892)


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
    file: IO[bytes],
    series: Sequence[tuple[Stored, npt.NDArray[Any]]],
    compression: str,
    bigtiff: bool,
    provenance: Mapping[str, Any],
) -> None:
    """Write series of pages with new pixels, the tags that they had, and what made the new pixels."""
    import tifffile

    origin = series[0][0].file
    structure = Structure(origin.structure.byteorder, origin.structure.bigtiff or bigtiff)
    with tifffile.TiffWriter(file, bigtiff=structure.bigtiff, byteorder=structure.byteorder) as writer:
        for stored, data in series:
            planes = data.reshape(-1, *stored.page_shape)
            writer.write(
                planes if len(planes) > 1 else planes[0],
                contiguous=False,
                metadata=None,
                software=False,
                **_keywords(stored, data.dtype, compression),
            )
    pages = _pages(series, structure.byteorder)
    pages[0] = with_provenance(pages[0], provenance, origin.kind, structure.byteorder)
    replace_tags(file, pages, structure)  # tifffile closes no file that it has not opened.


def _keywords(stored: Stored, dtype: np.dtype[Any], compression: str) -> dict[str, Any]:
    keywords = dict(stored.keywords)
    predictor = keywords.pop("predictor")
    if dtype.name == "bool":
        keywords.pop("rowsperstrip", None)
    if compression:
        same = (compression, dtype.name) == (stored.compression, stored.dtype.name)
        keywords["compression"] = compression
        keywords["predictor"] = (
            predictor if same else compression != "packbits" and dtype.kind in "iu" and dtype.itemsize <= 2
        )
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
    if n < len(stored.pages) or len(stored.pages) > 1:
        tags = dict(stored.pages[min(n, len(stored.pages) - 1)])
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


def frame_tags(images: Sequence[Image], byteorder: str) -> list[dict[int, Tag]] | None:
    """Return Micro-Manager's tag of each frame, for images written frame by frame in the order TZC; None without any.

    It holds the settings and times of the frame as JSON, so it is valid in any file.
    """
    result: list[dict[int, Tag]] = []
    for image in images:
        source = image.source
        if (
            not isinstance(source, Source)
            or not source.describes(image)
            or source.stored.file.kind != "mmstack"
        ):
            return None
        stored = source.stored
        pages = stored.n_pages
        if (
            len(stored.pages) != pages
            or stored.file.structure.byteorder != byteorder
            or len(stored.page_shape) != 2
        ):
            return None
        all_numbers = np.arange(pages).reshape(stored.shape[:-2])
        position = (slice(None),) * source.axis + (source.position,) if source.axis >= 0 else ()
        numbers = np.asarray(all_numbers[position])
        letters = source.axes[:-2]
        if len(letters) != numbers.ndim or set(letters) - set("TZC"):
            return None
        numbers = numbers.transpose([letters.index(letter) for letter in "TZC" if letter in letters])
        for number in numbers.ravel():
            tags = stored.pages[int(number)]
            result.append({code: tag for code, tag in tags.items() if code == MICRO_MANAGER})
    return result if any(result) else None
