"""A camera or detector with two halves: a step of offset and gain at the middle of the image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from muguet.errors import MuguetError
from muguet.noise.transfer.single_image import transfer_alone
from muguet.noise.transfer.variance import straight_line

Floats = npt.NDArray[np.float64]

_GROUP = 8  # Pixels of a row whose mean is one value.
_MIN_WIDTH = 64
_REACH = 64  # Rows on either side of the middle that are compared with it.
_NEAR, _FAR = 4, 10  # The usual size of a step at a border is that of the borders at these distances.
_MIN_DEVIATION = (
    4.0  # The step differs from those at other rows by this many of their robust standard deviations …
)
_MIN_RATIO = 1.3  # … and is this many times as large as the largest of them.
_MAX_GAIN = 0.5  # Gains of two halves do not differ by more than this.
_MIN_PART, _MIN_HALF = 0.2, 0.5  # Each quarter and half of the border shows at least this part of it.
_SIDE = 4  # Rows on either side of a border that show its step.
_N_PARTS = 4  # The error of the ratio of gains is that of this many parts of the width.
_MIN_ERROR = 0.02  # Relative error of the ratio of gains that the scene leaves even in large images.
_MIN_GAIN_ERRORS = 3.0
_CLIP = 2.0  # Steps beyond this many standard deviations count less (Huber's weights).


@dataclass(frozen=True)
class Halves:
    """How the lower half of an image differs from the upper one, at the same signal.

    Attributes
    ----------
    offset
        Counts that the lower half has more, at the mean signal along the border.
    gain
        Relative difference of the gains.
    level
        The mean signal along the border in counts.
    """

    offset: float
    gain: float
    level: float

    def remove(self, plane: Floats, start: int = 0, height: int | None = None) -> Floats:
        """Return a plane ``(y, x)`` whose halves have the mean of both offsets and gains.

        The plane may be a part, from the row `start` on, of one of `height` rows.
        """
        middle = max((len(plane) if height is None else height) // 2 - start, 0)
        step = 0.5 * (self.offset + self.gain * (plane - self.level))
        step[middle:] *= -1
        found: Floats = plane + step
        return found


def find_halves(plane: Floats) -> Halves | None:
    """Return the step at the middle row of a plane ``(y, x)``, or None if there is none.

    The four rows on either side of a border are fitted by a straight line and a step, separately in groups of pixels of
    a row: structures of a scene that are wider than that leave no step. With d the step of a group and L the mean of
    its eight rows, the robust straight line d = a + b (L − ⟨L⟩) is fitted at the middle and, for comparison, at the
    borders around: the values of a scene there show how large a step of the scene can be.

    Parameters
    ----------
    plane
        Counts; NaN where a pixel is missing.
    """
    height, width = plane.shape
    if height < 2 * _REACH or height % 2 or width < _MIN_WIDTH:
        return None
    strip = plane[height // 2 - _REACH : height // 2 + _REACH]
    starts = np.arange(0, width // _GROUP * _GROUP, _GROUP)
    groups = np.add.reduceat(strip, starts, 1) / np.diff(np.append(starts, width))
    groups = groups[:, np.isfinite(groups).all(0)]
    if groups.shape[1] < 8:
        return None
    windows = np.lib.stride_tricks.sliding_window_view(groups, 2 * _SIDE, 0)
    step, level = windows @ _step_filter(), windows.mean(-1)
    variance = _variance_around(step)
    step, level = (each[_FAR:-_FAR] for each in (step, level))
    offset, gain, mean = _fitted(step, level, variance)
    at = _REACH - _SIDE - _FAR
    others = np.abs(np.arange(len(step)) - at) > 2 * _NEAR
    found_offset, found_gain = (_stands_out(each, at, others) for each in (offset, gain))
    found_gain &= abs(float(gain[at])) < _MAX_GAIN
    if found_offset:  # A step of the scene is not the same along the whole border.
        parts = [
            _fitted(*(each[:, part] for each in (step, level, variance)))[0][at] / offset[at]
            for part in np.array_split(np.arange(step.shape[1]), 4)
        ]
        found_offset = min(parts) > _MIN_PART and min(sum(parts[:2]), sum(parts[2:])) > 2 * _MIN_HALF
    if not (found_offset or found_gain):
        return None
    return Halves(float(offset[at]), float(gain[at]) if found_gain else 0.0, float(mean[at]))


def gain_by_noise(planes: Sequence[Floats]) -> float | None:
    """Return the relative difference of the gains of the lower and the upper half by their noise, or None.

    The variance of the noise grows with the signal by the gain, σ² = g x + constant, whatever the offset and the
    read-out noise. With g and g' those of the upper and lower half, the result is (g' − g) / ½(g' + g). Its standard
    error is that of four parts of the width, and not below 2 %. None if the gains differ by less than three errors, or
    if a part shows no gain.

    Parameters
    ----------
    planes
        Planes ``(y, x)`` in counts; NaN where a pixel is missing or saturated.
    """

    def ratio(first: int, last: int) -> float:
        middle = len(planes[0]) // 2
        upper, lower = (
            straight_line(transfer_alone([plane[rows, first:last] for plane in planes]))[0]
            for rows in (slice(None, middle), slice(middle, None))
        )
        return float(np.log(lower / upper))

    width = planes[0].shape[1]
    edges = np.linspace(0, width, _N_PARTS + 1).astype(int).tolist()
    try:
        whole, parts = ratio(0, width), [ratio(*pair) for pair in pairwise(edges)]
    except MuguetError:
        return None  # There are too few pixels, or they are all alike.
    error = max(float(np.std(parts, ddof=1)) / _N_PARTS**0.5, _MIN_ERROR)
    gain = 2 * np.tanh(0.5 * whole)
    return float(gain) if _MIN_GAIN_ERRORS * error < abs(whole) and abs(gain) < _MAX_GAIN else None


def _step_filter() -> Floats:
    """Return the weights of eight rows whose sum is the step between the fourth and the fifth, by least squares."""
    place = np.arange(-_SIDE, _SIDE) + 0.5
    design = np.stack([np.ones_like(place), place, place > 0], 1)
    found: Floats = np.linalg.pinv(design)[2]
    return found


def _variance_around(step: Floats) -> Floats:
    """Return the mean square of the steps at the borders near each, without those that share rows with it."""
    size = len(step) - 2 * _FAR
    near = [k for k in range(-_FAR, _FAR + 1) if abs(k) > _NEAR]
    total = sum((step[_FAR + k : _FAR + k + size] ** 2 for k in near), np.zeros((size, step.shape[1])))
    variance = total / len(near)
    found: Floats = np.maximum(variance, max(1e-3 * float(np.median(variance)), 1e-300))
    return found


def _stands_out(values: Floats, at: int, others: npt.NDArray[np.bool_]) -> bool:
    """Return whether a value is far outside the range of the others."""
    usual = float(np.median(values[others]))
    away = np.abs(values - usual)
    spread = 1.4826 * float(np.median(away[others]))
    return bool(away[at] > max(_MIN_DEVIATION * spread, _MIN_RATIO * float(away[others].max())))


def _fitted(step: Floats, level: Floats, variance: Floats) -> tuple[Floats, Floats, Floats]:
    """Return robust straight lines of the steps ``(borders, groups)`` against the levels: offset, slope, mean level."""
    inverse = (float(np.median(variance)) / variance) ** 1.5
    weight = inverse
    for _ in range(5):
        total = weight.sum(1)
        mean = (weight * level).sum(1) / total
        away = level - mean[:, None]
        slope = (weight * away * step).sum(1) / np.maximum((weight * away**2).sum(1), 1e-300)
        offset = (weight * step).sum(1) / total
        rest = np.abs(step - offset[:, None] - slope[:, None] * away) / np.sqrt(variance)
        weight = inverse * np.minimum(_CLIP / np.maximum(rest, 1e-300), 1.0)
    return offset, slope, mean
