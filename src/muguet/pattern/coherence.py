"""Do whole rows share an offset? The parts of a row are compared, at a fineness that the optics do not pass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from muguet.noise.transfer.highpass import TAPS
from muguet.pattern.differences import PARTS

Floats = npt.NDArray[np.float64]

_ROWS = 16  # The size of the noise is measured in blocks of this many rows and one part of a row.
_CLIP = (
    4.0  # Values are clipped at this many standard deviations: hot pixels and edges would dominate otherwise.
)
_INDEPENDENT = 3.2
"""Number of rows whose filtered noise counts as one independent value: 1 + 2 Σ ρ², ρ the correlations of the filter."""

_APART = 2  # Parts that lie next to each other may share a structure.


@dataclass(frozen=True)
class Coherence:
    """What the parts of rows have in common.

    Attributes
    ----------
    share
        The part of the variance of the finest noise that distant parts of a row share.
    error
        Standard error of the share, for independent noise.
    least
        The smallest share of two distant parts, relative to the mean: 1 for offsets of whole rows.
    far
        The share of the parts that are farthest apart, relative to the mean.
    """

    share: float
    error: float
    least: float
    far: float


def coherence(plane: Floats) -> Coherence | None:
    """Compare the parts of the rows of a plane ``(y, x)`` after sixth differences along Y.

    With z the differences divided by their standard deviation in the block around, and Z the mean of z over one of
    eight parts of a row, the share is ⟨Z Z'⟩ over rows and pairs of parts that are not neighbours. It is zero for
    independent noise and for structure that does not extend from part to part.

    Returns None if too few rows are known.
    """
    height, width = plane.shape
    known = np.isfinite(plane)
    rough = np.zeros((height - len(TAPS) + 1, width))
    usable = np.ones(rough.shape, bool)
    values = np.where(known, plane, 0.0)
    for i, tap in enumerate(TAPS):
        rough += tap * values[i : i + len(rough)]
        usable &= known[i : i + len(rough)]
    edges = np.linspace(0, width, PARTS + 1).astype(int)
    blocks = np.arange(0, len(rough), _ROWS)
    rough *= usable
    count = _block_sums(usable.astype(np.float64), blocks, edges)
    variance = _block_sums(rough**2, blocks, edges) / np.maximum(count, 1)
    spread = np.sqrt(np.where(variance > 0, variance, 1.0))
    sizes = np.diff(np.append(blocks, len(rough)))
    z = np.clip(rough / np.repeat(np.repeat(spread, sizes, 0), np.diff(edges), 1), -_CLIP, _CLIP)
    number = np.add.reduceat(usable, edges[:-1], 1, dtype=np.float64)
    means = np.add.reduceat(z, edges[:-1], 1) / np.maximum(number, 1)
    rows = (number >= 0.25 * np.diff(edges)).all(1)
    if rows.sum() < 8 * _INDEPENDENT:
        return None
    means = means[rows]
    products = means.T @ means / len(means)
    one, other = np.triu_indices(PARTS, _APART)
    own, shared = np.diag(products), products[one, other]
    share = float(shared.mean())
    error = float(np.sqrt((own[one] * own[other]).mean() / len(one) / (len(means) / _INDEPENDENT)))
    if share <= 0:
        return Coherence(share, error, 0.0, 0.0)
    distant = other - one >= PARTS // 2
    return Coherence(share, error, float(shared.min()) / share, float(shared[distant].mean()) / share)


def _block_sums(values: Floats, rows: npt.NDArray[np.intp], edges: npt.NDArray[np.intp]) -> Floats:
    found: Floats = np.add.reduceat(np.add.reduceat(values, edges[:-1], 1), rows, 0)
    return found
