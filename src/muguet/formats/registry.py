"""The file formats that can be read and written, and functions to read and write a file of any of them.

A file holds one or more images, called scenes: positions of a stage, fields of a plate, images of a series.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from muguet.errors import MuguetError
from muguet.formats import tiff
from muguet.formats.identify import is_tiff, refusal, start_of
from muguet.image.image import Image
from muguet.system.atomic import check_writable


@dataclass(frozen=True)
class Format:
    """A file format: how its files are recognised, and its functions.

    Attributes
    ----------
    suffixes
        File name endings in lower case, with the dot, of the files that are written.
    recognises
        Returns True for the first bytes of a file of this format.
    read
        Returns the images of a file. The second argument replaces the axes in the file, or is None; the third holds
        the names or numbers of the images to read, or is None for all that look like the data.
    write
        Writes images to one file, completely or not at all, and returns sentences about metadata that it cannot hold.
    members
        Returns all files that are read together with a file, itself first.
    """

    suffixes: tuple[str, ...]
    recognises: Callable[[bytes], bool]
    read: Callable[[Path, str | None, Sequence[str] | None], tuple[Image, ...]]
    write: Callable[[Path, Sequence[Image]], tuple[str, ...]]
    members: Callable[[Path], tuple[Path, ...]]


FORMATS = (
    Format((".tif", ".tiff", ".btf", ".tf2", ".tf8"), is_tiff, tiff.read, tiff.write, tiff.members),
)  # .ome.tif and .ome.tiff have these endings too.
SUFFIXES = tuple(suffix for each in FORMATS for suffix in each.suffixes)
READABLE = ".tif, .tiff or .ome.tif"


def read(path: Path | str, axes: str | None = None, scene: str | int | None = None) -> Image:
    """Read one image with its axes and pixel size; the first bytes of the file give the format.

    Parameters
    ----------
    path
        A file of a known format, with any name.
    axes
        Axes that replace those in the file, one letter of TCZYXS for each; None: use those in the file.
    scene
        Name or number (from 0) of the image in a file that holds several; None: the first of those `read_all` returns.

    Returns
    -------
    Image
        Its data have the dtype of the file and the machine's byte order.

    Raises
    ------
    MuguetError
        If the file is missing, is not an image, is damaged or truncated, or has an unsupported dtype or axes, or there
        is no such scene.
    """
    images = read_all(path, axes, None if scene is None else [str(scene)])
    if len(images) == 1:
        return images[0]
    only = "Only the first of them is used; --scene chooses another one."
    return replace(images[0], notes=(*images[0].notes, only))


def read_all(
    path: Path | str, axes: str | None = None, scenes: Iterable[str | int] | None = None
) -> tuple[Image, ...]:
    """Read all images of a file: its positions or scenes.

    Frames that were written one by one are one image. Previews, labels and images unlike the others are left out, and
    named in the `notes` of the first image.

    Parameters
    ----------
    path, axes
        See `read`.
    scenes
        Names or numbers (from 0) of the images to read; None: all that look like the data.

    Raises
    ------
    MuguetError
        As `read`.
    """
    path = Path(path)
    wanted = [str(scene) for scene in scenes or ()] or None
    return _format_of(path).read(path, axes, wanted)


def members(path: Path | str) -> tuple[Path, ...]:
    """Return all files that are read together with a file, itself first: the files of a set hold one recording."""
    path = Path(path)
    return _format_of(path).members(path) if is_image(path) else (path,)


def without_members(paths: Iterable[Path]) -> list[Path]:
    """Return the files without those that are read together with an earlier one."""
    kept: list[Path] = []
    taken: set[Path] = set()
    for path in paths:
        if path.resolve() not in taken:
            kept.append(path)
            taken.update(member.resolve() for member in members(path))
    return kept


def is_image(path: Path) -> bool:
    """Return True if the first bytes of a file are those of a known format, whatever its name."""
    try:
        start = start_of(path) if path.is_file() else b""
    except MuguetError:
        return False
    return any(each.recognises(start) for each in FORMATS)


def write(path: Path | str, image: Image | Sequence[Image], overwrite: bool = False) -> tuple[str, ...]:
    """Write an image, or all images of a file; `read_all` returns the same data, axes and pixel size.

    Images that were read from a file are stored as they were in it, with all its metadata, as far as the format allows.

    Parameters
    ----------
    path
        A file name that ends in one of `SUFFIXES`; missing folders are created.
    image
        The image to write, or several for one file.
    overwrite
        Whether to replace an existing file.

    Returns
    -------
    tuple of str
        Sentences about metadata of the input that the file does not hold.

    Raises
    ------
    MuguetError
        If the file exists and `overwrite` is False, its folder is not writable, or the format cannot store the image.
    """
    path = Path(path)
    check_output(path, overwrite)
    images = [image] if isinstance(image, Image) else list(image)
    found = next(each for each in FORMATS if path.suffix.lower() in each.suffixes)
    return found.write(path, images)


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


def _format_of(path: Path) -> Format:
    if path.is_dir():
        raise MuguetError(f"{path} is a folder: give an image in it")
    if not path.exists():
        raise MuguetError(f"{path} does not exist: check the name")
    start = start_of(path)
    found = next((each for each in FORMATS if each.recognises(start)), None)
    if found is None:
        raise refusal(path, start, READABLE)
    return found
