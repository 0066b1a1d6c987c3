"""Whether a noisy and a clean image show the same scene at the same place, measured on the two."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from muguet.errors import MuguetError
from muguet.noise.numerics import power_of_two
from muguet.noise.transfer.bins import Floats

_BLOCK = 8  # Side in pixels of the blocks whose means are compared; 4 in planes of fewer than 96 pixels.
_MAX_SHIFT = 16  # Shifts of up to this many pixels along each axis are looked for.
_MAX_SIDE = 512  # A larger plane is compared in its middle.
_MIN_BLOCKS = 16
_MAX_ERROR = 0.15  # A correlation with a larger standard error is not judged.
_WRONG = 0.5  # Below this correlation the images show different scenes.
_DOUBTFUL = 0.9  # Below this one, they may.
_MIN_CHI2 = 40.0  # A shift must lower the squared residual by this many variances of the noise.
_SLOPES = 0.8, 1.25  # Outside of these, noisy and clean image are not in the same units.


@dataclass(frozen=True)
class Match:
    """How well two planes match.

    Attributes
    ----------
    correlation
        Correlation of the signals of the two planes, in means of blocks, without the noise of either; NaN if one of
        them shows no structure above its noise.
    error
        Standard error of the correlation.
    slope, offset
        The line noisy = slope · clean + offset through the means of blocks.
    shift
        Pixels along Y and X by which the clean plane must be moved to match best; zeros if no shift is certain.
    """

    correlation: float
    error: float
    slope: float
    offset: float
    shift: tuple[int, int] = (0, 0)

    @property
    def judged(self) -> bool:
        """Whether the planes show enough structure above their noise for a judgement."""
        return math.isfinite(self.correlation) and self.error <= _MAX_ERROR

    @property
    def wrong(self) -> str:
        """Why the planes certainly do not belong together, as a part of a sentence; empty if that is not certain."""
        if not self.judged:
            return ""
        if self.correlation + 3 * self.error < _WRONG:
            return (
                f"do not show the same scene (the correlation of their structures is {self.correlation:.2f})"
            )
        if max(map(abs, self.shift)) > 1:
            return f"are shifted against each other by {abs(self.shift[0])} and {abs(self.shift[1])} pixels in Y and X"
        return ""

    @property
    def doubt(self) -> str:
        """Why the planes may not belong together; empty if there is no doubt."""
        if not self.judged or self.wrong:
            return ""
        if self.correlation + 2 * self.error < _DOUBTFUL:
            return (
                f"may not show the same scene (the correlation of their structures is {self.correlation:.2f})"
            )
        if any(self.shift):
            return "are shifted against each other by about one pixel"
        return ""

    @property
    def units(self) -> str:
        """Why the planes are not in the same units, as a part of a sentence; empty if they are."""
        sure = self.judged and not _SLOPES[0] <= self.slope <= _SLOPES[1]
        if not sure or abs(self.slope - 1) <= 3 * self.error * abs(self.slope):
            return ""
        sign = "+" if self.offset >= 0 else "−"
        return f"are not in the same units (noisy = {self.slope:.3g} · clean {sign} {abs(self.offset):.3g})"


def match(noisy: npt.ArrayLike, clean: npt.ArrayLike) -> Match:
    """Return how well a noisy plane ``(y, x)`` and a clean one of the same shape match.

    The pixels of each plane are split like the squares of a chessboard into two halves that show the same signal with
    independent noise. The covariance of the means of the halves over all blocks is the variance V of the signal, which
    gives the correlation of the two signals cov(noisy, clean) / √(V V′) whatever the noise is (Spearman 1904,
    doi:10.2307/1412159), and so for a second noisy image in place of the clean one. Pixels that are not finite in both
    are left out.

    A shift is accepted if it lowers the residual of the regression of all pixels by 40 variances of the noise.
    """
    one, other = (np.asarray(each, np.float64) for each in (noisy, clean))
    if one.shape != other.shape or one.ndim != 2:
        raise MuguetError(
            f"planes of {one.shape} and {other.shape} do not match: give two planes of one shape"
        )
    one, other = _middle(one), _middle(other)
    power = power_of_two(one, other)  # Squares of very large and very small values would not be numbers.
    one, other = np.ldexp(one, -power), np.ldexp(other, -power)
    known = np.isfinite(one) & np.isfinite(other)
    side = _BLOCK if min(one.shape) >= 12 * _BLOCK else _BLOCK // 2
    means = [_halves(each, known, side) for each in (one, other)]
    some = np.isfinite(means[0]).all(0) & np.isfinite(means[1]).all(0)
    if some.sum() < _MIN_BLOCKS:
        return Match(math.nan, math.inf, math.nan, math.nan)
    (a, b), (c, d) = ((each[0][some], each[1][some]) for each in means)
    own, clean_own = _covariance(a, b), _covariance(c, d)
    y, x = (a + b) / 2, (c + d) / 2
    if not (own > 0 and clean_own > 0):
        return Match(math.nan, math.inf, math.nan, math.nan)
    both = _covariance(y, x)
    error = float(np.sqrt(y.var() * x.var() / (own * clean_own) / len(y)))
    slope = both / clean_own
    return Match(
        both / math.sqrt(own * clean_own),
        error,
        slope,
        float(np.ldexp(y.mean() - slope * x.mean(), power)),
        _shift(one, other, known),
    )


def require_pairs(
    noisy: npt.ArrayLike, clean: npt.ArrayLike, *, same_units: bool = False, most: int = 8
) -> tuple[str, ...]:
    """Return sentences on doubts that planes belong together.

    Parameters
    ----------
    noisy, clean
        Planes ``(..., y, x)`` of one shape, or one clean plane for all.
    same_units
        Whether both must be in the same units, as to measure noise.
    most
        At most this many planes are compared, evenly spaced.

    Raises
    ------
    MuguetError
        If two planes certainly do not belong together.
    """
    planes = np.asarray(noisy)
    shape = planes.shape
    planes = planes.reshape(-1, *shape[-2:])
    partners = np.broadcast_to(np.asarray(clean), shape).reshape(-1, *shape[-2:])
    chosen = np.unique(np.linspace(0, len(planes) - 1, min(len(planes), most)).astype(int))
    doubts: list[str] = []
    for at in chosen:
        found = match(planes[at], partners[at])
        where = f" in plane {at}" if len(planes) > 1 else ""
        if found.wrong:
            raise MuguetError(
                f"the noisy and the clean image{where} {found.wrong}: give images of one scene, pixel by pixel"
            )
        if same_units and found.units:
            raise MuguetError(
                f"the noisy and the clean image{where} {found.units}: bring both to the counts of the camera"
            )
        if found.doubt:
            doubts.append(f"The noisy and the clean image{where} {found.doubt}.")
    return tuple(doubts[:1])


def _middle(plane: Floats) -> Floats:
    """The middle of a plane, of at most `_MAX_SIDE` pixels along each axis."""
    height, width = (min(size, _MAX_SIDE) for size in plane.shape)
    top, left = (plane.shape[0] - height) // 2, (plane.shape[1] - width) // 2
    return plane[top : top + height, left : left + width]


def _halves(plane: Floats, known: npt.NDArray[np.bool_], side: int) -> Floats:
    """Means ``(2, rows, columns)`` of the two colours of a chessboard in each block; NaN where few pixels are known."""
    rows, columns = (size // side for size in plane.shape)
    colour = np.add.outer(np.arange(rows * side), np.arange(columns * side)) % 2
    found = []
    for half in (0, 1):
        use = known[: rows * side, : columns * side] & (colour == half)
        values = np.where(use, plane[: rows * side, : columns * side], 0.0)
        total, count = (each.reshape(rows, side, columns, side).sum((1, 3)) for each in (values, use))
        found.append(np.where(count >= side * side // 4, total / np.maximum(count, 1), np.nan))
    return np.stack(found)


def _covariance(one: Floats, other: Floats) -> float:
    return float(np.mean((one - one.mean()) * (other - other.mean())))


def _shift(noisy: Floats, clean: Floats, known: npt.NDArray[np.bool_]) -> tuple[int, int]:
    """The shift of the clean plane that correlates best, or zeros if it is not certainly better than none."""
    far = min(_MAX_SHIFT, min(noisy.shape) // 8)
    inner = known.copy()  # Only pixels whose partner is inside the plane for every shift are compared.
    for axis in (0, 1):
        edge = np.moveaxis(inner, axis, 0)
        edge[:far] = edge[len(edge) - far :] = False
    weight = inner.astype(np.float64)
    number = weight.sum()
    if far < 1 or number < 256:
        return 0, 0
    y = np.where(inner, noisy - noisy[inner].mean(), 0.0)
    x = np.where(known, clean - clean[known].mean(), 0.0)
    spectrum, square = np.fft.rfft2(x), np.fft.rfft2(x**2)

    def sums(field: npt.NDArray[np.complex128], by: Floats) -> Floats:
        """Sums of a shifted field over the inner pixels, for every shift of up to `far` pixels."""
        whole = np.fft.irfft2(field.conj() * np.fft.rfft2(by), s=x.shape)
        found: Floats = np.roll(whole, (far, far), (0, 1))[: 2 * far + 1, : 2 * far + 1]
        return found

    variance = sums(square, weight) / number - (sums(spectrum, weight) / number) ** 2
    covariance = sums(spectrum, y) / number
    explained = covariance * np.abs(covariance) / np.maximum(variance, 1e-12 * float(x.var()) + 1e-300)
    best = np.unravel_index(int(np.argmax(explained)), explained.shape)
    rest = float((y**2).sum() / number) - float(explained[best])
    gain = number * float(explained[best] - explained[far, far]) / max(rest, 1e-300)
    return (int(best[0]) - far, int(best[1]) - far) if gain > _MIN_CHI2 else (0, 0)
