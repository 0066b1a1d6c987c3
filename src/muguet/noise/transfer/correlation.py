"""Correlation of the noise of neighbouring pixels, measured on images alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from muguet.errors import MuguetError
from muguet.noise.transfer.bins import Floats
from muguet.noise.transfer.highpass import TAPS, high_pass_along
from muguet.noise.transfer.local import local_mean

LAGS = 4
"""Largest distance of two pixels whose correlation is measured, in pixels."""

# Below this correlation a mask of one pixel still works; the detector of the FMD images has 0.05.
_MIN_CORRELATION = 0.1
# Up to this correlation, what both axes have in common may come from a sharp image with little noise.
_MAX_COMMON = 0.3
# A smaller correlation may come from a scene that is sharper along one axis.
_MIN_CLEAR = 0.02
# Values are clipped at this many standard deviations: hot pixels and edges would dominate otherwise.
_CLIP = 4.0
_MIN_LINES = 0.03  # Lines are reported if they share at least this part of the variance …
_MIN_FAR = 0.7  # … and pixels of a line that are far apart at least this part of what neighbours share.
_MEDIAN_SQUARE = 0.455  # Median of the square of a standard normal variable.
_WINDOW = (9, 33)  # The local variance is that of this many pixels across and along.


@dataclass(frozen=True)
class Correlation:
    """Correlation of the noise of two pixels that lie 1, 2 … apart along Y and along X.

    Attributes
    ----------
    y, x
        Correlations ``(LAGS,)``, −1 to 1; zero for noise that is independent from pixel to pixel.
    error
        Standard error of each correlation, for independent noise.
    rows, columns
        Correlation of all pixels of a row, or of a column, at any distance: the share of the variance of the noise that
        whole lines have in common.
    """

    y: Floats
    x: Floats
    error: float
    rows: float = 0.0
    columns: float = 0.0

    @property
    def lines(self) -> str:
        """Return "rows" or "columns" if whole lines share an offset, else an empty text.

        Noise that neighbours share is shared less from lag to lag; that of a line is the same at any distance.
        """
        one, other = sorted((self.rows, self.columns), reverse=True)
        near = float(self.x[0] if self.rows >= self.columns else self.y[0])
        if one < max(_MIN_LINES, 3 * self.error) or one < 4 * other or one < _MIN_FAR * near:
            return ""
        return "rows" if self.rows > self.columns else "columns"

    @property
    def reach(self) -> tuple[int, int]:
        """Number of neighbours on either side that share a pixel's noise, along Y and X; a mask must hide them as well.

        An axis counts if its correlation exceeds that of the other axis by 0.1 and by three standard errors. The
        correlation that both axes have in common is ignored below 0.3: it may be fine structure of a sharp image. The
        noise of whole lines is no reason to hide neighbours, as the other pixels of the line contain it as well.
        """
        if self.lines:
            return 0, 0
        threshold = max(_MIN_CORRELATION, 3 * self.error)
        both = min(float(self.y[0]), float(self.x[0]))
        common = both if both < _MAX_COMMON else 0.0
        return _reach(self.y - common, threshold), _reach(self.x - common, threshold)

    @property
    def passed(self) -> float:
        """Share of the variance of the noise that passes `muguet.noise.transfer.highpass.high_pass`.

        It is 1 + 2 r ρ, with r = Σ hⱼ hⱼ₊₁ = −6/7 of the filter and ρ the correlation from one pixel to the next along
        Y or X, as far as it exceeds that along the other axis; a detector that is too slow for the scan is an example.
        What both axes have in common is attributed to the scene. The share is 1 where the larger correlation is not
        four times the smaller one, where it is not clearly above zero, and where masks hide neighbours (`reach`).
        """
        if self.lines:
            return 1.0  # The filter removes what a whole line shares.
        other, one = sorted((float(self.y[0]), float(self.x[0])))
        own = one - max(other, 0.0)
        if any(self.reach) or own <= max(_MIN_CLEAR, 3 * self.error) or 4 * other > one:
            return 1.0
        return 1 + 2 * float(TAPS[1:] @ TAPS[:-1]) * own

    def as_dict(self) -> dict[str, list[float] | float]:
        """Return the values for the header of a file."""
        lines = {"rows": self.rows, "columns": self.columns} if self.lines else {}
        return {"y": self.y.tolist(), "x": self.x.tolist(), "error": self.error, **lines}

    def sentence(self) -> str:
        """Return a sentence for the user if the noise is correlated, else an empty string."""
        if self.lines:
            share = max(self.rows, self.columns)
            return (
                f"Line noise: whole {self.lines} share an offset, whose standard deviation is "
                f"{np.sqrt(share / max(1 - share, 1e-3)):.2g} times that of the noise of single pixels, as from the "
                f"read-out of some cameras or an unsteady laser or scanner. Hiding neighbours does not help, and "
                f"denoising keeps the lines as structure, unless their offsets are subtracted first, as muguet denoise "
                "does with --lines auto where the scene does not look alike."
            )
        found = [
            f"along {axis} ({values[0]:+.2f} from one pixel to the next)"
            for axis, values, reach in zip("YX", (self.y, self.x), self.reach, strict=True)
            if reach
        ]
        if not found:
            return ""
        return (
            f"The noise is correlated {' and '.join(found)}: neighbouring pixels share part of their noise."
        )


def noise_correlation(planes: Floats) -> Correlation:
    """Measure the correlation of the noise along Y and X on images that contain their signal.

    Along X, the planes are first filtered by sixth differences along Y only (`muguet.noise.transfer.highpass`):
    little is left of a well-sampled scene, and white noise stays white along X. With z the result divided by its local
    standard deviation (that of the 9×33 pixels around) and clipped at ±4, the correlation at lag k is
    ⟨z(y, x) z(y, x + k)⟩ / ⟨z²⟩. The same is done along Y with the axes exchanged. Structure finer than the optical
    resolution, such as an edge without blur, adds to the correlation.

    Parameters
    ----------
    planes
        Planes ``(n, y, x)`` with NaN for missing and saturated pixels.

    Raises
    ------
    MuguetError
        If planes are smaller than 16×16 pixels, or too few pixels are known.
    """
    if min(planes.shape[-2:]) < 16:
        raise MuguetError(
            f"planes of {planes.shape[-2:]} pixels are too small to measure noise: give 16×16 or more"
        )
    x, count, rows = _along_x(planes)
    y, other, columns = _along_x(planes.swapaxes(-1, -2))
    return Correlation(y, x, float(np.sqrt(2 / max(min(count, other), 1))), rows, columns)


def mean_correlation(images: Iterable[Floats]) -> Correlation | None:
    """Return the mean correlation of several images ``(n, y, x)``; None if all are too small to measure."""
    found = []
    for image in images:
        try:
            found.append(noise_correlation(image))
        except MuguetError:  # The image is too small, or has too many missing pixels.
            continue
    if not found:
        return None
    y, x = (np.mean([getattr(each, axis) for each in found], axis=0) for axis in ("y", "x"))
    rows, columns = (float(np.mean([getattr(each, name) for each in found])) for name in ("rows", "columns"))
    error = float(np.sqrt(np.mean([each.error**2 for each in found]) / len(found)))
    return Correlation(y, x, error, rows, columns)


def _along_x(planes: Floats) -> tuple[Floats, int, float]:
    """Return correlations at lags 1 to LAGS along the last axis, the number of pixels, and the share of whole rows."""
    products, count = np.zeros(LAGS + 1), np.zeros(LAGS + 1)
    shares: list[Floats] = []
    for plane in planes:
        # Rounding errors are not noise: a variance must be larger than those of the largest value. Division by a power
        # of two is exact, and keeps the squares of values near 1e298 finite.
        reference, exponent = np.frexp(float(np.abs(plane[np.isfinite(plane)]).max(initial=0)) + 1e-300)
        rough = high_pass_along(np.ldexp(plane, -int(exponent)), -2)
        there = np.isfinite(rough)
        rough[~there] = 0
        around = local_mean(there.astype(np.float64), _WINDOW)
        variance = local_mean(rough**2, _WINDOW) / np.maximum(around, 1e-9)
        there &= (around > 0.5) & (variance > (1e-9 * reference) ** 2)
        z = np.where(there, np.clip(rough / np.sqrt(np.where(there, variance, 1)), -_CLIP, _CLIP), 0)
        shares.append(_shared_by_rows(z, there))
        for lag in range(LAGS + 1):
            one, two = z[:, lag:], z[:, : z.shape[1] - lag]
            products[lag] += float((one * two).sum())
            count[lag] += int((there[:, lag:] & there[:, : z.shape[1] - lag]).sum())
    if count[LAGS] < 200 or products[0] <= 0:
        raise MuguetError("fewer than 200 pixels are neither missing nor saturated: too few to measure noise")
    means = products / count
    every = np.concatenate(shares)
    rows = float(np.median(every)) / _MEDIAN_SQUARE if every.size else 0.0
    # The squares are normal: the median of a χ² variable of one degree of freedom, for white noise 1 / width.
    return means[1:] / means[0], int(count[0]), max(rows / float(means[0]) - 1 / planes.shape[-1], 0.0)


def _shared_by_rows(z: Floats, there: npt.NDArray[np.bool_]) -> Floats:
    """Return the squared mean of z in each row of which at least half is known."""
    known = there.sum(1)
    some = known > z.shape[1] // 2
    squares: Floats = (z.sum(1)[some] / known[some]) ** 2
    return squares


def _reach(values: Floats, threshold: float) -> int:
    """Return the number of lags, from the first on, that are above a threshold."""
    below = np.flatnonzero(values <= threshold)
    return int(below[0]) if below.size else len(values)
