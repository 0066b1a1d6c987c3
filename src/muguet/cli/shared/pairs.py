"""Pair images that belong together, file by file and plane by plane."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from muguet.cli.shared.display import warn
from muguet.errors import MuguetError

if TYPE_CHECKING:
    from muguet.image.axes import Layout
    from muguet.image.image import Image


def partners(files: list[Path], others: list[Path], name: str) -> list[Path]:
    """Return the image from `others` (files or folders) that belongs to each of `files`, or one image for all.

    Images are paired in order: files as given, files of a folder sorted by name. `name` is the option in the message.
    """
    from muguet.cli.shared.paths import find

    found = find(others)
    if len(found) == 1:
        return found * len(files)
    if len(found) != len(files):
        raise MuguetError(
            f"{name} has {len(found)} images for {len(files)} inputs: give one for each, or one for all"
        )
    return found


def layout_of(image: Image) -> Layout:
    """Return how to split an image into planes ``(n, c, y, x)``; raise an error if its pixels are not real numbers."""
    from muguet.image.axes import Layout
    from muguet.image.values import require_real

    require_real(image.data, str(image.path))
    return Layout(image.axes, image.data.shape)


def planes_like(path: Path, image: Image, *, strict: bool = True) -> npt.NDArray[Any]:
    """Return the planes ``(n, c, y, x)`` of a file, one for each plane of `image`.

    A file of the same shape is assumed to have the same axes, even if it names them differently. If the file has
    one plane for each channel, this plane is repeated for all planes of `image`. A doubt that both show the same scene
    is shown as a warning, and so is, if not `strict`, that they do not.

    Raises
    ------
    MuguetError
        If the shapes do not match, or the two do not show the same scene.
    """
    from muguet.formats.registry import read
    from muguet.image.axes import Layout
    from muguet.noise.pairing import require_pairs

    other, wanted = read(path), layout_of(image)
    layout = layout_of(other)
    if layout.shape == wanted.shape:
        layout = Layout(wanted.axes, layout.shape)
    alike = (layout.channels, layout.space) == (wanted.channels, wanted.space)
    if not alike or layout.planes not in (1, wanted.planes):
        raise MuguetError(
            f"{image.path} ({wanted.axes}, {wanted.shape}) and {path} ({layout.axes}, {layout.shape}) do not match: "
            "give images of the same shape, or one plane for all"
        )
    own, planes = wanted.split(image.data), layout.split(other.data)
    for c in range(layout.channels):
        try:
            doubts = require_pairs(own[:, c], planes[:, c])
        except MuguetError as error:
            if strict:
                raise MuguetError(f"{image.path} and {path}: {error}") from error
            warn(f"{image.path} and {path}: {error}")
            continue
        for doubt in doubts:
            warn(f"{image.path} and {path}: {doubt}")
    return np.broadcast_to(planes, (wanted.planes, *planes.shape[1:]))
