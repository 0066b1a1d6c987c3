"""Find pixels that are not measurements: padding, blank planes, and values that stand for "no data"."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[np.generic]
Mask = npt.NDArray[np.bool_]

_BLOCK = 5  # Padding contains squares of this side in which every pixel has one value.
_RING = 1  # The surroundings of a region are the pixels up to this far from it.
_MAX_VALUES = 4  # At most this many values are tested as padding in one plane.
_MAX_PIXELS = 1_000_000  # The noise is measured in rows with about this many pixels.
_GROWTH = 16  # A region grows by this many pixels into corners that are too narrow for a square.
# In the surroundings of padding, the 10th percentile of the distances from its value is at least this part of the
# median. Where a scene fades into a clipped background, most distances are small and it is a tenth of this.
# The median is at least two standard deviations of the noise and three steps.
_MIN_CONTRAST = 0.3
# From two pixels beside padding to four, the median distance grows by less than this factor; at the blurred edge of a
# bright structure on a clipped background it grows by more.
_MAX_RISE = 1.25
_MAX_SHARE = (
    0.5  # In the surroundings of padding inside the histogram, fewer pixels than this have its value.
)
_GAP = 5.0  # A value this many standard deviations of the noise below all others is never a measurement.
_FAR = 1000.0  # "No data" lies this many times farther away than the range of all other values.


def unmeasured(planes: Sequence[Plane]) -> list[Mask | None]:
    """Return a mask of the pixels that are not measurements for each 2-D plane of a channel; None: all are.

    Noise makes neighbouring pixels differ. A square of 5×5 pixels of exactly one value is therefore no measurement,
    unless the image is clipped there or counts few photons. Two facts separate these from padding, such as the border
    of a mosaic, of a registered or of a deskewed image:

    - around padding, the values start at a distance from its value (0 beside a camera offset of 100), while a scene
      fades into a clipped or a photon-free background through all values between;
    - padding at a value inside the histogram cannot be clipping, as long as the noise is at least one step there.

    Saturation (a value at the top of the histogram) counts as padding only if it lies far above all others.
    A plane in which all pixels have one value is blank.

    Parameters
    ----------
    planes
        Planes ``(y, x)`` of real numbers. NaN and infinite pixels are ignored.
    """
    return [_of_plane(plane) for plane in planes]


def masked_outside(
    image: Plane, valid_range: tuple[float, float] | None = None, mask_value: float | None = None
) -> Plane:
    """Return an image as a masked array without values outside a range, or of one value; itself if both are None."""
    if valid_range is None and mask_value is None:
        return image
    mask = np.ma.getmaskarray(image).copy()
    values: npt.NDArray[np.floating] = np.ma.getdata(image)
    if valid_range is not None:
        with np.errstate(invalid="ignore"):
            mask |= (values < valid_range[0]) | (values > valid_range[1])
    if mask_value is not None:
        mask |= values == mask_value
    masked: Plane = np.ma.masked_array(values, mask)
    return masked


def is_blank(plane: Plane) -> bool:
    """Return True if all finite pixels of a plane have one value, or no pixel is finite."""
    if plane.dtype.kind != "f":
        return bool((plane == plane.flat[0]).all())
    finite = plane[np.isfinite(plane)]
    return finite.size == 0 or bool((finite == finite[0]).all())


def _of_plane(plane: Plane) -> Mask | None:
    if min(plane.shape) < _BLOCK:
        return None
    if is_blank(plane):
        return np.ones(plane.shape, bool) if np.isfinite(plane).any() else None
    found = _no_data(plane)
    known = np.isfinite(plane) if found is None else np.isfinite(plane) & ~found
    squares, border = _squares(plane), _border(plane)
    corner = plane[: squares.shape[0], : squares.shape[1]]
    values, counts = np.unique(corner[squares], return_counts=True)
    candidates = [values[i] for i in np.argsort(-counts, kind="stable")[:_MAX_VALUES]]
    candidates += [value for value in border if value not in candidates]
    for value in candidates:
        if not np.isfinite(value):
            continue
        region = _dilated_from_corner(squares & (corner == value), plane.shape)
        for rows, columns in border.get(value, ()):
            region[rows, columns] = True
        if _is_padding(plane, value, region, known):
            whole = _whole_region(plane, value, region, known)
            found = whole if found is None else found | whole
    return found


def _no_data(plane: Plane) -> Mask | None:
    """Return the pixels of a float plane with a repeated value that is absurdly far from all others, such as −1e30."""
    if plane.dtype.kind != "f":
        return None
    mask = np.zeros(plane.shape, bool)
    values = plane[np.isfinite(plane)].astype(np.float64)
    for sign in (1, -1):
        if values.size < 100:
            break
        edge = (values * sign).min() * sign
        rest = values[values != edge]
        if rest.size < 100 or values.size - rest.size < 2:
            continue
        low, high = np.percentile(rest, [0.1, 99.9]) * 1.0
        with np.errstate(over="ignore"):
            distance = min(abs(low - edge), abs(high - edge))
        if high > low and distance > _FAR * (high - low):
            mask |= plane == edge
            values = rest
    return mask if mask.any() else None


def _squares(plane: Plane) -> Mask:
    """Return True at the upper left pixel of each square of 5×5 pixels that have one value."""
    n = _BLOCK - 1
    along = plane[:, 1:] == plane[:, :-1]
    rows: Mask = along[:, : along.shape[1] - n + 1].copy()
    for i in range(1, n):
        rows &= along[:, i : along.shape[1] - n + 1 + i]
    height, width = plane.shape[0] - n, plane.shape[1] - n
    squares: Mask = rows[:height].copy()
    if not squares.any():
        return squares
    down = plane[1:, :width] == plane[:-1, :width]
    for i in range(1, _BLOCK):
        squares &= rows[i : i + height]
        squares &= down[i - 1 : i - 1 + height]
    return squares


def _dilated_from_corner(corners: Mask, shape: tuple[int, ...]) -> Mask:
    """Return the pixels of all squares with these upper left pixels."""
    height, width = corners.shape
    rows = np.zeros((height, shape[1]), bool)
    for i in range(_BLOCK):
        rows[:, i : i + width] |= corners
    region = np.zeros(shape, bool)
    for i in range(_BLOCK):
        region[i : i + height] |= rows
    return region


def _border(plane: Plane) -> dict[float, list[tuple[slice, slice]]]:
    """Return the rows and columns at the borders in which all pixels have one value, by this value."""
    everything = slice(None)
    found: dict[float, list[tuple[slice, slice]]] = {}
    for axis, lines in enumerate((plane, plane.T)):
        for backwards in (False, True):
            ordered = lines[::-1] if backwards else lines
            value, width = ordered[0, 0], 0
            while width < len(ordered) and bool((ordered[width] == value).all()):
                width += 1
            if width:
                part = slice(len(lines) - width, None) if backwards else slice(0, width)
                found.setdefault(value, []).append((part, everything) if axis == 0 else (everything, part))
    return found


def _is_padding(plane: Plane, value: np.generic, region: Mask, known: Mask) -> bool:
    """Return True if a region of one value cannot be a part of the scene, see `unmeasured`."""
    ring = _dilated(region, _RING) & ~region & known
    around = plane[ring].astype(np.float64)
    if around.size < 2 * _BLOCK:
        return False
    rest = plane[known & (plane != value)]
    distance = np.abs(around - float(value))
    tenth, median = np.percentile(distance, [10, 50])
    noise, step = _noise(plane, known & ~region), _step(rest)
    contrast = tenth >= _MIN_CONTRAST * median and median >= max(2 * noise, 3 * step)
    if contrast:
        second, fourth = (_median_at(plane, float(value), region, known, reach) for reach in (2, 4))
        contrast = not fourth > _MAX_RISE * second
    low, high, level = float(rest.min()), float(rest.max()), float(value)
    if level < low:
        return bool(contrast)
    if level > high:
        return bool(contrast) and level - high > 0.5 * (high - low)
    return float((distance == 0).mean()) < _MAX_SHARE and noise > 1.5 * step


def _median_at(plane: Plane, level: float, region: Mask, known: Mask, reach: int) -> float:
    """Return the median distance from a value of the pixels that lie `reach` pixels from a region; NaN without any."""
    ring = _dilated(region, reach) & ~_dilated(region, reach - 1) & known
    return float(np.median(np.abs(plane[ring].astype(np.float64) - level))) if ring.any() else float("nan")


def _whole_region(plane: Plane, value: np.generic, region: Mask, known: Mask) -> Mask:
    """Return a region with its narrow corners; with every pixel of its value if no measurement can have this value."""
    same: Mask = plane == value
    rest: npt.NDArray[Any] = plane[known & ~same]
    above, below = rest[rest > value], rest[rest < value]
    gaps = [float(above.min()) - float(value)] if above.size else []
    gaps += [float(value) - float(below.max())] if below.size else []
    gap = min(gaps)
    if gap > max(_GAP * _noise(plane, known & ~region), _step(rest)):
        return same
    for _ in range(_GROWTH):
        grown = _dilated(region, 1) & same
        if int(grown.sum()) == int(region.sum()):
            break
        region = grown
    return region


def _noise(plane: Plane, known: Mask) -> float:
    """Return a robust standard deviation of the noise: of half differences of pixels from their neighbours along X."""
    every = max(plane.size // _MAX_PIXELS, 1)
    values = np.where(known[::every], plane[::every], np.nan).astype(np.float64)
    rough = values[:, 1:-1] - 0.5 * (values[:, :-2] + values[:, 2:])
    rough = np.abs(rough[np.isfinite(rough)])
    return float(np.median(rough) / (0.6745 * np.sqrt(1.5))) if rough.size else 0.0


def _step(values: Plane) -> float:
    """Return the smallest difference between two values of a sample."""
    distinct = np.unique(values[:: max(values.size // 100_000, 1)].astype(np.float64))
    return float(np.diff(distinct).min()) if distinct.size > 1 else 0.0


def _dilated(mask: Mask, reach: int) -> Mask:
    """Return a mask that also contains all pixels up to `reach` rows and columns away."""
    for axis in range(2):
        wide = mask.copy()
        view, source = (np.moveaxis(each, axis, 0) for each in (wide, mask))
        for shift in range(1, reach + 1):
            view[shift:] |= source[:-shift]
            view[:-shift] |= source[shift:]
        mask = wide
    return mask
