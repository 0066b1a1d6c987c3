"""Take the images that a Python program gives as arrays, or as the paths of files and folders."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from muguet.errors import MuguetError
from muguet.formats.registry import is_image, read_all, without_members

ImageLike: TypeAlias = npt.ArrayLike | os.PathLike[str]
"""An array, or the path of a file or a folder."""


@dataclass(frozen=True, eq=False)
class Given:
    """An image that was given: its pixels, its axes if they are known, and its path or an empty string."""

    array: npt.NDArray[Any]
    axes: str | None
    name: str = ""


def given(images: ImageLike | Sequence[ImageLike], axes: str | None) -> list[Given]:
    """Return all images in arrays, files and folders; files are read with their axes, as on the command line.

    Parameters
    ----------
    images
        An array, the path of a file or a folder, or a list of these.
    axes
        Axes of all images; None: those in the files, and unknown for arrays.
    """
    found: list[Given] = []
    for each in images if isinstance(images, list | tuple) else [images]:
        if not isinstance(each, str | os.PathLike):
            found.append(Given(_pixels(each), axes))
            continue
        for path in _files(Path(each)):
            found += [Given(image.data, image.axes, str(path)) for image in read_all(path, axes)]
    return found


def given_one(image: ImageLike, axes: str | None) -> Given:
    """Return the image in an array or a file.

    Raises
    ------
    MuguetError
        If a file or a folder holds several images.
    """
    if not isinstance(image, str | os.PathLike):
        return Given(_pixels(image), axes)
    found = given(image, axes)
    if len(found) > 1:
        raise MuguetError(
            f"{os.fspath(image)} holds {len(found)} images, and this function takes one: "
            "read them with muguet.formats.read_all and give the data of each"
        )
    return found[0]


def _pixels(image: object) -> npt.NDArray[Any]:
    """Return an array, with its mask if it has one."""
    return np.ma.masked_array(image) if isinstance(image, np.ma.MaskedArray) else np.asarray(image)


def _files(path: Path) -> list[Path]:
    """Return the images in a folder, or the file."""
    if not path.is_dir() or is_image(path):  # A store of Zarr is a folder that is one image or several.
        return [path]
    names = sorted(each for each in path.iterdir() if not each.name.startswith(".") and is_image(each))
    if not names:
        raise MuguetError(f"the folder {path} holds no image")
    return without_members(names)
