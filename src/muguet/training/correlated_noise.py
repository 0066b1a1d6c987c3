"""The neighbours that a mask hides with each pixel because their noise is correlated with its own."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from muguet.errors import MuguetError
from muguet.noise.correlated.whitening import Whitening
from muguet.noise.transfer.bins import Floats
from muguet.noise.transfer.correlation import LAGS, Correlation, mean_correlation
from muguet.training.patches import Plane

_MAX_PLANES = 16  # The correlation is measured on at most this many planes of a training set.
_MAX_SIDE = 1024  # Only the centre of a plane, of at most this many pixels along Y and X, is used.
_MAX_SLICES = 4  # At most this many slices of a stack are used.


def correlation(planes: Sequence[Plane]) -> Correlation | None:
    """Return the mean correlation of the noise of up to 16 planes, or None if it cannot be measured."""
    if not planes:
        return None
    return mean_correlation(_centre(plane) for plane in planes[:: -(-len(planes) // _MAX_PLANES)])


def mask_reach(found: Correlation | None, dimensions: int) -> tuple[int, ...]:
    """Return the number of neighbours on each side that a mask hides with each pixel, for each spatial axis."""
    reach = found.reach if found is not None else (0, 0)
    return (0,) * (dimensions - 2) + reach


def parse(mask: str, dimensions: int = 2) -> tuple[int, ...] | None:
    """Return the reach of a mask, for each spatial axis, from the text that the user gave.

    Parameters
    ----------
    mask
        "auto": return None, and the reach is measured; "pixel": hide no neighbours; or axes with the number of
        neighbours to hide on each side, such as "x1", "y2" or "x1y1".
    dimensions
        Number of spatial dimensions.

    Raises
    ------
    MuguetError
        If the text is another, or a number of neighbours is too large.
    """
    if mask == "auto":
        return None
    reach = {"y": 0, "x": 0}
    parts = re.findall(r"([xy])(\d)", mask.lower())
    if mask != "pixel" and (not parts or "".join(axis + far for axis, far in parts) != mask.lower()):
        raise MuguetError(
            f"--mask {mask} is not known: give auto, pixel, or axes with the number of neighbours to hide on "
            "each side, as in x1 or x2y1"
        )
    for axis, far in parts:
        if int(far) > LAGS:
            raise MuguetError(f"--mask {mask} hides too many neighbours: give at most {LAGS} on each side")
        reach[axis] = int(far)
    return (0,) * (dimensions - 2) + (reach["y"], reach["x"])


def describe(
    found: Correlation | None,
    reach: Sequence[int],
    chosen: bool,
    whitenings: Sequence[Whitening | None] = (),
    white: bool = False,
) -> str:
    """Return sentences for the user on correlated noise and the mask; an empty text if the noise is independent.

    Parameters
    ----------
    found
        The measured correlation; None if it could not be measured.
    reach
        Number of neighbours on each side that the mask hides, for each spatial axis.
    chosen
        Whether the user chose the mask.
    whitenings
        The whitening of each channel; empty: there is none.
    white
        Whether the noise of the training set is taken for independent from pixel to pixel.
    """
    if any(whitenings):
        return " ".join(
            f"{f'Channel {number}: ' * (len(whitenings) > 1)}{each.kernel.sentence()} It is removed: the image is "
            "filtered so that its noise is independent from pixel to pixel, denoised, and filtered back "
            "(--mask pixel switches this off)."
            for number, each in enumerate(whitenings)
            if each
        )
    sentence = found.sentence() if found is not None else ""
    if found is None or not sentence or found.lines:
        return sentence
    if white and any(found.reach):
        return (
            "Neighbouring pixels look as if they shared noise, but fine structure of the scene may look the same. The "
            "noise is taken for independent from pixel to pixel (--mask x1y1 hides neighbours instead)."
        )
    if chosen:
        return f"{sentence} The mask is the one you chose."
    hidden = " and ".join(
        f"{far} neighbour{'s' * (far > 1)} on each side along {axis}"
        for axis, far in zip("YX", reach[-2:], strict=True)
        if far
    )
    if not hidden:
        return f"{sentence} The mask of this recipe hides no neighbours."
    return f"{sentence} The mask also hides {hidden} (--mask overrides)."


def _centre(plane: Plane) -> Floats:
    """The centre of a plane ``(n, y, x)``, in which saturated and missing pixels are NaN."""
    *_, height, width = plane.values.shape
    down, across = (
        slice(max(0, (size - _MAX_SIDE) // 2), max(0, (size - _MAX_SIDE) // 2) + _MAX_SIDE)
        for size in (height, width)
    )
    values, trusted = (
        each.reshape(-1, height, width)[:, down, across] for each in (plane.values, plane.trusted)
    )
    every = -(-len(values) // _MAX_SLICES)
    return np.where(trusted[::every], values[::every], np.nan).astype(np.float64)
