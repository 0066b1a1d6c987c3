"""Find columns of a camera that deviate as a whole from those beside them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from muguet.image.neighbours import bands

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_MIN_SIDE = 16
_MIN_LINE = 12.0  # A defective column deviates by this many robust standard deviations of all columns …
_MIN_LINE_NOISE = 0.4  # … and by this part of the standard deviation of the noise.
_MAX_LINE_SHARED = 0.25  # The columns beside it share less than this part of its deviation.
_LINE_PART = (
    64  # Columns are also searched in quarters of at least this many pixels: some are bad from a row on.
)
_MAX_VALUES = 1_000_000  # The noise is measured in rows with about this many pixels.


def defective_columns(plane: Floats) -> Mask:
    """Return the mask of columns that deviate from those beside them over the height of the plane or a quarter."""
    found = np.zeros(plane.shape, bool)
    height = plane.shape[0]
    parts = [slice(0, height)]
    quarters = max(1, min(4, height // _LINE_PART))
    if quarters > 1:
        edges = np.linspace(0, height, quarters + 1).astype(int)
        parts += [slice(a, b) for a, b in pairwise(edges)]
    for part in parts:
        found[part] |= _bad_columns(plane[part])
    return found


def _bad_columns(plane: Floats) -> Mask:
    height, width = plane.shape
    none = np.zeros(width, bool)
    if width < 5:
        return none
    rough = np.abs(_differences(plane[:: max(plane.size // _MAX_VALUES, 1)]))
    rough = rough[np.isfinite(rough)]
    if rough.size < 10 * _MIN_SIDE:
        return none
    noise = float(np.median(rough)) / (0.6745 * 1.5**0.5)
    own = np.full(width, np.nan)
    own[2:-2] = _clipped_mean(plane, noise)
    finite = own[np.isfinite(own)]
    if finite.size < _MIN_SIDE:
        return none
    scatter = float(np.median(np.abs(finite - np.median(finite)))) / 0.6745
    scatter = max(scatter, noise / height**0.5)
    with np.errstate(invalid="ignore"):
        bad = np.abs(own) > max(_MIN_LINE * scatter, _MIN_LINE_NOISE * noise)
    for column in np.flatnonzero(bad):
        around = plane[:, column - 2 : column + 3].copy()
        for beside in (1, 3):
            around[:, 2] = plane[:, column - 2 + beside]
            shared = float(_clipped_mean(around, noise)[0])
            bad[column] &= abs(shared) < _MAX_LINE_SHARED * abs(own[column])
    found: Mask = bad & (noise > 0)
    return found


def _differences(rows: Floats) -> Floats:
    """Return pixels minus the mean of those two columns to the left and to the right, ``(y, x − 4)``."""
    found = rows[:, :-4] + rows[:, 4:]
    found *= -0.5
    found += rows[:, 2:-2]
    return found


def _clipped_mean(plane: Floats, noise: float) -> Floats:
    """Return the mean difference of each column but two at each side, clipped at three standard deviations; or NaN."""
    total, count = np.zeros(plane.shape[1] - 4), np.zeros(plane.shape[1] - 4, np.intp)
    for band in bands(plane.shape):
        differences = _differences(np.ascontiguousarray(plane[band]))
        np.clip(differences, -3 * noise, 3 * noise, out=differences)
        known = np.isfinite(differences)
        if not known.all():
            differences[~known] = 0.0
        total += differences.sum(0)
        count += known.sum(0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
