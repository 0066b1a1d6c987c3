"""Capture how an open TIFF stores its images, with all tags of their pages."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

import numpy.typing as npt

from muguet.formats import ome_xml
from muguet.formats.tiff_scenes import Scene
from muguet.formats.tiff_stored import Origin, Stored
from muguet.formats.tiff_tags import (
    DESCRIPTION,
    PIXEL_TAGS,
    POINTER_TAGS,
    STATED,
    Structure,
    Tag,
    Tags,
    read_tags,
    text_tag,
)

if TYPE_CHECKING:
    import tifffile


@dataclass
class OpenFile:
    """An open TIFF with what all its images share.

    Attributes
    ----------
    tif, path
        The file.
    complaints
        Lines of tifffile's log.
    summary
        Micro-Manager's summary of the recording, or an empty mapping.
    reads
        Where the pixels go: "memory"; "mapped", which maps those into memory that are stored without compression, and
        replaces others by zeros; or "temporary", which decompresses these into a temporary file that is mapped.
    """

    tif: tifffile.TiffFile
    path: Path
    complaints: list[str]
    summary: Mapping[str, Any] = field(default_factory=dict)
    origin: Origin | None = None
    stored: dict[int, Stored] = field(default_factory=dict)
    pixels: dict[int, npt.NDArray[Any]] = field(default_factory=dict)
    reads: Literal["memory", "mapped", "temporary"] = "memory"


def stored_as(file: OpenFile, scene: Scene) -> Stored:
    """Return how the series of a scene are stored; scenes of the same series share it."""
    key = id(scene.series[0])
    if key in file.stored:
        return file.stored[key]
    series, tif = scene.series[0], file.tif
    xml = (tif.ome_metadata or "") if series.kind == "ome" else ""
    structure = Structure(tif.byteorder, tif.is_bigtiff)
    if file.origin is None:
        file.origin = Origin(series.kind, structure, xml, len(tif.pages), bool(series.is_multifile))
    page = series.keyframe
    pages, numbers, left_out = _pages(scene, structure)
    if len(scene.series) > 1 and series.kind == "shaped":
        pages[0] = {**pages[0], DESCRIPTION: _shaped_description(tif, scene)}
    stored = Stored(
        file.origin,
        number_in_xml(tif, scene.number),
        scene.shape,
        series.dtype,
        tuple(pages),
        tuple(numbers),
        page.shape,
        page.axes,
        left_out,
        int(page.photometric),
        lossless(page.compression),
        _writing_keywords(page),
    )
    file.stored[key] = stored
    return stored


def _pages(scene: Scene, structure: Structure) -> tuple[list[Tags], list[int], frozenset[int]]:
    """Return the tags of all pages of a scene that do not describe how its pixels are stored.

    Returns
    -------
    list of Tags, list of int, frozenset of int
        The tags of each page, its number in its file, and the codes of tags that are valid in this file only.
    """
    shared: dict[tuple[tuple[int, Tag], ...], Tags] = {}
    result: list[Tags] = []
    numbers: list[int] = []
    left_out: set[int] = set()
    with contextlib.ExitStack() as stack:
        opened: dict[Path, IO[bytes]] = {}
        for page in (page for series in scene.series for page in _pages_within(series)):
            if page is None or page.offset is None or (page.is_frame and page.is_virtual):
                continue
            path = Path(page.parent.filehandle.path)
            if path not in opened:
                opened[path] = stack.enter_context(path.open("rb"))
            tags: dict[int, Tag] = {}
            # A set of files may have a member that stores numbers in another way.
            if structure == Structure(page.parent.byteorder, page.parent.is_bigtiff):
                with contextlib.suppress(ValueError, OSError, struct.error):
                    tags, _ = read_tags(opened[path], page.offset, structure)
            pointers = {code for code, tag in tags.items() if code in POINTER_TAGS or tag.dtype in (13, 18)}
            left_out |= pointers
            kept = {code: tag for code, tag in tags.items() if code not in PIXEL_TAGS - STATED | pointers}
            result.append(shared.setdefault(tuple(kept.items()), kept))
            numbers.append(page.index)
    return result or [{}], numbers, frozenset(left_out)


def _pages_within(series: tifffile.TiffPageSeries) -> Iterator[tifffile.TiffPage | tifffile.TiffFrame]:
    """Yield the pages of a series up to the first that is damaged; of an ImageJ stack, the first two.

    ImageJ needs the first page only, and gives the same tags to all others, which may be tens of thousands.
    """
    pages = islice(iter(series), 2 if series.kind == "imagej" else None)
    while True:
        try:
            page = next(pages, None)
        except (ValueError, IndexError, struct.error):
            return
        if page is None:
            return
        yield page


def _shaped_description(tif: tifffile.TiffFile, scene: Scene) -> Tag:
    """Return the description of a stack whose frames had a description each."""
    from tifffile.tifffile import shaped_description

    meta = dict((tif.shaped_metadata or ({},))[scene.number])
    meta = {key: value for key, value in meta.items() if key not in ("shape", "axes", "truncated")}
    return text_tag(shaped_description(scene.shape, axes=scene.axes, **meta))


def number_in_xml(tif: tifffile.TiffFile, series: int) -> int:
    """Return the number of the element Image in OME-XML that describes a series."""
    xml = tif.ome_metadata
    if tif.series[series].kind != "ome" or not xml:
        return 0
    sizes = [
        tuple(str(dict(zip(each.axes, each.shape, strict=True)).get(letter)) for letter in "XY")
        for each in tif.series
    ]
    numbers = ome_xml.numbers_of_images(xml, sizes)
    return series if numbers is None else numbers[series]


def lossless(compression: int) -> str:
    """Return a lossless compression for the output of an input with TIFF tag `compression`."""
    if compression == 1:
        return ""
    return {5: "lzw", 32773: "packbits", 34926: "zstd", 50000: "zstd"}.get(compression, "zlib")


def _writing_keywords(page: tifffile.TiffPage) -> dict[str, Any]:
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
