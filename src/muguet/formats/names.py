"""The names of results: what ends the name of an image, and in which format its result is stored."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

from muguet.errors import MuguetError
from muguet.formats.network import address_of
from muguet.formats.registry import open_all

_TIFF = re.compile(r"(\.ome)?\.(tiff?|btf|tf2|tf8)$", re.IGNORECASE)
_ZARR = re.compile(r"(\.ome)?\.zarr$", re.IGNORECASE)
_ZIPPED = re.compile(r"(\.ome)?(\.zarr\.zip|\.ozx)$", re.IGNORECASE)  # Their results are stores in folders.
_MRC = re.compile(r"\.(mrc|map|ccp4|mrcs)$", re.IGNORECASE)
# Results of these formats, which are only read, are stored as OME-TIFF.
_CONVERTED = re.compile(
    r"\.(nd2|lif|czi|ims|npy|nii(\.gz)?|dv|oib|oif|vsi|sldy|zvi|png|jpe?g|bmp|gif)$", re.IGNORECASE
)

OME_TIFF, OME_ZARR = ".ome.tif", ".ome.zarr"
MAX_TIFF = 2**32 - 2**25
"""A TIFF holds less than this number of bytes of pixels, and a larger one (BigTIFF) is not read by every program."""
_COMPRESSION = 16  # A smaller file cannot hold an image of this many times its size.


def stem(name: str) -> str:
    """Return a name without the ending of an image, such as .tif, .ome.tif or .nd2; other endings belong to it."""
    for ending in (_TIFF, _ZARR, _ZIPPED, _MRC, _CONVERTED):
        found = ending.search(name)
        if found:
            return name[: found.start()]
    return name


def ending(path: Path) -> str:
    """Return the ending of the result for an input: its own where this format is written, otherwise that of a TIFF."""
    name = path.name
    for own in (_TIFF, _ZARR, _MRC):
        found = own.search(name)
        if found:
            return found.group()
    if path.is_dir() or _ZIPPED.search(name) or address_of(path) is not None:
        return OME_ZARR
    if _CONVERTED.search(name):
        return OME_ZARR if _exceeds_tiff(path) else OME_TIFF
    return ".tif"


def _exceeds_tiff(path: Path) -> bool:
    """Return True if the result of a file is larger than a TIFF can be, and OME-Zarr can be written."""
    if importlib.util.find_spec("zarr") is None:
        return False
    try:
        if path.stat().st_size * _COMPRESSION < MAX_TIFF:
            return False
        return sum(image.nbytes for image in open_all(path)) > MAX_TIFF
    except (MuguetError, OSError):  # The same error is raised again when the file is read.
        return False


def result_name(name: str, path: Path) -> str:
    """Return the name of a result in an output folder: cells.tif stays, cells.nd2 becomes cells.ome.tif.

    Parameters
    ----------
    name
        Name of the input, with folders or without.
    path
        The input.
    """
    base = name if stem(path.name) == path.name else stem(name)
    return base + ending(path)
