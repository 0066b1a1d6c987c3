"""The images of one file: the option that names one, their names in messages, and their clean images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy.typing as npt
import typer

from muguet.errors import MuguetError

if TYPE_CHECKING:
    from muguet.image.image import Image


OneScene = Annotated[
    str | None,
    typer.Option(
        help="Name or number (from 0) of the image in a file that holds several.", show_default="the first"
    ),
]


def label(image: Image) -> str:
    """Return the path of an image, with its name if its file may hold several."""
    several = image.source is not None and image.name
    return f"{image.path} ({image.name})" if several else str(image.path)


def targets_of(images: Sequence[Image], clean: Path, axes: str | None) -> tuple[npt.NDArray[Any], ...]:
    """Return the clean image for each image of a file: those of a file of as many images, or one for all."""
    from muguet.formats.registry import read_all

    found = read_all(clean, axes)
    if len(found) not in (1, len(images)):
        raise MuguetError(
            f"{clean} has {len(found)} images for the {len(images)} of {images[0].path}: "
            "give a file with one clean image for each, or one for all"
        )
    return tuple(each.data for each in (found if len(found) > 1 else found * len(images)))
