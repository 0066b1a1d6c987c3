"""Keep together the images of one file, which are denoised one by one and written to one file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from muguet.cli.shared.options import Choices
from muguet.cli.shared.pairs import partners
from muguet.errors import MuguetError

if TYPE_CHECKING:
    from muguet.image.image import Image


def by_file(images: Sequence[Image]) -> list[list[Image]]:
    """Return the images in lists, one for each file, in the order of the files."""
    files: dict[Path | None, list[Image]] = {}
    for image in images:
        files.setdefault(image.path, []).append(image)
    return list(files.values())


def label(image: Image) -> str:
    """Return the path of an image, with its name if its file may hold several."""
    several = image.source is not None and image.name
    return f"{image.path} ({image.name})" if several else str(image.path)


def targets_of(images: Sequence[Image], choices: Choices) -> list[npt.NDArray[Any] | None]:
    """Return the clean image for each image: files are paired in their order, and so are the images in them."""
    from muguet.formats.registry import read_all

    files = by_file(images)
    clean = partners([file[0].path for file in files if file[0].path], choices.clean or [], "--clean")
    targets: list[npt.NDArray[Any] | None] = []
    for file, path in zip(files, clean, strict=True):
        found = read_all(path, choices.axes)
        if len(found) not in (1, len(file)):
            raise MuguetError(
                f"{path} has {len(found)} images for the {len(file)} of {file[0].path}: "
                "give a file with one clean image for each, or one for all"
            )
        targets += [each.data for each in (found if len(found) > 1 else found * len(file))]
    return targets
