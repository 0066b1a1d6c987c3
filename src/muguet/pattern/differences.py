"""Offsets of rows from differences between rows, robust to the scene, for the whole width and for parts of it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

PARTS = 8
"""A row is divided into this many parts, in which the offsets are also measured separately."""

_LAGS = (1, 2, 3, 5, 8, 13, 21, 34)
"""Distances of the rows that are compared."""

_POWERS = (1.0, 1.5, 2.0)
"""Powers of the inverse variance in three sets of weights. The first suits frequencies at which the noise of single
pixels is the larger error, the last those at which the scene is; the second is that of the parts."""

_ROUNDS = 3
_GROUP = 8  # Pixels of a row whose mean is one value.
_AROUND = 3  # The variance of the differences of a group is that of this many rows on either side.
_CLIP = 2.0  # Differences beyond this many standard deviations count less (Huber's weights).
_RIDGE = 1e-9


def row_offsets(plane: Floats) -> tuple[Floats, Floats]:
    """Return the offset of every row: for the whole width by three sets of weights ``(3, y)``, and for parts of it.

    With z the means of eight neighbouring pixels of a row and o the offsets,

        Σ over lags k, rows i and groups j of  w (z[i + k, j] − z[i, j] − o[i + k] + o[i])²

    is minimal. The weight w is a power of the inverse variance of these differences in the rows around, which is larger
    where there is structure or light, times Huber's weight of the single difference. Rows far apart are compared as
    well, as the errors of adjacent rows alone would add up to a slow drift. The mean of the offsets is zero.

    Parameters
    ----------
    plane
        Pixels ``(y, x)`` in any unit; NaN where one is missing.

    Returns
    -------
    array, array
        Offsets ``(3, y)`` of the whole width, and ``(PARTS, y)`` of its parts.
    """
    values, counts = _groups(plane)
    height = len(values)
    lags = [lag for lag in _LAGS if lag < height // 2]
    offsets = np.zeros((len(_POWERS) + PARTS, height))
    for _ in range(_ROUNDS):
        before = offsets[1]
        found = [_compare(values - before[:, None], counts, lag) for lag in lags]
        offsets = before + _solve(lags, found, height)
    return offsets[: len(_POWERS)], offsets[len(_POWERS) :]


def _groups(plane: Floats) -> tuple[Floats, Floats]:
    """Return the mean of every group of neighbouring pixels of a row, and the number of its known pixels."""
    size = min(_GROUP, plane.shape[1] // PARTS)
    starts = np.arange(0, plane.shape[1] // size * size, size)
    known = np.isfinite(plane)
    counts = np.add.reduceat(known, starts, 1, dtype=np.float64)
    sums = np.add.reduceat(np.where(known, plane, 0.0), starts, 1)
    return sums / np.maximum(counts, 1), counts


def _compare(level: Floats, counts: Floats, lag: int) -> tuple[Floats, Floats]:
    """Return weights, and sums of weighted differences of rows ``(sets, pairs)``: those of the whole, then of parts."""
    pairs = np.minimum(counts[lag:], counts[:-lag])
    difference = np.where(pairs > 0, level[lag:] - level[:-lag], 0.0)
    number = _running((pairs > 0).astype(np.float64))
    square = difference**2
    for _ in range(2):  # Once more without the largest.
        variance = _running(square) / np.maximum(number, 1)
        typical = float(np.median(variance[number > 0])) if (number > 0).any() else 1.0
        variance = np.maximum(variance, max(1e-3 * typical, 1e-300))
        square = np.minimum(square, _CLIP**2 * variance)
    limit = _CLIP * np.sqrt(variance) / np.maximum(np.abs(difference), 1e-300)
    huber = np.where(pairs > 0, np.minimum(limit, 1.0), 0.0)
    relative = typical / variance  # Powers of numbers near one neither overflow nor vanish.
    weights = [huber * relative**power for power in _POWERS]
    edges = np.linspace(0, level.shape[1], PARTS + 1).astype(int)[:-1]

    def sums(values: list[Floats]) -> Floats:
        whole = np.stack([each.sum(1) for each in values])
        return np.concatenate([whole, np.add.reduceat(values[1], edges, 1).T])

    return sums(weights), sums([weight * difference for weight in weights])


def _running(values: Floats) -> Floats:
    """Return sums over the rows around each, fewer at the borders."""
    size = len(values)
    total = np.concatenate([np.zeros_like(values[:1]), values.cumsum(0)])
    first = np.clip(np.arange(size) - _AROUND, 0, None)
    last = np.clip(np.arange(size) + _AROUND + 1, None, size)
    found: Floats = total[last] - total[first]
    return found


def _solve(lags: list[int], found: list[tuple[Floats, Floats]], height: int) -> Floats:
    """Return the offsets ``(sets, y)`` that fit the differences of rows best; their mean is zero."""
    number, reach = len(found[0][0]), lags[-1]
    columns = np.zeros(
        (number, height + reach, reach + 1)
    )  # [:, i, k] is the entry (i + k, i) of the matrix.
    right = np.zeros((number, height + reach))
    for lag, (weight, product) in zip(lags, found, strict=True):
        columns[:, lag:height, 0] += weight
        columns[:, : height - lag, 0] += weight
        columns[:, : height - lag, lag] -= weight
        right[:, lag:height] += product
        right[:, : height - lag] -= product
    largest = columns[:, :height, 0].max(1)
    columns[:, :, 0] += np.where(largest > 0, _RIDGE * largest, 1.0)[:, None]
    offsets: Floats = _solve_banded(columns, right)[:, :height]
    offsets -= offsets.mean(1, keepdims=True)
    return offsets


def _solve_banded(columns: Floats, right: Floats) -> Floats:
    """Solve symmetric positive definite systems ``(sets, n, band)`` by L D Lᵀ; the last `band` unknowns are padding."""
    reach = columns.shape[2] - 1
    height = columns.shape[1] - reach
    row, column = np.tril_indices(reach)
    for i in range(height):
        entries = columns[:, i, 1:].copy()
        columns[:, i, 1:] /= columns[:, i, :1]
        factor = columns[:, i, 1:]
        right[:, i + 1 : i + 1 + reach] -= factor * right[:, i, None]
        columns[:, i + 1 + column, row - column] -= factor[:, row] * entries[:, column]
    right[:, :height] /= columns[:, :height, 0]
    right[:, height:] = 0
    for i in range(height - 1, -1, -1):
        right[:, i] -= (columns[:, i, 1:] * right[:, i + 1 : i + 1 + reach]).sum(1)
    return right
