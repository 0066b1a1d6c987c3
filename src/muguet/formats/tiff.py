"""Read and write TIFF, OME-TIFF and ImageJ TIFF: all images of a file, with their axes and metadata.

tifffile reads and writes the bytes. This module finds the images of a file, detects damaged files, and writes a
file completely or not at all.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
import numpy.typing as npt

from muguet.errors import MuguetError
from muguet.formats import tiff_scenes
from muguet.formats.lazy import LazyImage, lazy
from muguet.formats.tiff_capture import OpenFile
from muguet.formats.tiff_dialects import BIGTIFF_SUFFIXES, MAX_CLASSIC_BYTES, options, stored_order
from muguet.formats.tiff_image import read_scene
from muguet.formats.tiff_lost import lost
from muguet.formats.tiff_open import open_tiff
from muguet.formats.tiff_restore import frame_tags, restorable, restore
from muguet.formats.tiff_stored import Stored
from muguet.formats.tiff_tags import Structure, is_bigtiff, replace_tags
from muguet.image.image import Image
from muguet.image.pixels import Part
from muguet.system.atomic import reason, replacing

_MAX_NAMES = 12  # Sentences list at most this many images of a file.


def read(path: Path, axes: str | None = None, scenes: Sequence[str] | None = None) -> tuple[Image, ...]:
    """Read the images of a file with their axes and pixel size.

    Frames and parts of a stack that were written one by one are one image. Positions are separate images. Of images
    that are not alike, those that look like the data are read; see `scenes`. Of a pyramid, the full resolution is
    read. Axes without a letter in TCZYXS (Q, I, P and others of tifffile) become T. The `notes` of the first image
    mention such choices. The name of the file does not matter.

    Parameters
    ----------
    path
        The file.
    axes
        Axes that replace those in the file, one letter of TCZYXS for each; None: use those in the file.
    scenes
        Names or numbers (from 0) of the images to read; None: the data, without previews.
    """
    return _read(path, axes, scenes, "memory")


def open_all(
    path: Path, axes: str | None = None, scenes: Sequence[str] | None = None
) -> tuple[LazyImage, ...]:
    """Open the images of a file, see `read`; their pixels are mapped into memory and read when they are needed.

    The pixels of a compressed file are decompressed into a temporary file when the first of them are read.
    """
    images = _read(path, axes, scenes, "mapped")
    return tuple(
        replace(
            lazy(image),
            pixels=image.data
            if isinstance(image.data, np.memmap)
            else _Deferred(path, axes, scenes, i, image),
        )
        for i, image in enumerate(images)
    )


class _Deferred:
    """The pixels of an image of a compressed file, which is decompressed when the first of them are read."""

    def __init__(
        self, path: Path, axes: str | None, scenes: Sequence[str] | None, number: int, image: Image
    ) -> None:
        self.path, self.axes, self.scenes, self.number = path, axes, scenes, number
        self.shape, self.dtype = image.data.shape, image.data.dtype
        self.found: npt.NDArray[Any] | None = None

    def __getitem__(self, part: Part, /) -> npt.NDArray[Any]:
        """Return the pixels of a part."""
        if self.found is None:
            self.found = _read(self.path, self.axes, self.scenes, "temporary")[self.number].data
        return self.found[part]


def _read(
    path: Path,
    axes: str | None,
    scenes: Sequence[str] | None,
    reads: Literal["memory", "mapped", "temporary"],
) -> tuple[Image, ...]:
    with _tifffile_log() as complaints:
        try:
            with open_tiff(path) as tif:
                return _read_open(OpenFile(tif, path, complaints, reads=reads), axes, scenes)
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


def _read_open(file: OpenFile, axes: str | None, wanted: Sequence[str] | None) -> tuple[Image, ...]:
    tif, path = file.tif, file.path
    file.summary = ((tif.micromanager_metadata or {}).get("Summary") or {}) if tif.is_micromanager else {}
    scenes = tiff_scenes.scenes_of(tif, tiff_scenes.names_from_micromanager(file.summary))
    numbers, notes = tiff_scenes.chosen(scenes, wanted, path)
    images = [read_scene(file, scenes[number], axes) for number in numbers]
    used = sum(len(series) for series in tif.series)
    if (
        tif.series[0].kind == "ome"
        and not any(series.is_multifile for series in tif.series)
        and len(tif.pages) > used
    ):
        notes.append(
            f"{len(tif.pages) - used} pages of the file belong to no image of its OME-XML; they are left out."
        )
    if len(images) > 1:
        names = [image.name or str(number) for number, image in zip(numbers, images, strict=True)]
        shown = ", ".join(names[:_MAX_NAMES]) + (", …" if len(names) > _MAX_NAMES else "")
        notes.insert(0, f"The file has {len(images)} images of one kind: {shown}.")
    # The image was made here, so nobody else sees this change.
    object.__setattr__(images[0], "notes", (*notes, *images[0].notes))
    return tuple(images)


def members(path: Path) -> tuple[Path, ...]:
    """Return all files that are read together with a file, itself first; only the file if it cannot be read."""
    try:
        with _tifffile_log(), open_tiff(path) as tif:
            if not (tif.is_micromanager or (tif.is_ome and "FileName" in (tif.ome_metadata or ""))):
                return (path,)
            files = {
                Path(page.parent.filehandle.path)
                for series in tif.series
                for page in series
                if page is not None
            }
    except Exception:  # Reading the file gives the error.
        return (path,)
    # A file may name another one in any folder; those in its own are given as it is, relative or not.
    here, folder = path.resolve(), path.parent.resolve()
    others = sorted(each for each in files if each.resolve() != here)
    return (path, *(path.parent / each.name if each.resolve().parent == folder else each for each in others))


def write(path: Path, images: Sequence[Image]) -> tuple[str, ...]:
    """Write images to one file, completely or not at all; `read` returns the same data, axes and pixel size.

    Images that were read from a TIFF are stored as they were in it, with all its tags and descriptions, if nothing
    but their values has changed. Otherwise the file is an OME-TIFF if its name ends in .ome.tif, the image was read
    from an OME-TIFF, or there are several images; an ImageJ TIFF if ImageJ can store the image; and else a plain
    TIFF. Above 4 GB, the file is a BigTIFF: OME-TIFF or plain. An existing file is replaced.

    Parameters
    ----------
    path
        Path of the file; missing folders are created.
    images
        The images to write.

    Returns
    -------
    tuple of str
        Sentences about metadata of the input that the file does not hold.

    Raises
    ------
    MuguetError
        If the folder is not writable, or the format cannot store the image.
    """
    series = restorable(path, images)
    keywords = [] if series else _keywords(path, images)  # Images that cannot be stored are refused first.
    with _tifffile_log(), replacing(path, "image") as file:
        if series is None or not _restored(file, series, path, images):
            series = None
            keywords = keywords or _keywords(path, images)
            _write_anew(file, images, keywords)
            order: Literal["<", ">"] = "<" if sys.byteorder == "little" else ">"
            frames = frame_tags(images, order)
            if frames is not None and keywords[0]["ome"]:
                replace_tags(file, frames, Structure(order, is_bigtiff(file)), keep=True)
    return lost(images, series)


def _restored(
    file: IO[bytes], series: Sequence[tuple[Stored, npt.NDArray[Any]]], path: Path, images: Sequence[Image]
) -> bool:
    """Write the images as they were stored; return False, with an empty file, if tifffile cannot."""
    size = sum(image.data.nbytes for image in images)
    large = size > MAX_CLASSIC_BYTES or path.suffix.lower() in BIGTIFF_SUFFIXES
    try:
        restore(file, series, images[0].compression, large, images[0].provenance)
    except (ValueError, TypeError, KeyError, IndexError, RuntimeError):
        file.seek(0)
        file.truncate()
        return False
    return True


def _keywords(path: Path, images: Sequence[Image]) -> list[dict[str, Any]]:
    """Return the arguments with which tifffile writes each image in the dialect that suits it."""
    return [options(path, image, stored_order(image)[1], several=len(images) > 1) for image in images]


def _write_anew(file: IO[bytes], images: Sequence[Image], keywords: Sequence[dict[str, Any]]) -> None:
    """Write images in the dialect that suits them."""
    import tifffile

    arrays = [stored_order(image)[0] for image in images]
    if len(arrays) == 1:
        tifffile.imwrite(file, arrays[0], **keywords[0])
        return
    bigtiff = sum(data.nbytes for data in arrays) > MAX_CLASSIC_BYTES or keywords[0]["bigtiff"]
    with tifffile.TiffWriter(file, bigtiff=bigtiff, ome=keywords[0]["ome"]) as writer:
        for data, chosen in zip(arrays, keywords, strict=True):
            rest = {key: value for key, value in chosen.items() if key not in ("bigtiff", "ome", "imagej")}
            writer.write(data, contiguous=False, **rest)


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
