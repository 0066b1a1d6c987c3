"""Reads and writes TIFF, OME-TIFF and ImageJ TIFF, with the axes and the pixel size that microscopes record.

One module in three parts: what a file says of its pixels, reading, writing; the three dialects of TIFF
differ in each, and what is written must be what is read. tifffile does the bytes; here is what its
callers need besides: axes restored to the order they had, sizes in micrometres, damage found before a
result is trusted, and an output that is either whole or absent.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import math
import os
import secrets
import unicodedata
import warnings
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from muguet.errors import MuguetError
from muguet.image.axes import LETTERS, parse

if TYPE_CHECKING:
    import tifffile

SUFFIXES = (".tif", ".tiff")  # .ome.tif and .ome.tiff end so as well

_READABLE = ".tif, .tiff or .ome.tif"
_IMAGEJ_DTYPES = frozenset(("uint8", "uint16", "int16", "float32"))
_OME_DTYPES = _IMAGEJ_DTYPES | {"bool", "int8", "int32", "uint32", "float64"}
_DTYPES = _OME_DTYPES | {"float16"}
_BIG = 2**32 - 2**25  # bytes of pixels that a classic TIFF holds, its tags left room
_OTHER_FORMATS = frozenset(
    (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".czi", ".nd2", ".lif", ".npy", ".zarr", ".h5")
)

# A dialect has its own order of axes and drops those of size one; this key keeps what we were given.
_AXES_KEY = "muguet_axes"
_SIZE_KEY = "muguet_pixel_size"

# What ImageJ shows and keeps beside the pixels; it stays valid, for the output has the input's counts.
_IMAGEJ_KEYS = ("mode", "min", "max", "LUTs", "Ranges", "Info", "Labels", "ROI", "Overlays")

_MICROMETRES = {
    **dict.fromkeys(("m", "meter", "metre"), 1e6),
    **dict.fromkeys(("cm", "centimeter", "centimetre"), 1e4),
    **dict.fromkeys(("mm", "millimeter", "millimetre"), 1e3),
    **dict.fromkeys(("um", "micron", "micrometer", "micrometre"), 1.0),
    **dict.fromkeys(("nm", "nanometer", "nanometre"), 1e-3),
    **dict.fromkeys(("å", "angstrom"), 1e-4),
    **dict.fromkeys(("pm", "picometer", "picometre"), 1e-6),
    **dict.fromkeys(("in", "inch", '"'), 25400.0),
}
_SECONDS = {
    **dict.fromkeys(("s", "sec", "second"), 1.0),
    **dict.fromkeys(("ms", "msec", "millisecond"), 1e-3),
    **dict.fromkeys(("us", "usec", "microsecond"), 1e-6),
    **dict.fromkeys(("min", "minute"), 60.0),
    **dict.fromkeys(("h", "hr", "hour"), 3600.0),
}
# Resolutions, in dots per inch, that programs write when they know nothing.
_MEANINGLESS_DPI = frozenset((1, 72, 96, 100, 150, 200, 300, 600))


@dataclass(frozen=True, eq=False)
class Image:
    """The pixels of an image, and what is known of them.

    Attributes
    ----------
    data
        The pixels, in the machine's byte order when read from a file.
    axes
        One letter of TCZYXS for each axis of `data`.
    pixel_size
        Micrometres for X, Y and Z, seconds for T; a letter is missing where nothing is known.
    path
        The file it was read from.
    kind
        How that file stored it, ``"tiff"``, ``"imagej"`` or ``"ome"``: the output is of the same kind.
    compression
        ``"zlib"``, ``"lzw"``, ``"zstd"`` or, for none, the empty string; the output has the same.
    channel_names
        One name for each channel, or none at all.
    imagej
        What ImageJ needs to show it as before: its mode, lookup tables, ranges, labels.
    notes
        Sentences for the user about how the file was understood.

    Raises
    ------
    MuguetError
        If the axes do not fit the data.
    """

    data: npt.NDArray[Any]
    axes: str
    pixel_size: Mapping[str, float] = field(default_factory=dict)
    path: Path | None = None
    kind: str = "tiff"
    compression: str = ""
    channel_names: tuple[str, ...] = ()
    imagej: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "axes", parse(self.axes, self.data.ndim))


# --- Which files -----------------------------------------------------------------------------------------


def find(inputs: Iterable[Path | str]) -> list[Path]:
    """Return the image files that `inputs` name: files as they are, folders as the TIFF files right in them.

    A folder's files are sorted by name, hidden ones left out; a file named twice comes once.

    Raises
    ------
    MuguetError
        For a path that does not exist, a folder without images, or no input at all.
    """
    found: dict[Path, Path] = {}
    for path in map(Path, inputs):
        if path.is_dir():
            files = sorted(file for file in path.iterdir() if _is_image(file))
            if not files:
                raise MuguetError(f"the folder {path} holds no image: expected files that end in {_READABLE}")
        elif path.exists():
            files = [path]
        else:
            raise MuguetError(f"{path} does not exist: check the name")
        for file in files:
            found.setdefault(file.resolve(), file)
    if not found:
        raise MuguetError("no input: name at least one image or folder")
    return list(found.values())


def destination(inputs: Iterable[Path], out: Path | str | None = None) -> list[Path]:
    """Return where the result of each input goes, never onto an input.

    One input and a name that ends as an image's does: that file. Otherwise `out` is a folder, and the
    results have the inputs' names. Without `out`, ``cells.tif`` becomes ``cells_denoised.tif`` beside it.

    Raises
    ------
    MuguetError
        If two results would have one name, or one would replace an input.
    """
    sources = [Path(source) for source in inputs]
    results = _named_results(sources, Path(out)) if out is not None else [_beside(path) for path in sources]
    _refuse_clashes(sources, results)
    return results


def _named_results(sources: list[Path], out: Path) -> list[Path]:
    if out.is_dir():
        return [out / source.name for source in sources]
    if out.suffix.lower() in SUFFIXES:
        if len(sources) != 1:
            raise MuguetError(
                f"{out} is one file but there are {len(sources)} inputs: name a folder as the output"
            )
        return [out]
    if out.suffix.lower() in _OTHER_FORMATS:
        raise MuguetError(f"{out} cannot be written: name an output that ends in {_READABLE}")
    return [out / source.name for source in sources]


def _refuse_clashes(sources: list[Path], results: list[Path]) -> None:
    raw = {source.resolve() for source in sources}
    taken: dict[str, Path] = {}
    for source, result in zip(sources, results, strict=True):
        # Compared without case: on many disks two names that differ in case only are one file.
        rival = taken.setdefault(str(result.resolve()).casefold(), source)
        if rival is not source:
            raise MuguetError(f"{rival} and {source} would both be written to {result}: rename one of them")
        if result.resolve() in raw or (result.exists() and any(result.samefile(other) for other in raw)):
            raise MuguetError(f"{result} is an input and is never overwritten: name another output")


def _beside(source: Path) -> Path:
    stem, ome, _ = source.name[: -len(source.suffix)].partition(".ome")
    return source.with_name(f"{stem}_denoised{ome}{source.suffix}")


def _is_image(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


# --- What a file says of its pixels ----------------------------------------------------------------------


def _positive(value: Any) -> float | None:
    """Return a positive finite number, or None for whatever else a file may hold."""
    try:
        number = abs(float(value))  # ImageJ writes a negative spacing for stacks taken downwards
    except (TypeError, ValueError):
        return None
    return number if 0 < number < math.inf else None


def _scaled(value: Any, unit: Any, units: Mapping[str, float]) -> float | None:
    """Return `value` in micrometres or seconds, or None where the value or its unit means nothing."""
    # ImageJ spells the micro sign as an escape, and Unicode has two of them.
    name = unicodedata.normalize("NFKC", str(unit).replace("\\u00B5", "µ")).strip().lower().replace("μ", "u")
    factor = units.get(name) or units.get(name.removesuffix("s")) or units.get(name.removesuffix("es"))
    number = _positive(value)
    return number * factor if number and factor else None


def _known(sizes: Mapping[str, float | None]) -> dict[str, float]:
    return {letter: size for letter, size in sizes.items() if size is not None}


def _resolutions(page: tifffile.TiffPage) -> dict[str, float]:
    """Return pixels per unit along X and Y, where the tags hold them."""
    found: dict[str, float | None] = {}
    for letter, tag in (("X", "XResolution"), ("Y", "YResolution")):
        value = page.tags.valueof(tag)
        numerator, denominator = value if isinstance(value, tuple) and len(value) == 2 else (value, 1)
        found[letter] = _positive(numerator / denominator) if numerator and denominator else None
    return _known(found)


def _size_from_tags(page: tifffile.TiffPage) -> dict[str, float]:
    """Return the pixel size that a plain TIFF's resolution says, if it is more than a default."""
    unit = {2: "inch", 3: "cm"}.get(int(page.tags.valueof("ResolutionUnit", default=2)))
    sizes: dict[str, float | None] = {}
    for letter, resolution in _resolutions(page).items():
        size = _scaled(1 / resolution, unit, _MICROMETRES)
        default = resolution == 1 or (size is not None and round(25400 / size, 1) in _MEANINGLESS_DPI)
        sizes[letter] = None if default else size
    return _known(sizes)


