"""Whether the noise of neighbours is related, measured on images alone, before anything is trained."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from muguet.errors import MuguetError
from muguet.noise.transfer.bins import Floats
from muguet.noise.transfer.highpass import TAPS, high_pass_along

LAGS = 4
_RELATED = 0.1  # of the correlation: below it a mask of one pixel still works; FMD's detector has 0.05
_SHARP = 0.3  # alike along both axes it may be the image, up to here, if that is sharp and hardly noisy
_CLEAR = 0.02  # of the correlation: less may be a scene that is sharper along one axis
_FAR = 4.0  # standard deviations, where products are cut: hot pixels and edges would outweigh all else
_AROUND = (9, 33)  # pixels across and along: where the local variance comes from


@dataclass(frozen=True)
class Correlation:
    """Correlation of the noise of pixels that lie 1, 2 … apart along Y and along X.

    Attributes
    ----------
    y, x
        ``(LAGS,)``, −1 to 1, zero for noise that is independent from pixel to pixel.
    error
        Standard error of each, if it is.
    """

    y: Floats
    x: Floats
    error: float

    @property
    def reach(self) -> tuple[int, int]:
        """How many neighbours on either side share a pixel's noise, along Y and X: what a mask must hide as well.

        An axis counts if its correlation is over 0.1 (and three standard errors) and as much above that of the
        other axis. What both axes have alike counts from 0.3: it may be fine structure of a sharp image.
        """
        least = max(_RELATED, 3 * self.error)
        both = min(float(self.y[0]), float(self.x[0]))
        common = both if both < _SHARP else 0.0
        return _reach(self.y - common, least), _reach(self.x - common, least)

    @property
    def passed(self) -> float:
        """Share of the noise's variance that `muguet.noise.transfer.highpass.high_pass` lets through.

        1 + 2 r ρ, with r = Σ hⱼ hⱼ₊₁ = −6/7 of the filter and ρ the correlation from one pixel to the next along Y or
        X, as far as it exceeds that along the other: a detector that is too slow for its line, say. What both axes
        have is the scene: 1 where the larger is not four times the smaller, where nothing is clear, and where masks
        hide neighbours (`reach`).
        """
        other, one = sorted((float(self.y[0]), float(self.x[0])))
        own = one - max(other, 0.0)
        if any(self.reach) or own <= max(_CLEAR, 3 * self.error) or 4 * other > one:
            return 1.0
        return 1 + 2 * float(TAPS[1:] @ TAPS[:-1]) * own

    def as_dict(self) -> dict[str, list[float] | float]:
        """For a file's header."""
        return {"y": self.y.tolist(), "x": self.x.tolist(), "error": self.error}

    def told(self) -> str:
        """A sentence for the user if noise is correlated, else nothing."""
        found = [
            f"along {axis} ({values[0]:+.2f} from one pixel to the next)"
            for axis, values, reach in zip("YX", (self.y, self.x), self.reach, strict=True)
            if reach
        ]
        if not found:
            return ""
        return f"The noise is correlated {' and '.join(found)}: a pixel's neighbours tell of its own noise."


def noise_correlation(planes: Floats) -> Correlation:
    """Correlation of the noise along Y and X, of planes that still hold their signal.

    Along X, the planes are first filtered by sixth differences along Y only (`muguet.noise.transfer.highpass`):
    what is left of a well-sampled scene is little, and white noise stays white along X. Divided by its local
    standard deviation z (that of the 9×33 pixels around), the correlation at lag k is ⟨z(y, x) z(y, x + k)⟩ / ⟨z²⟩,
    products of values cut at four standard deviations. The same along Y with the axes exchanged. Structure finer
    than the optics' limit, an edge without blur, adds to it.

    Parameters
    ----------
    planes
        ``(n, y, x)``, missing and clipped pixels NaN.

    Raises
    ------
    MuguetError
        If planes are smaller than 16×16 pixels, or too few pixels are there.
    """
    if min(planes.shape[-2:]) < 16:
        raise MuguetError(
            f"planes of {planes.shape[-2:]} pixels are too small to measure noise: give 16×16 or more"
        )
    x, count = _along_x(planes)
    y, other = _along_x(planes.swapaxes(-1, -2))
    return Correlation(y, x, float(np.sqrt(2 / max(min(count, other), 1))))


def mean_correlation(images: Iterable[Floats]) -> Correlation | None:
    """Mean correlation of several images ``(n, y, x)``; None if none of them is large enough to tell."""
    found = []
    for image in images:
        try:
            found.append(noise_correlation(image))
        except MuguetError:  # too small, or too much of it missing
            continue
    if not found:
        return None
    y, x = (np.mean([getattr(each, axis) for each in found], axis=0) for axis in ("y", "x"))
    return Correlation(y, x, float(np.sqrt(np.mean([each.error**2 for each in found]) / len(found))))


def _along_x(planes: Floats) -> tuple[Floats, int]:
    """Correlations at lags 1 to LAGS along the last axis, and how many pixels told of them."""
    products, count = np.zeros(LAGS + 1), np.zeros(LAGS + 1)
    for plane in planes:
        reference = float(np.abs(plane[np.isfinite(plane)]).max(initial=0)) + 1e-300  # rounding is not noise
        rough = high_pass_along(plane, -2)
        there = np.isfinite(rough)
        rough[~there] = 0
        around = _around(there.astype(np.float64))
        variance = _around(rough**2) / np.maximum(around, 1e-9)
        there &= (around > 0.5) & (variance > (1e-9 * reference) ** 2)
        z = np.where(there, np.clip(rough / np.sqrt(np.where(there, variance, 1)), -_FAR, _FAR), 0)
        for lag in range(LAGS + 1):
            one, two = z[:, lag:], z[:, : z.shape[1] - lag]
            products[lag] += float((one * two).sum())
            count[lag] += int((there[:, lag:] & there[:, : z.shape[1] - lag]).sum())
    if count[LAGS] < 200 or products[0] <= 0:
        raise MuguetError(
            "fewer than 200 pixels that are neither missing nor saturated: too few to measure noise"
        )
    means = products / count
    return means[1:] / means[0], int(count[0])


def _around(plane: Floats) -> Floats:
    """Mean of the pixels around, as many as there are within the plane."""
    for axis, width in enumerate(_AROUND):
        size = plane.shape[axis]
        total = np.concatenate([np.zeros_like(plane.take([0], axis)), plane.cumsum(axis)], axis)
        first = np.clip(np.arange(size) - width // 2, 0, None)
        last = np.clip(np.arange(size) + width // 2 + 1, None, size)
        shape = [-1 if a == axis else 1 for a in range(2)]
        plane = (total.take(last, axis) - total.take(first, axis)) / (last - first).reshape(shape)
    return plane


def _reach(values: Floats, least: float) -> int:
    """Number of lags, from the first on, that are above `least`."""
    below = np.flatnonzero(values <= least)
    return int(below[0]) if below.size else len(values)
