"""The names of results: what ends the name of an image, and in which format its result is stored."""

from __future__ import annotations

import re
from pathlib import Path

_TIFF = re.compile(r"(\.ome)?\.(tiff?|btf|tf2|tf8)$", re.IGNORECASE)
_ZARR = re.compile(r"(\.ome)?\.zarr$", re.IGNORECASE)
_MRC = re.compile(r"\.(mrc|map|ccp4|mrcs)$", re.IGNORECASE)
# Results of these formats, which are only read, are stored as OME-TIFF.
_CONVERTED = re.compile(r"\.(nd2|lif|czi|ims|npy|nii(\.gz)?)$", re.IGNORECASE)

OME_TIFF = ".ome.tif"


def stem(name: str) -> str:
    """Return a name without the ending of an image, such as .tif, .ome.tif or .nd2; other endings belong to it."""
    for ending in (_TIFF, _ZARR, _MRC, _CONVERTED):
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
    if path.is_dir():
        return ".ome.zarr"
    return OME_TIFF if _CONVERTED.search(name) else ".tif"


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
