"""Read one image of an open TIFF: its pixels in the order of its axes, its metadata, and how it is stored."""

from __future__ import annotations

import contextlib
import math
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from muguet.errors import MuguetError
from muguet.formats import micromanager, ome_xml
from muguet.formats.tiff_dialects import DTYPES, describe
from muguet.formats.tiff_scenes import Scene
from muguet.formats.tiff_stored import Arrangement, Origin, Source, Stored, writing_keywords
from muguet.formats.tiff_tags import (
    DESCRIPTION,
    PIXEL_TAGS,
    POINTER_TAGS,
    Structure,
    Tag,
    Tags,
    read_tags,
    text_tag,
)
from muguet.image.axes import LETTERS, parse
from muguet.image.image import Image

if TYPE_CHECKING:
    import tifffile

_COLOURS = frozenset((2, 5, 6, 8))  # PhotometricInterpretation is RGB, CMYK, YCbCr or CIELAB.
# tifffile logs these if the list of pages ends early, a tag lies beyond the end of the file, or a stack is too short.
_DAMAGE = ("invalid page offset", "invalid value offset", "invalid or corrupted")


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
    """

    tif: tifffile.TiffFile
    path: Path
    complaints: list[str]
    summary: Mapping[str, Any] = field(default_factory=dict)
    origin: Origin | None = None
    stored: dict[int, Stored] = field(default_factory=dict)
    pixels: dict[int, npt.NDArray[Any]] = field(default_factory=dict)


def read_scene(file: OpenFile, scene: Scene, override: str | None) -> Image:
    """Read an image of an open file.

    Parameters
    ----------
    file
        The file.
    scene
        Which image.
    override
        Axes that replace those in the file, or None.
    """
    path, first = file.path, scene.series[0]
    for series in scene.series:
        _refuse_incomplete(series, path, file.complaints)
    if first.dtype is None or first.dtype.name not in DTYPES:
        raise MuguetError(f"{path} has {first.dtype} pixels: convert them to 8, 16 or 32 bits, or to float")
    if not scene.axes or 0 in scene.shape:
        raise MuguetError(f"{path} holds no pixels (shape {scene.shape}): record or export it again")
    notes: list[str] = []
    description = describe(file.tif, scene.number)
    data = _pixels(file, scene)
    stored_axes, names = scene.own_axes, stored_axes_of(scene)
    if description.axes and _axes_still_valid(stored_axes, description.axes):
        arrangement, axes = _restored(data.shape, stored_axes, description.axes)
    else:
        arrangement, axes = _named(data.shape, names, override, path, notes)
    if override is not None:
        axes = _checked(override, data, stored_axes, path)
    restores = override is None or axes == names
    photometric = int(first.keyframe.photometric)
    if photometric == 3:
        notes.append("The image has a colour palette; its pixels were read as grey values.")
    if photometric == 0:
        notes.append(
            "The image is shown with low values bright (WhiteIsZero); its values were read as they are."
        )
    files = _files(scene, path)
    if len(files) > 1:
        notes.append(f"The image is spread over {len(files)} files, which were read together.")
    pixel_size, channel_names = dict(description.pixel_size), description.channel_names
    annotations: dict[str, str] = {}
    if file.summary and first.kind in ("mmstack", "ndtiff"):
        pixel_size |= micromanager.size_from_summary(file.summary)
        channel_names = micromanager.channels_of(file.summary)
        annotations = micromanager.as_annotation(file.summary)
    pixel_size = {letter: size for letter, size in pixel_size.items() if letter in axes}
    source = Source(
        _stored(file, scene), scene.axis, scene.position, arrangement, axes, pixel_size, channel_names
    )
    return Image(
        data=arrangement.apply(data),
        axes=axes,
        pixel_size=pixel_size,
        path=path,
        kind="ome" if scene.axis >= 0 and first.kind == "mmstack" else description.kind,
        compression=lossless(first.keyframe.compression),
        channel_names=channel_names,
        imagej=description.imagej,
        notes=tuple(notes),
        name=scene.name,
        annotations=annotations,
        files=files,
        source=source if restores else None,
    )


def _pixels(file: OpenFile, scene: Scene) -> npt.NDArray[Any]:
    """Return the pixels of a scene in the stored order; positions of one series share the array that was read."""
    key = id(scene.series[0])
    if key not in file.pixels:
        file.pixels.clear()  # Scenes follow each other in the order of the file.
        parts = [series.asarray() for series in scene.series]
        whole = (
            parts[0]
            if len(parts) == 1
            else np.concatenate([part.reshape(-1, *scene.shape[1:]) for part in parts])
        )
        file.pixels[key] = whole.reshape(scene.shape)
    whole = file.pixels[key]
    return whole if scene.axis < 0 else np.ascontiguousarray(whole.take(scene.position, scene.axis))


def _files(scene: Scene, path: Path) -> tuple[Path, ...]:
    """Return the files that hold the pages of a scene, the one that was opened first."""
    names = {path.name: path}
    for series in scene.series:
        if series.is_multifile:
            for page in series:
                if page is not None:
                    names.setdefault(page.parent.filehandle.name, path.parent / page.parent.filehandle.name)
    return tuple(names.values())


def _refuse_incomplete(series: tifffile.TiffPageSeries, path: Path, complaints: list[str]) -> None:
    """Raise an error if a file lacks pixels or pages; tifffile would read the rest without an error."""
    damage = [line for line in complaints if any(word in line for word in _DAMAGE)]
    if damage:
        raise MuguetError(
            f"{path} is damaged or truncated: copy it again from where it was recorded ({damage[0]})"
        )
    if series.dataoffset is None:
        missing = sum(page is None or not _within_file(page) for page in series.pages)
        if missing:
            raise MuguetError(
                f"{path} lacks {missing} of its {len(series.pages)} planes: "
                "copy it again, with all files that belong to it"
            )


def _within_file(page: tifffile.TiffPage | tifffile.TiffFrame) -> bool:
    # A damaged size can declare millions of strips, which tifffile would fill with zeros one by one.
    if not page.is_contiguous and math.prod(page.chunked) > len(page.dataoffsets):
        return False
    end = max((a + n for a, n in zip(page.dataoffsets, page.databytecounts, strict=True)), default=0)
    return bool(end <= page.parent.filehandle.size)


# --- Axes -------------------------------------------------------------------------------------------------


def stored_axes_of(scene: Scene) -> str:
    """Return the axes of a scene, where samples that are not colours are channels."""
    axes = scene.own_axes
    if int(scene.series[0].keyframe.photometric) not in _COLOURS and "C" not in axes:
        return axes.replace("S", "C")
    return axes


def _axes_still_valid(stored: str, written: str) -> bool:
    """Return True if the axes that muguet wrote still describe a file that another program may have changed."""
    try:
        return set(stored) <= set(parse(written))
    except MuguetError:
        return False


def _restored(shape: tuple[int, ...], stored: str, written: str) -> tuple[Arrangement, str]:
    """Return how data with axes `stored` get the axes `written`, including axes of size one, and these axes."""
    axes = parse(written)
    order = tuple(stored.index(letter) for letter in axes if letter in stored)
    result = tuple(shape[stored.index(letter)] if letter in stored else 1 for letter in axes)
    return Arrangement(shape, order, result), axes


def _checked(override: str, data: npt.NDArray[Any], stored: str, path: Path) -> str:
    """Return the axes that the user gave, after a check."""
    try:
        return parse(override, data.ndim)
    except MuguetError as error:
        raise MuguetError(f"{error} ({path} has shape {data.shape} and was read as {stored})") from None


def _named(
    shape: tuple[int, ...], stored: str, override: str | None, path: Path, notes: list[str]
) -> tuple[Arrangement, str]:
    """Return how data get axes whose letters are all in TCZYXS, and these letters."""
    same = Arrangement(shape, tuple(range(len(shape))), shape)
    if override is not None:
        return same, stored
    if not {"Y", "X"} <= set(stored):
        raise MuguetError(
            f"{path} lacks rows Y or columns X; its axes are {stored}, its shape is {shape}: "
            "name the axes, for example with --axes TYX"
        )
    unnamed = [letter for letter in stored if letter not in LETTERS]
    if not unnamed:
        return same, stored
    # All axes of unknown meaning are merged with time into one T axis, at the place of the first of them.
    series = [axis for axis, letter in enumerate(stored) if letter in unnamed or letter == "T"]
    rest = [axis for axis in range(len(stored)) if axis not in series]
    first = series[0]
    axes = (
        "".join(stored[axis] for axis in rest[:first]) + "T" + "".join(stored[axis] for axis in rest[first:])
    )
    notes.append(f"The axes {stored} of the file were read as {axes}.")
    merged = math.prod(shape[axis] for axis in series)
    result = (*(shape[axis] for axis in rest[:first]), merged, *(shape[axis] for axis in rest[first:]))
    return Arrangement(shape, (*rest[:first], *series, *rest[first:]), result), axes


# --- How the image is stored ------------------------------------------------------------------------------


def _stored(file: OpenFile, scene: Scene) -> Stored:
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
    pages, numbers = _pages(scene, structure)
    if len(scene.series) > 1 and series.kind == "shaped":
        pages[0] = {**pages[0], DESCRIPTION: _shaped_description(tif, scene)}
    stored = Stored(
        file.origin,
        _number_in_xml(tif, scene.number, xml),
        scene.shape,
        series.dtype,
        tuple(pages),
        tuple(numbers),
        page.shape,
        page.axes,
        int(page.photometric),
        lossless(page.compression),
        writing_keywords(page),
    )
    file.stored[key] = stored
    return stored


def _pages(scene: Scene, structure: Structure) -> tuple[list[Tags], list[int]]:
    """Return the tags of all pages of a scene that do not describe how its pixels are stored, and their numbers."""
    shared: dict[tuple[tuple[int, Tag], ...], Tags] = {}
    result: list[Tags] = []
    numbers: list[int] = []
    with contextlib.ExitStack() as stack:
        opened: dict[Path, IO[bytes]] = {}
        for page in (page for series in scene.series for page in _pages_within(series)):
            if page is None or page.offset is None or (page.is_frame and page.is_virtual):
                continue
            path = Path(page.parent.filehandle.path)
            if path not in opened:
                opened[path] = stack.enter_context(path.open("rb"))
            try:
                tags, _ = read_tags(opened[path], page.offset, structure)
            except (ValueError, OSError, struct.error):
                tags = {}
            kept = {code: tag for code, tag in tags.items() if code not in PIXEL_TAGS | POINTER_TAGS.keys()}
            kept = {code: tag for code, tag in kept.items() if tag.dtype not in (13, 18)}
            result.append(shared.setdefault(tuple(kept.items()), kept))
            numbers.append(page.index)
    return result or [{}], numbers


def _pages_within(series: tifffile.TiffPageSeries) -> Iterator[tifffile.TiffPage | tifffile.TiffFrame]:
    """Yield the pages of a series up to the first that is damaged; ImageJ stacks need the first only."""
    pages = iter(series)
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


def _number_in_xml(tif: tifffile.TiffFile, series: int, xml: str) -> int:
    """Return the number of the element Image in OME-XML that describes a series."""
    if not xml:
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
    return {5: "lzw", 34926: "zstd", 50000: "zstd"}.get(compression, "zlib")