def _size_from_imagej(meta: Mapping[str, Any], page: tifffile.TiffPage) -> dict[str, float]:
    if "unit" not in meta:
        sizes: dict[str, float | None] = dict(_size_from_tags(page))
    else:
        sizes = {
            letter: _scaled(1 / resolution, meta.get(f"{letter.lower()}unit", meta["unit"]), _MICROMETRES)
            for letter, resolution in _resolutions(page).items()
        }
    sizes["Z"] = _scaled(meta.get("spacing"), meta.get("zunit", meta.get("unit")), _MICROMETRES)
    rate = _positive(meta.get("fps"))
    interval = _positive(meta.get("finterval")) or (1 / rate if rate else None)
    sizes["T"] = _scaled(interval, meta.get("tunit", "sec"), _SECONDS)
    return _known(sizes)


def _size_from_ome(pixels: Mapping[str, str]) -> dict[str, float]:
    sizes = {
        letter: _scaled(
            pixels.get(f"PhysicalSize{letter}"), pixels.get(f"PhysicalSize{letter}Unit", "µm"), _MICROMETRES
        )
        for letter in "XYZ"
    }
    sizes["T"] = _scaled(pixels.get("TimeIncrement"), pixels.get("TimeIncrementUnit", "s"), _SECONDS)
    return _known(sizes)


