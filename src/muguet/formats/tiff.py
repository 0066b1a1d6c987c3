"""Reads and writes TIFF, OME-TIFF and ImageJ TIFF, with the axes and the pixel size that microscopes record.

tifffile does the bytes; here is what its callers need besides: axes restored to the order they had, sizes in
micrometres, damage found before a result is trusted, and an output that is either whole or absent.
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
from muguet.formats.dialects import DTYPES, describe, options, stored_order
from muguet.image.axes import LETTERS, parse
from muguet.image.image import Image
from muguet.system.atomic import reason, replacing

if TYPE_CHECKING:
    import tifffile

_COLOURS = frozenset((2, 5, 6, 8))  # PhotometricInterpretation of RGB, CMYK, YCbCr and CIELAB
# In the log of tifffile: the list of pages breaks off, a tag lies behind the end, a stack is too short.
_DAMAGE = ("invalid page offset", "invalid value offset", "invalid or corrupted")


def read(path: Path, axes: str | None = None) -> Image:
    """Read an image with its axes and pixel size.

    Of a file with several images the largest is read, of a pyramid the full resolution. Axes that no
    letter of TCZYXS names (tifffile's Q, I, P, R and others) become T. The `notes` of the result say so.

    Parameters
    ----------
    path
        A TIFF, whatever its name.
    axes
        What the axes are, one letter each, where the file is silent or wrong.

    Returns
    -------
    Image
        The data have the dtype of the file, and the machine's byte order.

    Raises
    ------
    MuguetError
        If the file is missing, no image, damaged or truncated, or of a dtype or axes that are no image's.
    """
    _refuse_non_tiff(path)
    import tifffile

    with _listening() as complaints:
        try:
            with tifffile.TiffFile(path) as tif:
                return _read_open(tif, path, axes, complaints)
        except MuguetError:
            raise
        except MemoryError as error:
            raise MuguetError(f"{path} is larger than the memory: free some, or crop the image") from error
        except Exception as error:  # tifffile and the codecs raise nearly anything on damaged files
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
        raise MuguetError(f"{path} is not a TIFF despite its name: convert it to one")


def _read_open(tif: tifffile.TiffFile, path: Path, override: str | None, complaints: list[str]) -> Image:
    notes: list[str] = []
    index = _largest(tif, notes)
    series = tif.series[index]
    _refuse_incomplete(series, path, complaints)
    if series.dtype is None or series.dtype.name not in DTYPES:
        raise MuguetError(f"{path} holds {series.dtype} pixels: convert it to 8, 16 or 32 bits, or to float")
    if not series.axes or 0 in series.shape:
        raise MuguetError(f"{path} holds no pixels, its shape is {series.shape}: record it again")
    description = describe(tif, index)
    data, stored = series.asarray(), series.axes
    if _is_ours(stored, description.axes):
        data, stored = _restored(data, stored, description.axes)
    elif series.keyframe.photometric not in _COLOURS and "C" not in stored:
        stored = stored.replace("S", "C")  # several samples but no colour are channels
    if series.keyframe.photometric == 3:
        notes.append("the colours of the palette image were read as grey values")
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
    """Return the index of the series with most pixels: thumbnails and labels are smaller than the image."""
    series = tif.series
    index = max(range(len(series)), key=lambda i: (series[i].size, -i))
    if len(series) > 1:
        notes.append(
            f"of the {len(series)} images in the file number {index + 1} was read, the first of the largest"
        )
    return index


def _refuse_incomplete(series: tifffile.TiffPageSeries, path: Path, complaints: list[str]) -> None:
    """Refuse a file that lacks pixels or pages; tifffile reads what is left, as if there had been no more."""
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
                "copy it again, with all files of its set"
            )


def _within_file(page: tifffile.TiffPage | tifffile.TiffFrame) -> bool:
    # A damaged size may announce millions of strips, which tifffile would fill with zeros, one by one.
    if not page.is_contiguous and math.prod(page.chunked) > len(page.dataoffsets):
        return False
    end = max((a + n for a, n in zip(page.dataoffsets, page.databytecounts, strict=True)), default=0)
    return bool(end <= page.parent.filehandle.size)


def _is_ours(stored: str, written: str) -> bool:
    """Whether the axes that we wrote still describe the file: another program may have changed it since."""
    try:
        return set(stored) <= set(parse(written))
    except MuguetError:
        return False


def _restored(data: npt.NDArray[Any], stored: str, written: str) -> tuple[npt.NDArray[Any], str]:
    """Bring data of `stored` axes back to the order in which we wrote them, with the axes of size one."""
    axes = parse(written)
    absent = "".join(letter for letter in axes if letter not in stored)
    data = data.reshape((1,) * len(absent) + data.shape)
    return data.transpose([(absent + stored).index(letter) for letter in axes]), axes


def _named(
    data: npt.NDArray[Any], stored: str, override: str | None, path: Path, notes: list[str]
) -> tuple[npt.NDArray[Any], str]:
    """Name the axes of `data` by the letters that we know: those of the user, or those stored."""
    if override is not None:
        try:
            return data, parse(override, data.ndim)
        except MuguetError as error:
            raise MuguetError(f"{error}; {path} has shape {data.shape}, read as {stored}") from None
    if not {"Y", "X"} <= set(stored):
        raise MuguetError(
            f"{path} lacks rows Y or columns X, its axes are {stored} of shape {data.shape}: "
            "name them with --axes, as in TYX"
        )
    strange = [letter for letter in stored if letter not in LETTERS]
    if not strange:
        return data, stored
    # All series of unknown meaning, and time, run together into one T axis where the first of them stood.
    series = [axis for axis, letter in enumerate(stored) if letter in strange or letter == "T"]
    first = series[0]
    moved = np.moveaxis(data, series, range(first, first + len(series)))
    rest = "".join(letter for axis, letter in enumerate(stored) if axis not in series)
    axes = rest[:first] + "T" + rest[first:]
    notes.append(f"axes {stored} of the file were read as {axes}")
    return moved.reshape(*moved.shape[:first], -1, *moved.shape[first + len(series) :]), axes


def _lossless(compression: int) -> str:
    """Return how to compress the output of an input whose tag says `compression`: always without loss."""
    if compression == 1:
        return ""
    return {5: "lzw", 34926: "zstd", 50000: "zstd"}.get(compression, "zlib")


def write(path: Path, image: Image) -> None:
    """Write an image so that `read` returns the same data, axes and pixel size: whole, or not at all.

    A name that ends in .ome.tif and an image that was read from OME-TIFF give OME-TIFF; whatever else
    ImageJ can hold becomes an ImageJ TIFF, and the rest a plain one (BigTIFF above 4 GB). An existing file is replaced.

    Parameters
    ----------
    path
        Where to write; missing folders are created.
    image
        What to write.

    Raises
    ------
    MuguetError
        If the file cannot be written there, or cannot hold such an image.
    """
    data, axes = stored_order(image)
    keywords = options(path, image, axes)
    import tifffile

    with _listening(), replacing(path) as file:
        tifffile.imwrite(file, data, **keywords)


@contextlib.contextmanager
def _listening() -> Iterator[list[str]]:
    """Collect what tifffile logs: on damaged files it says there, and only there, that pages are missing."""
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
