"""Name the axes of an image in a TIFF: those of the file, those that muguet wrote, or those of the user."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy.typing as npt

from muguet.errors import MuguetError
from muguet.formats.tiff_scenes import Scene
from muguet.formats.tiff_stored import Arrangement
from muguet.image.axes import LETTERS, parse

_COLOURS = frozenset((2, 5, 6, 8))  # PhotometricInterpretation is RGB, CMYK, YCbCr or CIELAB.


def stored_axes_of(scene: Scene) -> str:
    """Return the axes of a scene, where samples that are not colours are channels."""
    axes = scene.own_axes
    if int(scene.series[0].keyframe.photometric) not in _COLOURS and "C" not in axes:
        return axes.replace("S", "C")
    return axes


def axes_still_valid(stored: str, written: str) -> bool:
    """Return True if the axes that muguet wrote still describe a file that another program may have changed."""
    try:
        return set(stored) <= set(parse(written))
    except MuguetError:
        return False


def restored(shape: tuple[int, ...], stored: str, written: str) -> tuple[Arrangement, str]:
    """Return how data with axes `stored` get the axes `written`, including axes of size one, and these axes."""
    axes = parse(written)
    order = tuple(stored.index(letter) for letter in axes if letter in stored)
    result = tuple(shape[stored.index(letter)] if letter in stored else 1 for letter in axes)
    return Arrangement(shape, order, result), axes


def checked(override: str, data: npt.NDArray[Any], stored: str, path: Path) -> str:
    """Return the axes that the user gave, after a check."""
    try:
        return parse(override, data.ndim)
    except MuguetError as error:
        raise MuguetError(f"{error} ({path} has shape {data.shape} and was read as {stored})") from None


def named(
    shape: tuple[int, ...], stored: str, override: str | None, path: Path, notes: list[str]
) -> tuple[Arrangement, str]:
    """Return how data get axes whose letters are all in TCZYXS, and these letters."""
    same = Arrangement(shape, tuple(range(len(shape))), shape)
    if override is not None:
        return same, stored
    if not {"Y", "X"} <= set(stored):
        raise MuguetError(
            f"{path} lacks rows Y or columns X; its axes are {stored}, its shape is {shape}: "
            "name the axes, for example with --axes TYX"
        )
    unnamed = [letter for letter in stored if letter not in LETTERS]
    if not unnamed:
        return same, stored
    # All axes of unknown meaning are merged with time into one T axis, at the place of the first of them.
    series = [axis for axis, letter in enumerate(stored) if letter in unnamed or letter == "T"]
    rest = [axis for axis in range(len(stored)) if axis not in series]
    first = series[0]
    axes = (
        "".join(stored[axis] for axis in rest[:first]) + "T" + "".join(stored[axis] for axis in rest[first:])
    )
    notes.append(f"The axes {stored} of the file were read as {axes}.")
    merged = math.prod(shape[axis] for axis in series)
    result = (*(shape[axis] for axis in rest[:first]), merged, *(shape[axis] for axis in rest[first:]))
    return Arrangement(shape, (*rest[:first], *series, *rest[first:]), result), axes
