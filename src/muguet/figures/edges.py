"""The strongest edge of a plane, and the profile of planes across it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from muguet.figures.style import Floats
from muguet.figures.views import contrast

_SIDE = (
    9  # Gradients are averaged over this many pixels in each direction, so that spots and noise do not count.
)
_REACH = 12  # A profile extends over this many pixels on either side of the edge.
_STEP = 0.5  # Distance of the points of a profile, in pixels.
_ACROSS = 2  # A profile is the mean of this many parallel lines on either side of it, one pixel apart.


@dataclass(frozen=True)
class Edge:
    """A straight line across an edge, from its dark to its bright side.

    Attributes
    ----------
    centre
        Row and column of the edge, in pixels.
    direction
        Unit vector ``(y, x)`` along the line, towards the bright side.
    """

    centre: tuple[float, float]
    direction: tuple[float, float]

    @property
    def ends(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Row and column of the dark and of the bright end of the line."""
        (y, x), (dy, dx) = self.centre, self.direction
        return (y - _REACH * dy, x - _REACH * dx), (y + _REACH * dy, x + _REACH * dx)


def strongest_edge(plane: Floats) -> Edge | None:
    """Return the line across the strongest straight edge of a plane ``(Y, X)``.

    This is where the mean of the gradient over 9×9 pixels is largest. The gradients on opposite sides of a small spot
    cancel in the mean, and values beyond the 0.1th and the 99.5th percentile are clipped, so that spots are not taken
    for edges.

    Returns
    -------
    Edge or None
        None if the plane is constant, or has no place 12 pixels away from its border and from missing pixels (NaN).
    """
    if min(plane.shape) <= 2 * _REACH + 2:
        return None
    with np.errstate(invalid="ignore"):
        clipped = np.clip(plane, *contrast(plane, 0.1, 99.5))
        gradients = [_box_mean(np.gradient(clipped, axis=axis)) for axis in (0, 1)]
    strength = np.hypot(*gradients)
    usable = np.zeros(plane.shape, bool)
    inside = _REACH + 1
    usable[inside:-inside, inside:-inside] = True
    missing = ~np.isfinite(plane)
    if missing.any():
        usable &= ~(_box_mean(missing.astype(np.float64), 2 * inside + 1) > 1e-9)
    strength = np.where(usable & np.isfinite(strength), strength, 0.0)
    y, x = np.unravel_index(int(strength.argmax()), plane.shape)
    most = float(strength[y, x])
    if most <= 1e-6 * float(np.nanmax(np.abs(plane))):
        return None
    dy, dx = (float(each[y, x]) / most for each in gradients)
    position, values = profile(plane, Edge((float(y), float(x)), (dy, dx)))
    near = (
        np.abs(position) <= _SIDE // 2
    )  # The mean over pixels also shifts the place; this is where it is steepest.
    shift = float(position[near][np.gradient(values)[near].argmax()])
    return Edge((y + shift * dy, x + shift * dx), (dy, dx))


def profile(plane: Floats, edge: Edge) -> tuple[Floats, Floats]:
    """Return the values of a plane ``(Y, X)`` along the line across an edge.

    Returns
    -------
    position, values
        Pixels from the edge, negative on its dark side, and the mean of five parallel lines, one pixel apart, with
        bilinear interpolation.
    """
    position = np.arange(-_REACH, _REACH + _STEP / 2, _STEP)
    aside = np.arange(-_ACROSS, _ACROSS + 1.0)[:, None]
    (y, x), (dy, dx) = edge.centre, edge.direction
    return position, _interpolated(
        plane, y + position * dy - aside * dx, x + position * dx + aside * dy
    ).mean(0)


def steepest(position: Floats, values: Floats) -> float:
    """Return the largest slope of a profile, over two pixels, in counts per pixel."""
    over = round(2 / (position[1] - position[0]))
    return float(np.max((values[over:] - values[:-over]) / (position[over:] - position[:-over])))


def _interpolated(plane: Floats, y: Floats, x: Floats) -> Floats:
    """Return values between the pixels of a plane by bilinear interpolation; outside it, those of its border."""
    top = np.clip(np.floor(y).astype(int), 0, plane.shape[0] - 2)
    left = np.clip(np.floor(x).astype(int), 0, plane.shape[1] - 2)
    down, right = np.clip(y - top, 0, 1), np.clip(x - left, 0, 1)
    upper = (1 - right) * plane[top, left] + right * plane[top, left + 1]
    lower = (1 - right) * plane[top + 1, left] + right * plane[top + 1, left + 1]
    found: Floats = (1 - down) * upper + down * lower
    return found


def _box_mean(plane: Floats, side: int = _SIDE) -> Floats:
    """Return the mean over the square of `side` pixels around each pixel; NaN pixels make their square NaN."""
    means: npt.NDArray[np.float64] = np.asarray(plane, np.float64)
    for axis in (0, 1):
        pad = [(side // 2, side // 2) if each == axis else (0, 0) for each in (0, 1)]
        windows = np.lib.stride_tricks.sliding_window_view(np.pad(means, pad, mode="edge"), side, axis)
        means = windows.mean(-1)
    return means
