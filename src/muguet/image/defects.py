"""Find defective pixels and columns of a camera: outliers that neither the noise nor the optics can explain."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_MIN_SIDE = 16
_MAX_EXPONENT = 300
_MAX_FRAMES = 31  # The median over time is that of at most this many frames.
# A defect of a series lies on one side of its neighbours in this part of its frames; the median over unlike frames is
# a patchwork with sharp points of its own.
_MIN_SAME = 0.8
_MIN_FRAMES = 3  # With as many frames, a pixel is defective only if it is an outlier of their median.
# A defective pixel differs from its neighbours by this many standard deviations of the noise at their signal …
_MIN_DEVIATION = 8.0
# … and by this many at its own value, where shot noise is larger: 6 correspond to 36 photo-electrons.
_MIN_OWN_DEVIATION = 6.0
# The neighbours of a defective pixel share less than this part of its excess over the pixels two steps away. Those at
# the centre of a point of light share 0.23 even if its image has a standard deviation of only half a pixel.
_MAX_SHARED = 0.12
_MAX_SATURATED = 0.01  # If more pixels have the largest value, the image is saturated.
_POINT = 0.23  # A point shares this much, from which the neighbours differ by three standard errors.
_BESIDE = 0.6  # One of the four may have more than this part of the excess: it may be defective as well.
_TAIL = (0.90, 0.98)  # The tail of the noise is extrapolated from these two quantiles …
_CHANCE = 0.001  # … to the value that is exceeded by one pixel in this part of all images.
_N_BINS = 24  # The noise is measured in this many bins of the signal.
_TRIMMED = 0.02  # This part of the largest squares is left out of the variance of a bin …
_TRIMMED_VARIANCE = 0.873  # … which leaves this part of the variance of a Gaussian.
_DIFFERENCE = 1.3  # Variance of a pixel minus the median of its four neighbours, relative to that of a pixel.
_MAX_DEFECTS = (
    0.05  # If more pixels are outliers, the image is not one of a camera with some defective pixels.
)
_MIN_LINE = 12.0  # A defective column deviates by this many robust standard deviations of all columns …
_MIN_LINE_NOISE = 0.4  # … and by this part of the standard deviation of the noise.
_MAX_LINE_SHARED = 0.25  # The columns beside it share less than this part of its deviation.
_LINE_PART = (
    64  # Columns are also searched in quarters of at least this many pixels: some are bad from a row on.
)


def defective(planes: Sequence[npt.NDArray[np.generic]]) -> list[Mask | None]:
    """Return a mask of the defective pixels for each 2-D plane of one channel; None: there are none.

    A pixel is defective if its value is an outlier for the noise at the median of its four neighbours, whose variance
    is measured on the same image, and if these do not share its excess as they would share the light of a point, which
    the optics spread over several pixels. A column or row is defective if it deviates as a whole.

    In a series of three or more planes, all of this is judged on the median over the planes: a defect stays in its
    place, while a cosmic ray or a blinking molecule does not.

    Parameters
    ----------
    planes
        Planes ``(y, x)`` of one shape; NaN where a pixel is missing or saturated.
    """
    some = [plane for plane in planes if np.isfinite(plane).any()]
    if not some or min(some[0].shape) < _MIN_SIDE:
        return [None] * len(planes)
    if len(some) >= _MIN_FRAMES:
        chosen = some[:: -(-len(some) // _MAX_FRAMES)]
        frames = np.stack([plane.astype(np.float64) for plane in chosen])
        mask = _of_plane(_median_over(frames), _step(some[0]) / len(chosen) ** 0.5, frames)
        return [mask] * len(planes)
    return [_of_plane(plane.astype(np.float64), _step(plane)) for plane in planes]


def repaired(plane: Floats, defects: Mask) -> Floats:
    """Return a plane in which each defective pixel has the mean of its nearest sound neighbours."""
    values = np.where(defects, np.nan, plane)
    left = defects.copy()
    for _ in range(4):
        if not left.any():
            break
        around = _shifts(values, [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if (y, x) != (0, 0)])
        around = around[:, left]
        known = np.isfinite(around)
        count = known.sum(0)
        mean = np.where(known, around, 0.0).sum(0) / np.maximum(count, 1)
        values[left] = np.where(count > 0, mean, np.nan)
        left &= ~np.isfinite(values)
    return values


def _of_plane(plane: Floats, step: float, frames: Floats | None = None) -> Mask | None:
    plane = np.where(np.isfinite(plane), plane, np.nan)
    exponent = int(np.frexp(np.nanmax(np.abs(plane), initial=1.0, where=np.isfinite(plane)))[1])
    if exponent > _MAX_EXPONENT:  # Squares of these values would overflow.
        plane, step = np.ldexp(plane, -exponent), float(np.ldexp(step, -exponent))
    lines = _columns(plane) | _columns(plane.T).T
    pixels = _pixels(np.where(lines, np.nan, plane), step)
    if pixels.any():  # Once more without these, as two defective pixels may lie side by side.
        pixels |= _pixels(np.where(lines | pixels, np.nan, plane), step)
    if frames is not None:
        pixels &= _same_sign(frames, pixels) >= _MIN_SAME
    found = pixels | lines
    share = float(found.mean())
    return found if 0 < share <= _MAX_DEFECTS else None


def _pixels(plane: Floats, step: float) -> Mask:
    """Return the mask of single defective pixels."""
    none = np.zeros(plane.shape, bool)
    middle = _middle(plane)
    excess = plane - middle
    known = measured = np.isfinite(excess)
    if int(known.sum()) < 200:
        return none
    top = plane[known].max()
    if (plane[known] == top).mean() > _MAX_SATURATED:
        known = known & (excess > 0)  # The noise is clipped there, so darker pixels are no outliers.
    at, variance, tails = _noise(middle[measured], excess[measured])
    size = np.abs(excess)
    tail = np.where(excess > 0, *(np.interp(np.where(known, middle, at[0]), at, each) for each in tails))
    slope = max(_slope(at, variance), step)
    here = np.maximum(np.interp(np.where(known, middle, at[0]), at, variance), step**2 / 12)
    with np.errstate(invalid="ignore"):
        own = here + slope * np.maximum(excess, 0.0)
        outlier = known & (size > _MIN_DEVIATION * np.sqrt(here)) & (size > tail)
        outlier &= size > _MIN_OWN_DEVIATION * np.sqrt(own)
    rows, columns = np.nonzero(outlier)
    keep = np.zeros(rows.size, bool)
    padded = np.pad(plane, 2, constant_values=np.nan)
    for i, (y, x) in enumerate(zip(rows, columns, strict=True)):
        window = padded[y : y + 5, x : x + 5]
        ring = np.concatenate([window[0], window[4], window[1:4, 0], window[1:4, 4]])
        ring = ring[np.isfinite(ring)]
        if ring.size < 5:
            continue
        background = float(np.median(ring))
        own_excess = float(plane[y, x]) - background
        four = np.array([window[1, 2], window[3, 2], window[2, 1], window[2, 3]]) - background
        four = np.sort(four[np.isfinite(four)] / own_excess) if own_excess else np.ones(1)
        if four.size < 2 or four[-1] > 1:
            continue  # A brighter neighbour that is defective is left out in the second round.
        if four[-1] > _BESIDE:
            four = four[:-1]
        error = np.sqrt((here[y, x] + slope * _POINT * abs(own_excess)) / four.size) / abs(own_excess)
        keep[i] = float(four.mean()) < min(_MAX_SHARED, _POINT - 3 * error)
    none[rows[keep], columns[keep]] = True
    return none


def _middle(plane: Floats) -> Floats:
    """Return the median of the four neighbours of each pixel, or of those that are known."""
    near = _shifts(plane, [(-1, 0), (1, 0), (0, -1), (0, 1)])
    middle: Floats = 0.5 * (near.sum(0) - near.max(0) - near.min(0))
    some = np.isnan(middle)
    middle[some] = _median_over(near[:, some])
    return middle


def _same_sign(frames: Floats, pixels: Mask) -> Floats:
    """Return the share of the frames in which a pixel lies on the more frequent side of its four neighbours."""
    brighter, known = np.zeros(pixels.shape), np.zeros(pixels.shape)
    for frame in frames if pixels.any() else ():
        excess = frame - _middle(frame)
        brighter += excess > 0
        known += np.isfinite(excess)
    share = brighter / np.maximum(known, 1)
    return np.maximum(share, 1 - share)


def _noise(signal: Floats, excess: Floats) -> tuple[Floats, Floats, tuple[Floats, Floats]]:
    """Return signals in ascending order, and the variance and the largest upward and downward deviation at each.

    The variance leaves out the 2 % largest squares. The largest deviation is an exponential extrapolation of the tail,
    which is heavier than that of all cameras but one with a multiplying register, whose tail it is.
    """
    every = max(signal.size // 1_000_000, 1)
    order = np.argsort(signal[::every], kind="stable")
    ordered, residual = signal[::every][order], excess[::every][order]
    bins = np.array_split(np.arange(order.size), min(_N_BINS, max(order.size // 300, 1)))
    low, high = _TAIL
    reach = np.log((1 - high) * signal.size / _CHANCE) / np.log((1 - low) / (1 - high))
    at: list[float] = []
    variance: list[float] = []
    up: list[float] = []
    down: list[float] = []
    for each in bins:
        inside = np.sort(residual[each] ** 2)
        kept = inside[: max(int((1 - _TRIMMED) * inside.size), 1)]
        at.append(float(ordered[each].mean()))
        variance.append(float(kept.mean()) / (_TRIMMED_VARIANCE * _DIFFERENCE))
        for tail, values in ((up, residual[each]), (down, -residual[each])):
            first, second = np.quantile(values, _TAIL)
            tail.append(float(second + reach * (second - first)))
    unique, index = np.unique(at, return_index=True)
    return unique, np.array(variance)[index], (np.array(up)[index], np.array(down)[index])


def _slope(signal: Floats, variance: Floats) -> float:
    """Return the median slope of the variance against the signal over pairs of bins half of the range apart."""
    half = len(signal) // 2
    if half == 0:
        return 0.0
    rise = (variance[half:] - variance[: len(variance) - half]) / (
        signal[half:] - signal[: len(signal) - half]
    )
    return max(float(np.median(rise)), 0.0)


def _columns(plane: Floats) -> Mask:
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
    background = _shifts(plane, [(0, -2), (0, 2)]).mean(0)
    rough = np.abs(plane - background)
    rough = rough[np.isfinite(rough)]
    none = np.zeros(plane.shape[1], bool)
    if rough.size < 10 * _MIN_SIDE:
        return none
    noise = float(np.median(rough)) / (0.6745 * 1.5**0.5)
    own = _clipped_mean(plane - background, noise)
    finite = own[np.isfinite(own)]
    if finite.size < _MIN_SIDE:
        return none
    scatter = float(np.median(np.abs(finite - np.median(finite)))) / 0.6745
    scatter = max(scatter, noise / plane.shape[0] ** 0.5)
    with np.errstate(invalid="ignore"):
        bad = np.abs(own) > max(_MIN_LINE * scatter, _MIN_LINE_NOISE * noise)
        for each in _shifts(plane, [(0, -1), (0, 1)]):
            bad &= np.abs(_clipped_mean(each - background, noise)) < _MAX_LINE_SHARED * np.abs(own)
    found: Mask = bad & (noise > 0)
    return found


def _clipped_mean(differences: Floats, noise: float) -> Floats:
    """Return the mean of each column after its values are clipped at three standard deviations; NaN without values."""
    known = np.isfinite(differences)
    total = np.where(known, np.clip(differences, -3 * noise, 3 * noise), 0.0).sum(0)
    count = known.sum(0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _shifts(plane: Floats, offsets: Sequence[tuple[int, int]]) -> Floats:
    """Return the plane seen from these offsets; NaN beyond the border."""
    reach = 2
    padded = np.pad(plane, reach, constant_values=np.nan)
    height, width = plane.shape
    return np.stack(
        [padded[reach + y : reach + y + height, reach + x : reach + x + width] for y, x in offsets]
    )


def _median_over(stack: Floats) -> Floats:
    """Return the median over the first axis of the finite values; NaN where there is none."""
    ordered = np.sort(stack, axis=0)  # NaN comes last.
    count = np.isfinite(stack).sum(0)
    low, high = np.maximum(count - 1, 0) // 2, count // 2
    take = [np.take_along_axis(ordered, np.minimum(each, len(stack) - 1)[None], 0)[0] for each in (low, high)]
    return np.where(count > 0, 0.5 * (take[0] + take[1]), np.nan)


def _step(plane: npt.NDArray[np.generic]) -> float:
    """Return the difference between neighbouring values, if they are whole numbers; else 0."""
    sample = plane.ravel()[:: max(plane.size // 100_000, 1)].astype(np.float64)
    sample = sample[np.isfinite(sample)]
    whole = sample.size > 0 and bool((sample == np.rint(sample)).all())
    distinct = np.unique(sample)
    return float(np.diff(distinct).min()) if whole and distinct.size > 1 else 0.0