@dataclass(frozen=True)
class _Description:
    """What the text in a file says, in one form for all dialects."""

    kind: str
    pixel_size: Mapping[str, float]
    axes: str = ""  # as we wrote them; files of others do not say
    channel_names: tuple[str, ...] = ()
    imagej: Mapping[str, Any] = field(default_factory=dict)


def _describe(tif: tifffile.TiffFile, index: int) -> _Description:
    """Read what the file says of its series number `index`, in whichever dialect."""
    series = tif.series[index]
    page = series.keyframe
    if series.kind == "ome" and tif.ome_metadata:
        return _describe_ome(tif.ome_metadata, index)
    if series.kind == "imagej":
        meta = tif.imagej_metadata or {}
        kept = {key: meta[key] for key in _IMAGEJ_KEYS if key in meta}
        return _Description(
            "imagej", _size_from_imagej(meta, page), str(meta.get(_AXES_KEY, "")), imagej=kept
        )
    shaped = tif.shaped_metadata or ()
    meta = shaped[index] if index < len(shaped) else {}
    sizes = meta.get(_SIZE_KEY)
    known = _known({a: _positive(s) for a, s in sizes.items()}) if isinstance(sizes, dict) else None
    return _Description(
        "tiff", _size_from_tags(page) if known is None else known, str(meta.get(_AXES_KEY, ""))
    )


