"""Pixels of a camera that are noisier than the others, found in a movie: noisy read-out, telegraph noise, flicker."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc, gammaincinv

from muguet.image.neighbours import median_over
from muguet.pattern.standing import MIN_FRAMES

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_MIN_SIDE = 64
_FALSE = 0.01  # Expected share of false discoveries among the noisy pixels.
_MIN_RATIO = 1.5  # A pixel with less than this many times the usual variance is left alone.
_MIN_PIXELS = 3  # Fewer noisy pixels than this change nothing that matters.
_CAUTION = 0.8  # The tail of the usual variances is taken to be heavier than that of χ², by fewer degrees of freedom.
# The neighbours of a point of light share this part of its changes, even if its image has a standard deviation of only
# half a pixel.
_POINT = 0.23
_MIN_SINGLE = (
    0.1  # Noisy pixels are at least this part of all that change more than usual, or else none is accepted.
)
_MIN_LOW = (
    0.2  # The quantile of 10 % is larger than this part of the median: for χ² of three or more degrees it is.
)
_N_BINS, _MIN_BIN = 16, 1000

_FOUR = [(-1, 0), (1, 0), (0, -1), (0, 1)]
_EIGHT = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if (y, x) != (0, 0)]
_RING = [(y, x) for y in range(-2, 3) for x in range(-2, 3) if max(abs(y), abs(x)) == 2]
# A difference of frames minus the median of those of its four neighbours has the noise of 1 + 0.3 pixels.
_NEIGHBOURS = 0.298


@dataclass(frozen=True, eq=False)
class NoisyPixels:
    """The noisy pixels of a movie.

    Attributes
    ----------
    variance
        Variance of the noise of every pixel ``(y, x)`` relative to what is usual at its signal; 1 where it is usual.
    error
        Relative standard error of `variance`, for a pixel with Gaussian noise.
    """

    variance: Floats
    error: float

    @property
    def count(self) -> int:
        """Number of noisy pixels."""
        return int((self.variance > 1).sum())

    @property
    def ratio(self) -> float:
        """Standard deviation of the noise of noisy pixels relative to the usual one; the median."""
        return float(np.sqrt(np.median(self.variance[self.variance > 1])))


def find_noisy_pixels(frames: Iterable[Floats]) -> NoisyPixels | None:
    """Return the pixels of a movie that are noisier than their neighbours and their signal allow, or None.

    With d the differences of successive frames over √2 and h = d − median of d at the four neighbours, which contains
    little of a scene that moves or fades, v is the mean of h² without its two largest values, so that no single event,
    which changes two differences, makes a pixel noisy. Three conditions define a noisy pixel:

    1. v is larger than at most pixels of its signal, and than the median of v at the sixteen pixels two steps away,
       which is large where the scene changes. The chance of a usual pixel follows from the χ² distribution that has
       the quantiles 50 % and 90 % of v at this signal, with fewer degrees of freedom for caution; the share of false
       discoveries is controlled by the procedure of Benjamini and Hochberg (1995).
    2. Its changes are its own. Light is spread over several pixels by the optics: with X the part of the variance of d
       beyond the usual, the covariances of d with its four neighbours are at least 0.23 X (root mean square) for any
       point of light that blinks or moves. They must be smaller than that by one standard error.
    3. Of all pixels that fulfil the first, at least a tenth fulfil the second.

    Parameters
    ----------
    frames
        Frames ``(y, x)`` in counts in the order of time, read one after the other; NaN where a pixel is missing.
    """
    sums = _Sums()
    for first, second in pairwise(frames):
        sums.add(first, second)
    if sums.pairs < MIN_FRAMES - 1 or min(sums.total.shape) < _MIN_SIDE:
        return None
    known = sums.count >= 0.5 * sums.pairs
    if known.sum() < max(0.5 * known.size, _MIN_BIN):
        return None
    own = np.where(known, sums.total / np.maximum(sums.count, 1), np.nan)
    level = median_over(_around(own, _EIGHT))
    known &= np.isfinite(level)
    ratio = sums.trimmed() / _usual(sums.trimmed(), own, level, known)
    relative, chance, error = _chances(ratio, level, known)
    found = known & (chance < _limit(chance[known])) & (relative > _MIN_RATIO)
    single = found & _changes_alone(sums, own, level, known)
    if single.sum() < max(_MIN_PIXELS, _MIN_SINGLE * found.sum()):
        return None
    variance = np.where(single, 1 + (1 + _NEIGHBOURS) * (relative - 1), 1.0)
    return NoisyPixels(variance, error)


class _Sums:
    """Sums over pairs of successive frames, of which only two are in memory."""

    def __init__(self) -> None:
        self.pairs = 0

    def add(self, first: Floats, second: Floats) -> None:
        """Add a pair of frames; pixels with a missing value among the five that are compared do not count."""
        change = (second - first) / np.sqrt(2)
        around = _around(change, _FOUR)
        middle = 0.5 * (around.sum(0) - around.max(0) - around.min(0))
        high = change - middle
        known = np.isfinite(high)
        square = np.where(known, high**2, 0.0)
        values = np.where(known, change, 0.0)
        if not self.pairs:
            zeros = np.zeros_like(change)
            self.count, self.total, self.high, self.square = zeros, zeros.copy(), zeros.copy(), zeros.copy()
            self.first, self.second, self.products = zeros.copy(), zeros.copy(), np.zeros_like(around)
        self.pairs += 1
        self.count += known
        self.total += np.where(known, 0.5 * (first + second), 0.0)
        self.high += square
        self.square += values**2
        self.products += np.where(known, around * values, 0.0)
        self.second = np.maximum(self.second, np.minimum(self.first, square))
        self.first = np.maximum(self.first, square)

    def trimmed(self) -> Floats:
        """Return the mean square of h without its two largest values."""
        found: Floats = (self.high - self.first - self.second) / np.maximum(self.count - 2, 1)
        return found


def _around(plane: Floats, offsets: list[tuple[int, int]]) -> Floats:
    """Return the plane moved by each offset, mirrored at the borders."""
    height, width = plane.shape
    padded = np.pad(plane, 2, mode="reflect")
    return np.stack([padded[2 + y : 2 + y + height, 2 + x : 2 + x + width] for y, x in offsets])


def _bins(level: Floats, known: Mask) -> list[npt.NDArray[np.intp]]:
    """Return the flat indices of pixels in bins of their signal, from the darkest on."""
    places = np.flatnonzero(known)
    order = places[np.argsort(level.ravel()[places], kind="stable")]
    return np.array_split(order, int(np.clip(order.size // _MIN_BIN, 1, _N_BINS)))


def _usual(values: Floats, own: Floats, level: Floats, known: Mask) -> Floats:
    """Return the value that is usual at the signal of each pixel or, where it is larger, around the pixel.

    The signal is that of the pixel or of its neighbours, the larger of both. The usual value of a bin is its median, or
    half of its mean if that is larger, as where most differences are zero. Beyond the last bin it goes on along the
    median slope.
    """
    bins = _bins(level, known)
    at = np.array([level.ravel()[each].mean() for each in bins])
    usual = np.array([max(np.median(v), 0.5 * v.mean()) for v in (values.ravel()[each] for each in bins)])
    half = len(bins) // 2
    rise = (usual[half:] - usual[: len(bins) - half]) / np.maximum(at[half:] - at[: len(bins) - half], 1e-300)
    slope = max(float(np.median(rise)), 0.0) if half else 0.0
    signal = np.fmax(own, level)
    law = np.interp(signal, at, usual) + slope * np.maximum(signal - at[-1], 0.0)
    around = median_over(_around(np.where(known, values, np.nan), _RING))
    found: Floats = np.maximum(np.fmax(law, around), 1e-300)
    return found


def _chances(ratio: Floats, level: Floats, known: Mask) -> tuple[Floats, Floats, float]:
    """Return the ratio relative to its median, the chance that a usual pixel has a larger one, and its error."""
    relative, chance = np.ones(ratio.shape), np.ones(ratio.shape)
    freedom = np.geomspace(0.3, 3000, 300)
    # The ratio of two quantiles of χ² falls with the degrees of freedom.
    steepness = gammaincinv(freedom / 2, 0.9) / gammaincinv(freedom / 2, 0.5)
    errors = []
    for each in _bins(level, known):
        values = ratio.ravel()[each]
        low, middle, high = np.quantile(values, (0.1, 0.5, 0.9))
        if low <= _MIN_LOW * middle:  # Most differences are zero: noise and single photons are the same here.
            continue
        n = _CAUTION * float(np.interp(high / middle, steepness[::-1], freedom[::-1]))
        relative.ravel()[each] = values / middle
        chance.ravel()[each] = chdtrc(n, values / middle * 2 * gammaincinv(n / 2, 0.5))
        errors.append(np.sqrt(2 / n))
    return relative, chance, float(np.median(errors)) if errors else 1.0


def _limit(chances: Floats) -> float:
    """Return the chance below which the expected share of false discoveries is `_FALSE`."""
    ordered = np.sort(chances)
    passed = np.flatnonzero(ordered <= _FALSE * np.arange(1, ordered.size + 1) / ordered.size)
    return float(np.nextafter(ordered[passed[-1]], 1)) if passed.size else 0.0


def _changes_alone(sums: _Sums, own: Floats, level: Floats, known: Mask) -> Mask:
    """Return the pixels whose neighbours do not share their changes as they would share those of a point of light."""
    number = np.maximum(sums.count, 1)
    square = sums.square / number
    excess = square - _usual(square, own, level, known)
    # Successive differences share a frame, and half of their noise: the variance of a mean product is 1.5 times that
    # of independent ones.
    chance = 1.5 * square * _around(square, _FOUR).sum(0) / number
    shared = np.maximum(((sums.products / number) ** 2).sum(0) - chance, 0.0)
    limit = 2 * _POINT * excess  # Four neighbours, root of the sum of squares.
    found: Mask = (excess > 0) & (np.sqrt(shared) + np.sqrt(chance) < limit)
    return found
