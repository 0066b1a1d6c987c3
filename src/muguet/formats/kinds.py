"""The file formats: how each is recognised, and the functions that read and write it."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from muguet.formats import identify, numpy_file, tiff
from muguet.formats.lazy import LazyImage
from muguet.formats.ome_zarr.store import is_zarr, is_zipped_zarr
from muguet.image.image import Image

Opener = Callable[[Path, str | None, Sequence[str] | None], tuple[LazyImage, ...]]
"""Function that opens the images of a file: the path, axes that replace those of the file or None, and the names or
numbers of the images, or None for all that look like the data."""
Reader = Callable[[Path, str | None, Sequence[str] | None], tuple[Image, ...]]
"""The same, with the pixels of the images."""
Writer = Callable[[Path, Sequence[Image]], tuple[str, ...]]
"""Function that writes images to one file, completely or not at all, and returns sentences about what is lost."""


@dataclass(frozen=True)
class Format:
    """A file format: how its files are recognised, and its functions.

    Attributes
    ----------
    name
        What a file is, with its article.
    recognises
        Returns True for the path and the first bytes of a file of this format; a folder has no bytes.
    open
        Returns the images of a file without their pixels.
    suffixes
        File name endings in lower case, with the dot, of the files that are written.
    write
        Writes images to one file; None: the format is only read.
    package, extra
        The package that `write` needs, and the extra of muguet that installs it; empty: none.
    members
        Returns all files that are read together with a file, itself first.
    read
        Returns the images of a file with their pixels, faster than by `open`; None: there is no such function.
    """

    name: str
    recognises: Callable[[Path, bytes], bool]
    open: Opener
    suffixes: tuple[str, ...] = ()
    write: Writer | None = None
    package: str = ""
    extra: str = ""
    members: Callable[[Path], tuple[Path, ...]] = lambda path: (path,)
    read: Reader | None = None


def _by_start(test: Callable[[bytes], bool]) -> Callable[[Path, bytes], bool]:
    return lambda path, start: test(start)


def _from(module: str) -> Opener:
    """Return the function `open_all` of a module of this package, which is imported when it is first called."""

    def open_all(path: Path, axes: str | None, scenes: Sequence[str] | None) -> tuple[LazyImage, ...]:
        opener: Opener = importlib.import_module(f"muguet.formats.{module}").open_all
        return opener(path, axes, scenes)

    return open_all


def _write_by(module: str) -> Writer:
    def write(path: Path, images: Sequence[Image]) -> tuple[str, ...]:
        writer: Writer = importlib.import_module(f"muguet.formats.{module}").write
        return writer(path, images)

    return write


ZARR = "a Zarr store"
TIFF_SUFFIXES = (".tif", ".tiff", ".btf", ".tf2", ".tf8")  # .ome.tif and .ome.tiff have these endings too.
FORMATS = (
    Format(
        "a TIFF",
        _by_start(identify.is_tiff),
        tiff.open_all,
        TIFF_SUFFIXES,
        tiff.write,
        members=tiff.members,
        read=tiff.read,
    ),
    Format(
        ZARR,
        lambda path, start: is_zarr(path) or (start.startswith(b"PK\x03\x04") and is_zipped_zarr(path)),
        _from("ome_zarr.store"),
        (".zarr",),
        _write_by("ome_zarr.write"),
        package="zarr",
        extra="zarr",
    ),
    Format("a NumPy array", _by_start(identify.is_npy), numpy_file.open_all),
    Format("a Nikon ND2 image", _by_start(identify.is_nd2), _from("vendor.nikon")),
    Format("a Leica LIF image", _by_start(identify.is_lif), _from("vendor.leica")),
    Format("a Zeiss CZI image", _by_start(identify.is_czi), _from("vendor.zeiss")),
    Format("an Imaris image", _by_start(identify.is_ims), _from("vendor.imaris")),
    Format(
        "an MRC image",
        _by_start(identify.is_mrc),
        _from("vendor.mrc"),
        (".mrc", ".map", ".ccp4", ".mrcs"),
        _write_by("vendor.mrc"),
        package="mrcfile",
        extra="formats",
    ),
    Format("a NIfTI image", _by_start(identify.is_nifti), _from("vendor.nifti")),
)
OTHER = Format("an image of another format", lambda path, start: False, _from("vendor.other"))
"""A file that only a plug-in of bioio may read; it is recognised by none of its bytes."""
