"""Which neighbours are hidden with a pixel: none, unless they share its noise."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from muguet.errors import MuguetError
from muguet.noise.transfer.bins import Floats
from muguet.noise.transfer.correlation import LAGS, Correlation, mean_correlation
from muguet.training.patches import Plane

_PLANES = 16  # of a training set, at most, and of each its middle
_SIDE = 1024  # pixels


def correlation(planes: Sequence[Plane]) -> Correlation | None:
    """Correlation of the noise of some of the planes, the mean over them; None where nothing can be measured."""
    if not planes:
        return None
    return mean_correlation(_middle(plane) for plane in planes[:: -(-len(planes) // _PLANES)])


def hidden(found: Correlation | None, dimensions: int) -> tuple[int, ...]:
    """How many neighbours on either side a mask hides with each pixel, axis by axis."""
    reach = found.reach if found is not None else (0, 0)
    return (0,) * (dimensions - 2) + reach


def parse(mask: str, dimensions: int = 2) -> tuple[int, ...] | None:
    """What `--mask` says: "auto" (None), "pixel", or axes and how far along each: "x1", "y2", "x1y1".

    Raises
    ------
    MuguetError
        If it says something else.
    """
    if mask == "auto":
        return None
    reach = {"y": 0, "x": 0}
    parts = re.findall(r"([xy])(\d)", mask.lower())
    if mask != "pixel" and (not parts or "".join(axis + far for axis, far in parts) != mask.lower()):
        raise MuguetError(
            f"--mask {mask} is not known: give auto, pixel, or the axis along which noise is correlated and how far "
            "it reaches, as x1 or x2y1"
        )
    for axis, far in parts:
        if int(far) > LAGS:
            raise MuguetError(f"--mask {mask} hides too much: at most {LAGS} pixels on either side")
        reach[axis] = int(far)
    return (0,) * (dimensions - 2) + (reach["y"], reach["x"])


def told(found: Correlation | None, reach: Sequence[int], chosen: bool) -> str:
    """A sentence for the user on correlated noise and what the mask does about it, or nothing.

    `chosen`: the user chose the mask.
    """
    sentence = found.sentence() if found is not None else ""
    wide = " and ".join(f"{far} along {axis}" for axis, far in zip("YX", reach[-2:], strict=True) if far)
    if chosen:
        return f"{sentence} The mask is as you chose it." if sentence else ""
    if not sentence:
        return ""
    return (
        f"{sentence} So many neighbours on either side are hidden with each pixel: {wide} (--mask overrides)."
    )


def _middle(plane: Plane) -> Floats:
    """The middle of a plane ``(n, y, x)``, clipped and missing pixels NaN."""
    values = np.where(plane.trusted, plane.values, np.nan).astype(np.float64)
    values = values.reshape(-1, *values.shape[-2:])
    values = values[:: -(-len(values) // 4)]
    corner = [max(0, (size - _SIDE) // 2) for size in values.shape[-2:]]
    return values[:, corner[0] : corner[0] + _SIDE, corner[1] : corner[1] + _SIDE]
