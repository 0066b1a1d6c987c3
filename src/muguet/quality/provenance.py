"""Is an image as the camera recorded it? Traces of 8-bit export, JPEG, clipping and coarse steps in its values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from muguet.image.values import clipping_level, floor_level, quantum

Floats = npt.NDArray[np.float64]

_N_LEVELS = 256
"""An 8-bit image has this many grey levels."""

_MAX_SIDE = 256
"""JPEG blocks are searched in at most this many pixels along each axis, at the centre of the plane."""

_BLOCK = 8
"""Side in pixels of the blocks of JPEG."""

_MIN_BLOCKS = 64
"""The entropy of the coefficients is computed from at least this many blocks."""


@dataclass(frozen=True)
class Provenance:
    """Traces of earlier processing in the values of a plane.

    Attributes
    ----------
    levels
        Number of distinct finite values.
    step
        Spacing of the values, in counts; 0 if they are not quantised.
    low, high
        The smallest and the largest value.
    saturated
        Fraction of the pixels at the level at which the image is clipped; 0 if it is not clipped.
    clipped_low
        Fraction of the pixels at the level at which the image is clipped from below; 0 if it is not clipped there.
    fills_range
        True if the values are integers that reach both ends of the range of 8 or 16 bits: 0, and 255 or 65535.
    was_8_bit
        True if there are at most 256 distinct integers, spread over a range that exceeds 8 bits.
    missing_levels
        Fraction of the grey levels between the 2nd and the 98th percentile that no pixel has, for an image whose
        values span fewer than 256 counts; 0 for other images. A changed contrast leaves such gaps in the histogram.
    blocking
        How much lower the entropy of the 8×8 cosine transform is on the grid of JPEG than off the grid, in bits per
        coefficient; see `blocking`.
    """

    levels: int
    step: float
    low: float
    high: float
    saturated: float
    clipped_low: float
    fills_range: bool
    was_8_bit: bool
    missing_levels: float
    blocking: float


def provenance(plane: npt.NDArray[np.generic]) -> Provenance | None:
    """Find traces of processing in the values of one plane ``(Y, X)``; return None if no value is finite."""
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
        saturated=0.0 if level is None else float(counts[-1] / values.size),
        clipped_low=0.0 if floor_level(plane) is None else float(counts[0] / values.size),
        fills_range=whole and low == 0 and high in (255, 65535),
        was_8_bit=whole and 2 < len(distinct) <= _N_LEVELS <= high - low,
        missing_levels=_missing(distinct.astype(np.float64), counts, _spacing(distinct)) if whole else 0.0,
        blocking=blocking(plane.astype(np.float64), _unit(distinct.astype(np.float64), step)),
    )


def _spacing(distinct: npt.NDArray[np.generic]) -> float:
    """Return the spacing of the integer values of an 8-bit image; 0 for values that span 256 counts or more."""
    if float(distinct[-1]) - float(distinct[0]) >= _N_LEVELS or len(distinct) < 2:
        # 8-bit values that were multiplied to a wider range have gaps too, but these are narrower than the noise.
        return 0.0
    return float(np.gcd.reduce(np.diff(distinct.astype(np.int64))))


def _missing(distinct: Floats, counts: npt.NDArray[np.intp], step: float) -> float:
    """Return the fraction of the grey levels between the 2nd and the 98th percentile that no pixel has."""
    share = np.cumsum(counts) / counts.sum()
    bulk = distinct[(share >= 0.02) & (share - counts / counts.sum() <= 0.98)]
    if step <= 0 or len(bulk) < 2:
        return 0.0
    return float(max(1 - (len(bulk) - 1) * step / (bulk[-1] - bulk[0]), 0.0))


def _unit(distinct: Floats, step: float) -> float:
    """Return the width of a grey level in counts: the median gap between at most 256 distinct values, else `step`."""
    if 2 < len(distinct) <= _N_LEVELS:
        return float(np.median(np.diff(distinct)))
    return step


def blocking(plane: Floats, unit: float) -> float:
    """Detect the grid of JPEG by the entropy of the cosine transform of blocks, in bits per coefficient.

    JPEG divides every coefficient of the cosine transform of 8×8 blocks by an entry of its quantisation table and
    rounds the quotient (ITU-T T.81, 1992). On the grid of these blocks the coefficients therefore take few values;
    off the grid they take any value. With H(p) the entropy of the coefficients c/`unit`, rounded to integers, of the
    blocks on a grid with offset p, averaged over the frequencies,

        blocking = median over offsets H(p) − minimum over offsets H(p),

    which is near 0 for an image that was never compressed by JPEG, whatever its content.

    Parameters
    ----------
    plane
        Plane ``(Y, X)``. Only the central 256×256 pixels of a larger plane are used. Blocks that contain a NaN, or a
        single value only, are left out.
    unit
        Width of a grey level in counts; the result is 0 if it is 0.

    Returns
    -------
    float
        Bits per coefficient; 0 if there are fewer than 64 blocks.
    """
    height, width = (min(size, _MAX_SIDE) for size in plane.shape)
    top, left = (plane.shape[0] - height) // 2, (plane.shape[1] - width) // 2
    centre = plane[top : top + height, left : left + width]
    rows, columns = (size // _BLOCK - 1 for size in centre.shape)
    if unit <= 0 or rows < 1 or columns < 1 or rows * columns < _MIN_BLOCKS:
        return 0.0
    entropies = np.array(
        [
            _entropy(centre[y : y + rows * _BLOCK, x : x + columns * _BLOCK] / unit)
            for y in range(_BLOCK)
            for x in range(_BLOCK)
        ]
    )
    return float(np.median(entropies) - entropies.min()) if np.isfinite(entropies).all() else 0.0


def _entropy(plane: Floats) -> float:
    """Return the mean entropy in bits of the rounded cosine coefficients of all blocks; NaN for fewer than 64."""
    rows, columns = (size // _BLOCK for size in plane.shape)
    blocks = plane.reshape(rows, _BLOCK, columns, _BLOCK).swapaxes(1, 2).reshape(-1, _BLOCK, _BLOCK)
    blocks = blocks[np.ptp(blocks, axis=(1, 2)) > 0]  # This comparison is false for NaN.
    if len(blocks) < _MIN_BLOCKS:
        return float("nan")
    coefficients = np.rint(_COSINE @ blocks @ _COSINE.T).reshape(len(blocks), -1)[:, _INFORMATIVE]
    ordered = np.sort(coefficients, axis=0)
    # The starts of the runs of equal values give the length of each run, one frequency after the other.
    first = np.ones(ordered.shape, dtype=bool)
    first[1:] = ordered[1:] != ordered[:-1]
    starts = np.flatnonzero(first.T)
    runs = np.diff(starts, append=ordered.size).astype(np.float64)
    return float(np.log2(len(blocks)) - (runs * np.log2(runs)).sum() / ordered.size)


def _cosines() -> Floats:
    """Return the matrix of the orthonormal cosine transform of 8 values."""
    at = np.arange(_BLOCK)
    matrix = np.cos(np.pi * (2 * at + 1) * at[:, None] / (2 * _BLOCK)) * np.sqrt(2 / _BLOCK)
    matrix[0] /= np.sqrt(2)
    return np.asarray(matrix, dtype=np.float64)


_COSINE = _cosines()
_INFORMATIVE = np.array([v * _BLOCK + u for v in range(_BLOCK) for u in range(_BLOCK) if u % 4 or v % 4])
"""Flat indices of the coefficients that are compared. The mean, and the other coefficients that are sums and
differences of whole pixels, are left out, because they take few values in any image of integers."""
