"""The file formats that can be read and written, and functions to read and write a file of any of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from muguet.errors import MuguetError
from muguet.formats import tiff
from muguet.image.image import Image
from muguet.system.atomic import check_writable


@dataclass(frozen=True)
class Format:
    """A file format: its file name endings and its functions.

    Attributes
    ----------
    suffixes
        File name endings in lower case, with the dot.
    read
        Returns the image at a path; the second argument replaces the axes in the file, or is None.
    write
        Writes an image to a path, completely or not at all.
    """

    suffixes: tuple[str, ...]
    read: Callable[[Path, str | None], Image]
    write: Callable[[Path, Image], None]


FORMATS = (
    Format((".tif", ".tiff"), tiff.read, tiff.write),
)  # .ome.tif and .ome.tiff have these endings too.
SUFFIXES = tuple(suffix for each in FORMATS for suffix in each.suffixes)
READABLE = ".tif, .tiff or .ome.tif"


def read(path: Path | str, axes: str | None = None) -> Image:
    """Read an image with its axes and pixel size; the ending of its name gives the format.

    Parameters
    ----------
    path
        A file whose name ends in one of `SUFFIXES`, in upper or lower case.
    axes
        Axes that replace those in the file, one letter of TCZYXS for each; None: use those in the file.

    Returns
    -------
    Image
        Its data have the dtype of the file and the machine's byte order.

    Raises
    ------
    MuguetError
        If the file is missing, is not an image, is damaged or truncated, or has an unsupported dtype or axes.
    """
    path = Path(path)
    if path.is_dir():
        raise MuguetError(f"{path} is a folder: give an image in it")
    if not path.exists():
        raise MuguetError(f"{path} does not exist: check the name")
    found = _format_of(path)
    if found is None:
        raise MuguetError(f"{path} has a format that muguet cannot read yet: convert it to {READABLE}")
    return found.read(path, axes)


def write(path: Path | str, image: Image, overwrite: bool = False) -> None:
    """Write an image, completely or not at all; `read` returns the same data, axes and pixel size.

    Parameters
    ----------
    path
        A file name that ends in one of `SUFFIXES`; missing folders are created.
    image
        The image to write.
    overwrite
        Whether to replace an existing file.

    Raises
    ------
    MuguetError
        If the file exists and `overwrite` is False, its folder is not writable, or the format cannot store the image.
    """
    path = Path(path)
    check_output(path, overwrite)
    found = _format_of(path)
    assert found is not None  # `check_output` raises an error for any other ending.
    found.write(path, image)


def check_output(path: Path | str, overwrite: bool = False) -> None:
    """Check that `path` can be written, and create its folder; call this before a long computation.

    Raises
    ------
    MuguetError
        If the name has another ending than `SUFFIXES`, the file exists and `overwrite` is False, or the folder is
        not writable.
    """
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise MuguetError(f"{path} cannot be written: choose a name that ends in {READABLE}")
    check_writable(path, overwrite, "image")


def _format_of(path: Path) -> Format | None:
    return next((each for each in FORMATS if path.suffix.lower() in each.suffixes), None)