def _describe_ome(text: str, index: int) -> _Description:
    root = ET.fromstring(text)
    images = root.findall("{*}Image")
    pixels = images[min(index, len(images) - 1)].find("{*}Pixels") if images else None
    if pixels is None:
        return _Description("ome", {})
    names = tuple(channel.get("Name", "") for channel in pixels.findall("{*}Channel"))
    axes = [entry.text or "" for entry in root.iterfind(".//{*}M") if entry.get("K") == _AXES_KEY]
    return _Description(
        "ome", _size_from_ome(pixels.attrib), axes[0] if axes else "", names if any(names) else ()
    )


# --- Reading ---------------------------------------------------------------------------------------------

_COLOURS = frozenset((2, 5, 6, 8))  # PhotometricInterpretation of RGB, CMYK, YCbCr and CIELAB
# In the log of tifffile: the list of pages breaks off, a tag lies behind the end, a stack is too short.
_DAMAGE = ("invalid page offset", "invalid value offset", "invalid or corrupted")


def read(path: Path | str, axes: str | None = None) -> Image:
    """Read an image with its axes and pixel size.

    Of a file with several images the largest is read, of a pyramid the full resolution. Axes that no
    letter of TCZYXS names (tifffile's Q, I, P, R and others) become T. The `notes` of the result say so.

    Parameters
    ----------
    path
        A file that ends in .tif or .tiff, in either case.
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
    path = Path(path)
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
                f"{path} is damaged or truncated: copy it again from where it was recorded ({_reason(error)})"
            ) from error


def _refuse_non_tiff(path: Path) -> None:
    if path.is_dir():
        raise MuguetError(f"{path} is a folder: name an image in it")
    if not path.exists():
        raise MuguetError(f"{path} does not exist: check the name")
    if path.suffix.lower() not in SUFFIXES:
        raise MuguetError(f"{path} has a format that is not read yet: convert it to {_READABLE}")
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as error:
        raise MuguetError(f"{path} cannot be read: {_reason(error)}") from error
    if not start:
        raise MuguetError(f"{path} is empty: copy it again from where it was recorded")
    if start not in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        raise MuguetError(f"{path} is not a TIFF despite its name: convert it to {_READABLE}")


def _read_open(tif: tifffile.TiffFile, path: Path, override: str | None, complaints: list[str]) -> Image:
    notes: list[str] = []
    index = _largest(tif, notes)
    series = tif.series[index]
    _refuse_incomplete(series, path, complaints)
    if series.dtype is None or series.dtype.name not in _DTYPES:
        raise MuguetError(f"{path} holds {series.dtype} pixels: convert it to 8, 16 or 32 bits, or to float")
    if not series.axes or 0 in series.shape:
        raise MuguetError(f"{path} holds no pixels, its shape is {series.shape}: record it again")
    description = _describe(tif, index)
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


# --- Writing ---------------------------------------------------------------------------------------------


def write(path: Path | str, image: Image, overwrite: bool = False) -> None:
    """Write an image so that `read` returns the same data, axes and pixel size: whole, or not at all.

    A name that ends in .ome.tif and an image that was read from OME-TIFF give OME-TIFF; whatever else
    ImageJ can hold becomes an ImageJ TIFF, and the rest a plain one (BigTIFF above 4 GB).

    Parameters
    ----------
    path
        A name that ends in .tif or .tiff; missing folders are created.
    image
        What to write.
    overwrite
        Replace an existing file.

    Raises
    ------
    MuguetError
        If the file exists, cannot be written there, or cannot hold such an image.
    """
    path = Path(path)
    check_output(path, overwrite)
    data, axes = _storage(image)
    options = _options(path, image, axes)
    import tifffile

    with _listening(), _replacing(path) as file:
        tifffile.imwrite(file, data, **options)


def check_output(path: Path | str, overwrite: bool = False) -> None:
    """Find out before the work, not after it, whether `path` can be written; creates its folder.

    Raises
    ------
    MuguetError
        If the name is not a TIFF's, the file exists and may not be replaced, or its folder takes no file.
    """
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise MuguetError(f"{path} cannot be written: name an output that ends in {_READABLE}")
    if path.is_dir():
        raise MuguetError(f"{path} is a folder: name a file in it")
    if path.exists() and not overwrite:
        raise MuguetError(f"{path} exists: add --overwrite to replace it, or name another output")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        probe = _temporary(path)
        probe.touch(exist_ok=False)
        probe.unlink()
    except OSError as error:
        raise _unwritable(path, error) from error


def to_dtype(values: npt.NDArray[Any], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Return `values` as `dtype`: rounded to the nearest and clipped for integers, cast for floats.

    NaN becomes 0 in an integer and stays NaN in a float. Memory beyond the result is a few hundred kilobytes.
    """
    dtype = np.dtype(dtype)
    if dtype.kind not in "iub":
        with np.errstate(over="ignore"):  # float16 ends at 65504; what is beyond becomes inf, as numpy casts
            return values.astype(dtype, copy=False)
    low, high = _range(dtype)
    result = np.empty(values.shape, dtype)
    blocks = np.nditer(
        [values, result],
        flags=["external_loop", "buffered", "zerosize_ok"],
        op_flags=[["readonly"], ["writeonly"]],
        op_dtypes=[np.dtype(np.float64), dtype],
        casting="unsafe",
        buffersize=2**14,
    )
    with blocks:
        for block, target in blocks:
            target[...] = np.clip(np.rint(np.where(np.isnan(block), 0.0, block)), low, high)
    return result


