"""Is an image what the camera recorded? Traces of 8-bit export, of JPEG, of clipping and of coarse steps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from muguet.image.values import clipping_level, quantum

Floats = npt.NDArray[np.float64]

_LEVELS = 256  # of an 8-bit image
_SIDE = 256  # pixels along a side of the centre that is searched for the blocks of JPEG
_BLOCK = 8


@dataclass(frozen=True)
class Provenance:
    """What a plane's values tell of its past.

    Attributes
    ----------
    levels
        Different values, of the pixels that are numbers.
    step
        Spacing of the values, in counts; 0 if there is none.
    low, high
        The smallest and the largest value.
    at_low, at_high
        Shares of the pixels that have them.
    saturated
        Share of the pixels at the level where the image is clipped; 0 if it is not.
    fills
        Whether the values are integers that reach both ends of 8 or 16 bits: 0, and 255 or 65535.
    once_bytes
        Whether there are at most 256 values, spread over more than a byte holds.
    missing_levels
        Of the values of a byte, the share between the 2nd and the 98th percentile that no pixel has: a comb.
    blocking
        How much lower the entropy of the 8×8 cosine transform is on the grid of JPEG than off it, in bits a
        coefficient; see `blocking`.
    """

    levels: int
    step: float
    low: float
    high: float
    at_low: float
    at_high: float
    saturated: float
    fills: bool
    once_bytes: bool
    missing_levels: float
    blocking: float


def provenance(plane: npt.NDArray[np.generic]) -> Provenance | None:
    """Look at the values of one plane ``(Y, X)``; None if none is a number."""
    values = plane[np.isfinite(plane)] if plane.dtype.kind == "f" else plane.ravel()
    if values.size == 0:
        return None
    distinct, counts = np.unique(values, return_counts=True)
    low, high = float(distinct[0]), float(distinct[-1])
    step, level = quantum(plane), clipping_level(plane)
    whole = bool((distinct == np.rint(distinct)).all()) if plane.dtype.kind == "f" else True
    return Provenance(
        levels=len(distinct),
        step=step,
        low=low,
        high=high,
        at_low=float(counts[0] / values.size),
        at_high=float(counts[-1] / values.size),
        saturated=0.0 if level is None else float(counts[-1] / values.size),
        fills=whole and low == 0 and high in (255, 65535),
        once_bytes=whole and 2 < len(distinct) <= _LEVELS <= high - low,
        missing_levels=_missing(distinct.astype(np.float64), counts, _spacing(distinct)) if whole else 0.0,
        blocking=blocking(plane.astype(np.float64), _unit(distinct.astype(np.float64), step)),
    )


def _spacing(distinct: npt.NDArray[np.generic]) -> float:
    """The step that the values of a byte were recorded with, before their contrast was changed; 0 of others."""
    if float(distinct[-1]) - float(distinct[0]) >= _LEVELS or len(distinct) < 2:
        return 0.0  # bytes brought to other counts: gaps, but no harm, as noise is wider
    return float(np.gcd.reduce(np.diff(distinct.astype(np.int64))))


def _missing(distinct: Floats, counts: npt.NDArray[np.intp], step: float) -> float:
    """Share of the steps in the bulk of the values that no pixel has."""
    share = np.cumsum(counts) / counts.sum()
    bulk = distinct[(share >= 0.02) & (share - counts / counts.sum() <= 0.98)]
    if step <= 0 or len(bulk) < 2:
        return 0.0
    return float(max(1 - (len(bulk) - 1) * step / (bulk[-1] - bulk[0]), 0.0))


def _unit(distinct: Floats, step: float) -> float:
    """Counts of one grey level: the mean gap where there are no more than 256 of them, else one step."""
    if 2 < len(distinct) <= _LEVELS:
        return float(np.median(np.diff(distinct)))
    return step


def blocking(plane: Floats, unit: float) -> float:
    """Find the grid of JPEG by the entropy of the cosine transform of blocks, in bits a coefficient.

    JPEG divides every coefficient of the cosine transform of 8×8 blocks by a number of its table and rounds it
    (ITU-T T.81, 1992). On its grid of blocks the coefficients therefore take few values, off it any. With H(p) the
    entropy of the coefficients c/`unit`, rounded to integers, on the grid of phase p, averaged over the frequencies,

        blocking = median over phases H(p) − min over phases H(p),

    which is near 0 in an image that no JPEG has touched, whatever it shows.

    Parameters
    ----------
    plane
        ``(Y, X)``; of a larger one the 256×256 pixels of the centre are looked at. Blocks that hold a NaN, or one
        value only, are left out.
    unit
        Counts of a grey level; 0 gives 0.

    Returns
    -------
    float
        0 where there are fewer than 64 blocks.
    """
    height, width = (min(size, _SIDE) for size in plane.shape)
    top, left = (plane.shape[0] - height) // 2, (plane.shape[1] - width) // 2
    centre = plane[top : top + height, left : left + width]
    rows, columns = (size // _BLOCK - 1 for size in centre.shape)
    if unit <= 0 or rows < 1 or columns < 1 or rows * columns < 64:
        return 0.0
    found = np.array(
        [
            _entropy(centre[y : y + rows * _BLOCK, x : x + columns * _BLOCK] / unit)
            for y in range(_BLOCK)
            for x in range(_BLOCK)
        ]
    )
    return float(np.median(found) - found.min()) if np.isfinite(found).all() else 0.0


def _entropy(plane: Floats) -> float:
    """Mean entropy in bits of the rounded cosine coefficients of a plane's blocks; NaN of too few blocks."""
    rows, columns = (size // _BLOCK for size in plane.shape)
    blocks = plane.reshape(rows, _BLOCK, columns, _BLOCK).swapaxes(1, 2).reshape(-1, _BLOCK, _BLOCK)
    blocks = blocks[np.ptp(blocks, axis=(1, 2)) > 0]  # NaN compares false
    if len(blocks) < 64:
        return float("nan")
    coefficients = np.rint(_COSINE @ blocks @ _COSINE.T).reshape(len(blocks), -1)[:, _TOLD]
    ordered = np.sort(coefficients, axis=0)
    # Each run of equal values is counted by where it starts, one frequency after the other.
    first = np.ones(ordered.shape, dtype=bool)
    first[1:] = ordered[1:] != ordered[:-1]
    starts = np.flatnonzero(first.T)
    runs = np.diff(starts, append=ordered.size).astype(np.float64)
    return float(np.log2(len(blocks)) - (runs * np.log2(runs)).sum() / ordered.size)


def _cosines() -> Floats:
    """The orthonormal cosine transform of 8 values."""
    at = np.arange(_BLOCK)
    matrix = np.cos(np.pi * (2 * at + 1) * at[:, None] / (2 * _BLOCK)) * np.sqrt(2 / _BLOCK)
    matrix[0] /= np.sqrt(2)
    return np.asarray(matrix, dtype=np.float64)


_COSINE = _cosines()
_TOLD = np.array(  # not the mean and the other sums of whole pixels, which take few values by themselves
    [v * _BLOCK + u for v in range(_BLOCK) for u in range(_BLOCK) if u % 4 or v % 4]
)
