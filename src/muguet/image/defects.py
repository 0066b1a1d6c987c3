"""Find defective pixels and columns of a camera: outliers that neither the noise nor the optics can explain."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from muguet.image.defective_lines import defective_columns
from muguet.image.neighbours import bands, median_over, middle_of_four, values_around

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]

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

_FOUR = [(-1, 0), (1, 0), (0, -1), (0, 1)]
_EIGHT = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if (y, x) != (0, 0)]
_RING = [(y, x) for y in range(-2, 3) for x in range(-2, 3) if max(abs(y), abs(x)) == 2]


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
        mask = _of_plane(median_over(frames), _step(some[0]) / len(chosen) ** 0.5, frames)
        return [mask] * len(planes)
    return [_of_plane(plane.astype(np.float64), _step(plane)) for plane in planes]


def repaired(plane: Floats, defects: Mask) -> Floats:
    """Return a plane in which each defective pixel has the mean of its nearest sound neighbours."""
    values = np.where(defects, np.nan, plane)
    rows, columns = np.nonzero(defects)
    for _ in range(4):
        if not rows.size:
            break
        around = values_around(values, rows, columns, _EIGHT)
        known = np.isfinite(around)
        count = known.sum(0)
        mean = np.where(known, around, 0.0).sum(0) / np.maximum(count, 1)
        values[rows, columns] = np.where(count > 0, mean, np.nan)
        left = ~np.isfinite(values[rows, columns])
        rows, columns = rows[left], columns[left]
    return values


def _of_plane(plane: Floats, step: float, frames: Floats | None = None) -> Mask | None:
    plane = np.where(np.isfinite(plane), plane, np.nan)
    largest = max(float(np.fmax.reduce(plane, None)), -float(np.fmin.reduce(plane, None)), 1.0)
    exponent = int(np.frexp(largest)[1])
    if exponent > _MAX_EXPONENT:  # Squares of these values would overflow.
        plane, step = np.ldexp(plane, -exponent), float(np.ldexp(step, -exponent))
    lines = defective_columns(plane) | defective_columns(plane.T).T
    plane[lines] = np.nan
    pixels = _pixels(plane, step)
    if pixels.any():  # Once more without these, as two defective pixels may lie side by side.
        plane[pixels] = np.nan
        pixels |= _pixels(plane, step)
    if frames is not None:
        pixels &= _same_sign(frames, pixels) >= _MIN_SAME
    found = pixels | lines
    share = float(found.mean())
    return found if 0 < share <= _MAX_DEFECTS else None


def _pixels(plane: Floats, step: float) -> Mask:
    """Return the mask of single defective pixels."""
    found = np.zeros(plane.shape, bool)
    middle = middle_of_four(plane)
    known = np.isfinite(plane)
    known &= np.isfinite(middle)
    number = int(known.sum())
    if number < 200:
        return found
    top = plane.max(where=known, initial=-np.inf)
    clipped = int(((plane == top) & known).sum()) / number > _MAX_SATURATED
    at, variance, tails = _noise(plane, middle, known, number)
    slope = max(_slope(at, variance), step)
    # No pixel below these is an outlier, whatever its signal; the last digits of an interpolation do not matter.
    least = 0.999 * max(
        _MIN_DEVIATION * max(float(variance.min()), step**2 / 12) ** 0.5,
        min(float(each.min()) for each in tails),
    )
    for band in bands(plane.shape):
        excess = plane[band] - middle[band]
        with np.errstate(invalid="ignore"):
            # The noise is clipped at the top, so that darker pixels are no outliers there.
            rows, columns = np.nonzero((excess > least) if clipped else (np.abs(excess) > least))
        excess, signal = excess[rows, columns], middle[band][rows, columns]
        size = np.abs(excess)
        tail = np.where(excess > 0, *(np.interp(signal, at, each) for each in tails))
        here = np.maximum(np.interp(signal, at, variance), step**2 / 12)
        own = here + slope * np.maximum(excess, 0.0)
        outlier = (size > _MIN_DEVIATION * np.sqrt(here)) & (size > tail)
        outlier &= size > _MIN_OWN_DEVIATION * np.sqrt(own)
        rows, columns = rows[outlier] + band.start, columns[outlier]
        kept = _is_no_light(plane, rows, columns, here[outlier], slope)
        found[rows[kept], columns[kept]] = True
    return found


def _is_no_light(plane: Floats, rows: Places, columns: Places, variance: Floats, slope: float) -> Mask:
    """Return True for each outlier whose neighbours do not share its excess as they would share the light of a point.

    Parameters
    ----------
    plane
        Pixels ``(y, x)``; NaN where a pixel is missing.
    rows, columns
        Places of the outliers.
    variance
        Variance of the noise at the signal of each outlier.
    slope
        Slope of the variance against the signal.
    """
    ring = values_around(plane, rows, columns, _RING)
    background = median_over(ring)
    own = plane[rows, columns] - background
    # An excess far below its neighbours makes their share infinite, which is as good as large.
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        four = np.sort(
            (values_around(plane, rows, columns, _FOUR) - background) / own, axis=0
        )  # NaN comes last.
        count = (~np.isnan(four)).sum(0)
        largest = np.take_along_axis(four, np.maximum(count - 1, 0)[None], 0)[0]
        # A brighter neighbour that is defective is left out in the second round.
        usable = (np.isfinite(ring).sum(0) >= 5) & (own != 0) & (count >= 2) & ~(largest > 1)
        number = count - (largest > _BESIDE)
        shared = np.where(np.arange(4)[:, None] < number, four, 0.0).sum(0) / np.maximum(number, 1)
        size = np.abs(own)
        error = np.sqrt((variance + slope * _POINT * size) / np.maximum(number, 1)) / size
        kept: Mask = usable & (shared < np.minimum(_MAX_SHARED, _POINT - 3 * error))
    return kept


def _same_sign(frames: Floats, pixels: Mask) -> Floats:
    """Return the share of the frames in which a pixel lies on the more frequent side of its four neighbours."""
    brighter, known = np.zeros(pixels.shape), np.zeros(pixels.shape)
    for frame in frames if pixels.any() else ():
        excess = frame - middle_of_four(frame)
        brighter += excess > 0
        known += np.isfinite(excess)
    share = brighter / np.maximum(known, 1)
    return np.maximum(share, 1 - share)


def _noise(
    plane: Floats, middle: Floats, known: Mask, number: int
) -> tuple[Floats, Floats, tuple[Floats, Floats]]:
    """Return signals in ascending order, and the variance and the largest upward and downward deviation at each.

    The variance leaves out the 2 % largest squares. The largest deviation is an exponential extrapolation of the tail,
    which is heavier than that of all cameras but one with a multiplying register, whose tail it is.
    """
    every, first = max(number // 1_000_000, 1), 0
    signals: list[Floats] = []
    excesses: list[Floats] = []
    for band in bands(plane.shape):  # Every so many known pixels in the order of the plane.
        there = np.flatnonzero(known[band])
        chosen = there[first::every]
        signals.append(middle[band].reshape(-1)[chosen])
        excesses.append(plane[band].reshape(-1)[chosen] - signals[-1])
        first = (first - there.size) % every
    signal, excess = np.concatenate(signals), np.concatenate(excesses)
    order = np.argsort(signal, kind="stable")
    ordered, residual = signal[order], excess[order]
    bins = np.array_split(np.arange(order.size), min(_N_BINS, max(order.size // 300, 1)))
    low, high = _TAIL
    reach = np.log((1 - high) * number / _CHANCE) / np.log((1 - low) / (1 - high))
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


def _step(plane: npt.NDArray[np.generic]) -> float:
    """Return the difference between neighbouring values, if they are whole numbers; else 0."""
    sample = plane.ravel()[:: max(plane.size // 100_000, 1)].astype(np.float64)
    sample = sample[np.isfinite(sample)]
    whole = sample.size > 0 and bool((sample == np.rint(sample)).all())
    distinct = np.unique(sample)
    return float(np.diff(distinct).min()) if whole and distinct.size > 1 else 0.0