def _range(dtype: np.dtype[Any]) -> tuple[float, float]:
    if dtype.kind == "b":
        return 0.0, 1.0
    info = np.iinfo(dtype)
    high = float(info.max)
    # The largest 64-bit integers are no floats; rounded up they would wrap around.
    return float(info.min), high if int(high) <= info.max else float(np.nextafter(high, 0))


def _storage(image: Image) -> tuple[npt.NDArray[Any], str]:
    """Return the data in the one order that all dialects hold: TZCYX, colour last, other samples apart."""
    order = "TZCYXS" if _is_colour(image) else "TZCSYX"
    axes = "".join(letter for letter in order if letter in image.axes)
    return image.data.transpose([image.axes.index(letter) for letter in axes]), axes


def _is_colour(image: Image) -> bool:
    return (
        "S" in image.axes
        and image.data.shape[image.axes.index("S")] in (3, 4)
        and image.data.dtype.name in ("uint8", "uint16")
    )


def _dialect(path: Path, image: Image) -> str:
    """Choose how to store the image: ``"ome"``, ``"imagej"`` or ``"tiff"``."""
    dtype = image.data.dtype.name
    samples = "S" in image.axes
    if dtype not in _DTYPES:
        raise MuguetError(
            f"{path} cannot be written with {dtype} pixels: convert them to 8, 16 or 32 bits, or float"
        )
    ome = dtype in _OME_DTYPES and (not samples or _is_colour(image))
    if path.stem.lower().endswith(".ome"):
        if not ome:
            raise MuguetError(
                f"{path} cannot be written, OME-TIFF has no place for {dtype} with axes {image.axes}: "
                f"let the name end in .tif without .ome"
            )
        return "ome"
    if image.kind == "ome" and ome:
        return "ome"
    lateral = {"X", "Y"} & set(image.pixel_size)
    imagej = (
        dtype in _IMAGEJ_DTYPES
        and (not samples or (dtype == "uint8" and _is_colour(image)))
        # tifffile takes a single column for samples, and writes the rows as columns.
        and image.data.shape[image.axes.index("X")] > 1
        # ImageJ has one unit for all axes: a depth without width and height cannot be told there.
        and (len(lateral) == 2 or not {"X", "Y", "Z"} & set(image.pixel_size))
    )
    if imagej and image.data.nbytes <= _BIG:
        return "imagej"
    return "ome" if imagej and ome else "tiff"


