"""Images that belong together, file by file and frame by frame."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from muguet.errors import MuguetError

if TYPE_CHECKING:
    from muguet.image.axes import Layout
    from muguet.image.image import Image


def partners(files: list[Path], others: list[Path], name: str) -> list[Path]:
    """The image of `others`, files or folders, that belongs to each of `files`: by order of names, or one for all."""
    from muguet.cli.shared.paths import find

    found = find(others)
    if len(found) == 1:
        return found * len(files)
    if len(found) != len(files):
        raise MuguetError(
            f"{name} names {len(found)} images for {len(files)}: give one for each, or one for all"
        )
    return found


def layout_of(image: Image) -> Layout:
    """How an image is cut into planes ``(n, c, y, x)``; refuses what has no real pixel values."""
    from muguet.image.axes import Layout
    from muguet.image.values import require_real

    require_real(image.data, str(image.path))
    return Layout(image.axes, image.data.shape)


def planes_like(path: Path, image: Image) -> npt.NDArray[Any]:
    """The planes ``(n, c, y, x)`` of a file that belong to those of `image`.

    A file of the same shape has the same axes, whatever it calls them. One plane of each channel serves all.
    """
    from muguet.formats.registry import read
    from muguet.image.axes import Layout

    other, wanted = read(path), layout_of(image)
    layout = layout_of(other)
    if layout.shape == wanted.shape:
        layout = Layout(wanted.axes, layout.shape)
    alike = (layout.channels, layout.space) == (wanted.channels, wanted.space)
    if not alike or layout.planes not in (1, wanted.planes):
        raise MuguetError(
            f"{image.path} ({wanted.axes}, {wanted.shape}) and {path} ({layout.axes}, {layout.shape}) do not match: "
            "give images of one shape, or one plane for all"
        )
    planes = layout.split(other.data)
    return np.broadcast_to(planes, (wanted.planes, *planes.shape[1:]))
