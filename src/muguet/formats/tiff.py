"""Read and write TIFF, OME-TIFF and ImageJ TIFF with their axes and pixel size.

tifffile reads and writes the bytes. This module restores the original order of the axes, converts pixel sizes
to micrometres, detects damaged files, and writes a file completely or not at all.
"""

from __future__ import annotations

import contextlib
import logging
import math
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from muguet.errors import MuguetError
from muguet.formats.tiff_dialects import DTYPES, describe, options, stored_order
from muguet.image.axes import LETTERS, parse
from muguet.image.image import Image
from muguet.system.atomic import reason, replacing

if TYPE_CHECKING:
    import tifffile

_COLOURS = frozenset((2, 5, 6, 8))  # PhotometricInterpretation is RGB, CMYK, YCbCr or CIELAB.
# tifffile logs these if the list of pages ends early, a tag lies beyond the end of the file, or a stack is too short.
_DAMAGE = ("invalid page offset", "invalid value offset", "invalid or corrupted")


def read(path: Path, axes: str | None = None) -> Image:
    """Read an image with its axes and pixel size.

    If a file has several images, the largest is read; if it has a pyramid, the full resolution. Axes without a
    letter in TCZYXS (Q, I, P, R and others of tifffile) become T. The result's `notes` mention such choices. The name
    of the file does not matter; parameters, result and errors are those of `muguet.formats.read`.
    """
    _refuse_non_tiff(path)
    import tifffile

    with _tifffile_log() as complaints:
        try:
            with tifffile.TiffFile(path) as tif:
                return _read_open(tif, path, axes, complaints)
        except MuguetError:
            raise
        except MemoryError as error:
            raise MuguetError(
                f"{path} does not fit into memory: close other programs, or crop the image"
            ) from error
        except Exception as error:  # Damaged files raise nearly any exception in tifffile and codecs.
            raise MuguetError(
                f"{path} is damaged or truncated: copy it again from where it was recorded ({reason(error)})"
            ) from error


def _refuse_non_tiff(path: Path) -> None:
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as error:
        raise MuguetError(f"{path} cannot be read: {reason(error)}") from error
    if not start:
        raise MuguetError(f"{path} is empty: copy it again from where it was recorded")
    if start not in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        raise MuguetError(f"{path} is not a TIFF despite its name: convert it to TIFF")


def _read_open(tif: tifffile.TiffFile, path: Path, override: str | None, complaints: list[str]) -> Image:
    notes: list[str] = []
    index = _largest(tif, notes)
    series = tif.series[index]
    _refuse_incomplete(series, path, complaints)
    if series.dtype is None or series.dtype.name not in DTYPES:
        raise MuguetError(f"{path} has {series.dtype} pixels: convert them to 8, 16 or 32 bits, or to float")
    if not series.axes or 0 in series.shape:
        raise MuguetError(f"{path} holds no pixels (shape {series.shape}): record or export it again")
    description = describe(tif, index)
    data, stored = series.asarray(), series.axes
    if _axes_still_valid(stored, description.axes):
        data, stored = _restored(data, stored, description.axes)
    elif series.keyframe.photometric not in _COLOURS and "C" not in stored:
        stored = stored.replace("S", "C")  # Samples that are not colours are channels.
    if series.keyframe.photometric == 3:
        notes.append("The image has a colour palette; its pixels were read as grey values.")
    data, axes = _named(data, stored, override, path, notes)
    return Image(
        data=data,
        axes=axes,
        pixel_size={letter: size for letter, size in description.pixel_size.items() if letter in axes},
        path=path,
        kind=description.kind,
        compression=_lossless(series.keyframe.compression),
        channel_names=description.channel_names,
        imagej=description.imagej,
        notes=tuple(notes),
    )


def _largest(tif: tifffile.TiffFile, notes: list[str]) -> int:
    """Return the index of the series with the most pixels; thumbnails and labels are smaller than the image."""
    series = tif.series
    index = max(range(len(series)), key=lambda i: (series[i].size, -i))
    if len(series) > 1:
        notes.append(f"The file has {len(series)} images; the largest was read (number {index + 1}).")
    return index


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


def _axes_still_valid(stored: str, written: str) -> bool:
    """Return True if the axes that muguet wrote still describe a file that another program may have changed."""
    try:
        return set(stored) <= set(parse(written))
    except MuguetError:
        return False


def _restored(data: npt.NDArray[Any], stored: str, written: str) -> tuple[npt.NDArray[Any], str]:
    """Return data with axes `stored` in the order of the axes `written`, including axes of size one, and the axes."""
    axes = parse(written)
    absent = "".join(letter for letter in axes if letter not in stored)
    data = data.reshape((1,) * len(absent) + data.shape)
    return data.transpose([(absent + stored).index(letter) for letter in axes]), axes


def _named(
    data: npt.NDArray[Any], stored: str, override: str | None, path: Path, notes: list[str]
) -> tuple[npt.NDArray[Any], str]:
    """Return data whose axes all have letters of TCZYXS, and these letters: the user's or the stored ones."""
    if override is not None:
        try:
            return data, parse(override, data.ndim)
        except MuguetError as error:
            raise MuguetError(f"{error} ({path} has shape {data.shape} and was read as {stored})") from None
    if not {"Y", "X"} <= set(stored):
        raise MuguetError(
            f"{path} lacks rows Y or columns X; its axes are {stored}, its shape is {data.shape}: "
            "name the axes, for example with --axes TYX"
        )
    unnamed = [letter for letter in stored if letter not in LETTERS]
    if not unnamed:
        return data, stored
    # All axes of unknown meaning are merged with time into one T axis, at the place of the first of them.
    series = [axis for axis, letter in enumerate(stored) if letter in unnamed or letter == "T"]
    first = series[0]
    moved = np.moveaxis(data, series, range(first, first + len(series)))
    rest = "".join(letter for axis, letter in enumerate(stored) if axis not in series)
    axes = rest[:first] + "T" + rest[first:]
    notes.append(f"The axes {stored} of the file were read as {axes}.")
    return moved.reshape(*moved.shape[:first], -1, *moved.shape[first + len(series) :]), axes


def _lossless(compression: int) -> str:
    """Return a lossless compression for the output of an input with TIFF tag `compression`."""
    if compression == 1:
        return ""
    return {5: "lzw", 34926: "zstd", 50000: "zstd"}.get(compression, "zlib")


def write(path: Path, image: Image) -> None:
    """Write an image, completely or not at all; `read` returns the same data, axes and pixel size.

    The file is an OME-TIFF if its name ends in .ome.tif or the image was read from an OME-TIFF, an ImageJ TIFF if
    ImageJ can store the image, and otherwise a plain TIFF. Above 4 GB, the file is a BigTIFF: OME-TIFF or plain.
    An existing file is replaced.

    Parameters
    ----------
    path
        Path of the file; missing folders are created.
    image
        The image to write.

    Raises
    ------
    MuguetError
        If the folder is not writable, or the format cannot store the image.
    """
    data, axes = stored_order(image)
    keywords = options(path, image, axes)
    import tifffile

    with _tifffile_log(), replacing(path, "image") as file:
        tifffile.imwrite(file, data, **keywords)


@contextlib.contextmanager
def _tifffile_log() -> Iterator[list[str]]:
    """Collect the log of tifffile, the only place where it reports missing pages of damaged files."""
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("tifffile")
    propagate, level = logger.propagate, logger.level
    logger.addHandler(handler)
    logger.propagate = False
    logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield lines
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagate
        logger.setLevel(level)