def _options(path: Path, image: Image, axes: str) -> dict[str, Any]:
    """Return the keywords of ``tifffile.imwrite`` for this image."""
    dialect = _dialect(path, image)
    metadata = {"axes": axes}
    metadata |= {"ome": _ome_metadata, "imagej": _imagej_metadata, "tiff": _plain_metadata}[dialect](image)
    options: dict[str, Any] = {
        "photometric": "rgb" if _is_colour(image) else "minisblack",
        "metadata": metadata,
        "ome": dialect == "ome",
        "imagej": dialect == "imagej",
        "bigtiff": image.data.nbytes > _BIG,
    }
    if image.compression:
        options["compression"] = image.compression
        # ImageJ's own reader undoes the predictor of 8 and 16 bits only.
        options["predictor"] = image.data.dtype.kind in "iu" and image.data.dtype.itemsize <= 2
    unit = 1.0 if dialect == "imagej" else _MICROMETRES["cm"]
    resolution = [unit / image.pixel_size[letter] for letter in "XY" if letter in image.pixel_size]
    if len(resolution) == 2 and all(
        1e-6 < value < 2**32 for value in resolution
    ):  # else no fraction of 32 bits
        options["resolution"] = tuple(resolution)
        options["resolutionunit"] = "NONE" if dialect == "imagej" else "CENTIMETER"
    return options


def _plain_metadata(image: Image) -> dict[str, Any]:
    return {_AXES_KEY: image.axes, _SIZE_KEY: dict(image.pixel_size)}


def _imagej_metadata(image: Image) -> dict[str, Any]:
    kept = dict(image.imagej)
    if "S" in image.axes:
        kept.pop("mode", None)  # a colour image has one mode
    if image.axes != "".join(letter for letter in "TZCYXS" if letter in image.axes):
        kept.pop("Labels", None)  # they name the planes in the order that these had
    sizes = image.pixel_size
    kept |= {"unit": "micron"} if "X" in sizes else {}
    kept |= {"spacing": sizes["Z"]} if "Z" in sizes else {}
    kept |= {"finterval": sizes["T"]} if "T" in sizes else {}
    return kept | {_AXES_KEY: image.axes}


def _ome_metadata(image: Image) -> dict[str, Any]:
    sizes = image.pixel_size
    found: dict[str, Any] = {"MapAnnotation": {_AXES_KEY: image.axes}}
    for letter in "XYZ":
        if letter in sizes:
            found |= {f"PhysicalSize{letter}": sizes[letter], f"PhysicalSize{letter}Unit": "µm"}
    if "T" in sizes:
        found |= {"TimeIncrement": sizes["T"], "TimeIncrementUnit": "s"}
    channels = image.data.shape[image.axes.index("C")] if "C" in image.axes else 1
    if len(image.channel_names) == channels:
        found["Channel"] = {"Name": list(image.channel_names)}
    return found


def _temporary(path: Path) -> Path:
    # Hidden and with a name that no one has: in the same folder, for a file moves whole only within one disk.
    return path.with_name(f".{path.name[:64]}.{secrets.token_hex(4)}.part")


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that becomes `path` when all of it is on the disk, and vanishes if anything goes wrong."""
    temporary = _temporary(path)
    try:
        with temporary.open("x+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        # After an interrupt too; after success there is nothing left to remove.
        with contextlib.suppress(OSError):
            temporary.unlink()


def _unwritable(path: Path, error: OSError) -> MuguetError:
    # numpy reports a short write without a number; hardly anything but a full disk or a quota ends one.
    if error.errno in (None, errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return MuguetError(
            f"{path} was not written, the disk is full: free some space or name another folder"
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return MuguetError(f"{path} cannot be written, its folder takes no files: name another folder")
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        return MuguetError(f"{path} cannot be written, a part of its path is a file: name another folder")
    return MuguetError(f"{path} was not written: {_reason(error)}")


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(str(error).split())[:120] or type(error).__name__


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
