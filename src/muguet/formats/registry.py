"""The file formats that can be read and written, and functions to read and write a file of any of them.

A file holds one or more images, called scenes: positions of a stage, fields of a plate, images of a series.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from muguet.errors import MuguetError
from muguet.formats import identify
from muguet.formats.kinds import FORMATS, OTHER, TIFF_SUFFIXES, ZARR, Format
from muguet.formats.lazy import ArrayTarget, LazyImage, Target
from muguet.formats.network import address_of
from muguet.formats.vendor import other
from muguet.image.image import Image
from muguet.system.atomic import check_writable, reason
from muguet.system.extras import check_installed
from muguet.system.folders import check_writable_folder
from muguet.system.mapped import mapped_file

SUFFIXES = tuple(suffix for each in FORMATS for suffix in each.suffixes)
READABLE = ".tif, .tiff, .ome.tif or .ome.zarr"


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
    reader = _format_of(path).read
    if reader is not None:
        return reader(path, axes, [str(scene) for scene in scenes or ()] or None)
    return tuple(image.load() for image in open_all(path, axes, scenes))


def open_all(
    path: Path | str, axes: str | None = None, scenes: Iterable[str | int] | None = None
) -> tuple[LazyImage, ...]:
    """Open all images of a file without reading their pixels, see `read_all`.

    Raises
    ------
    MuguetError
        As `read`.
    """
    path = Path(path)
    wanted = [str(scene) for scene in scenes or ()] or None
    found = _format_of(path)
    try:
        return found.open(path, axes, wanted)
    except MuguetError:
        raise
    except MemoryError as error:
        raise MuguetError(
            f"{path} does not fit into memory: close other programs, or crop the image"
        ) from error
    except Exception as error:  # Damaged files raise nearly any exception in libraries and codecs.
        raise MuguetError(
            f"{path} is {found.name} that is damaged or truncated: copy it again from where it was recorded "
            f"({reason(error)})"
        ) from error


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
    """Return True if a file, or a folder of Zarr, is of a known format by its content, whatever its name."""
    try:
        return _known(path) is not None
    except MuguetError:
        return False


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
    found = _format_to_write(path)
    assert found is not None  # `check_output` has refused other names.
    assert found.write is not None
    return found.write(path, images)


@contextlib.contextmanager
def streaming(
    path: Path | str, images: Sequence[Image], overwrite: bool = False
) -> Iterator[tuple[Sequence[Target], list[str]]]:
    """Yield targets to which the pixels of images are written part by part; the file is complete afterwards.

    A file of another format than Zarr is written from a temporary file in the same folder that holds the pixels.

    Parameters
    ----------
    path, overwrite
        See `write`.
    images
        The images, of which everything but the pixels is used.

    Yields
    ------
    targets, lost
        One target for each image, and a list that receives the sentences that `write` returns.
    """
    path = Path(path)
    check_output(path, overwrite)
    if path.suffix.lower() == ".zarr":
        from muguet.formats.ome_zarr.write import creating

        with creating(path, images) as (stores, lost):
            yield stores, lost
        return
    lost = []
    with contextlib.ExitStack() as stack:
        arrays = [
            stack.enter_context(mapped_file(path.parent, image.data.shape, image.data.dtype))
            for image in images
        ]
        yield [ArrayTarget(array) for array in arrays], lost
        filled = [replace(image, data=array) for image, array in zip(images, arrays, strict=True)]
        lost += write(path, filled, overwrite)


def check_output(path: Path | str, overwrite: bool = False) -> None:
    """Check that `path` can be written, and create its folder; call this before a long computation.

    Raises
    ------
    MuguetError
        If the name has another ending than `SUFFIXES`, the package that writes such files is not installed, the file
        exists and `overwrite` is False, or the folder is not writable.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    found = _format_to_write(path)
    if found is None:
        raise MuguetError(f"{path} cannot be written: choose a name that ends in {READABLE}")
    if found.package:
        check_installed(found.extra, (found.package,), f"{path}, the name of {found.name},")
    if suffix == ".zarr":
        check_writable_folder(path, overwrite)
    else:
        check_writable(path, overwrite, "image" if suffix in TIFF_SUFFIXES else "mrc")


def _format_to_write(path: Path) -> Format | None:
    return next((each for each in FORMATS if path.suffix.lower() in each.suffixes), None)


def _known(path: Path) -> Format | None:
    """Return the format of a file or of a folder of Zarr; None if it is of another kind, or missing."""
    start = identify.start_of(path) if path.is_file() else b""
    return next((each for each in FORMATS if each.recognises(path, start)), None)


def _format_of(path: Path) -> Format:
    if address_of(path) is not None:
        return next(each for each in FORMATS if each.name == ZARR)
    if not path.exists():
        raise MuguetError(f"{path} does not exist: check the name")
    found = _known(path)
    if found is None and path.is_dir():
        raise MuguetError(f"{path} is a folder: give an image in it")
    if found is None:
        start = identify.start_of(path)
        if identify.may_be_image(start):
            if other.is_installed():
                return OTHER
            raise identify.refusal(path, start, READABLE, ", or install bioio with the plug-in that reads it")
        raise identify.refusal(path, start, READABLE)
    return found
