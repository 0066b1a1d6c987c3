"""How much noise successive frames of a movie and planes of a stack share, measured on residuals of estimates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

MAX_SHARED = 0.1
"""A larger correlation of the noise of successive planes, as after resampling along Z, is taken into account."""

MAX_SPREAD = 0.1
"""Correlations whose standard deviation is larger differ from plane to plane."""

MIN_SIDE = 16
"""The planes of a stack that help each other have at least this many pixels along each axis."""

FINE = (1.0, -2.0, 1.0)
"""The filter along Y and along X that leaves structures so fine that no optics resolve them."""

_MAX_LAG = {"T": 6, "Z": 3}  # The largest distance at which the noise is compared.
_MAX_PLANES = {"T": 16, "Z": 9}
_MIN_FRAMES = (
    8  # With fewer frames, what all have in common cannot be separated from what successive ones share.
)
_MIN_PAIRS = 3
_MIN_FAR = 0.03  # A smaller correlation at a distance of more than one plane counts as zero.
_MAX_FALL = 0.05  # Correlations of frames far apart that differ by no more are taken for a constant.
_SURE = 3.0  # Standard errors by which a correlation differs from zero.


def shared_noise(rests: Mapping[int, Floats], distance: int) -> list[float]:
    """Return the correlations of the noise of planes at a distance.

    Parameters
    ----------
    rests
        Residuals ``(y, x)`` by the number of the plane, with NaN where a pixel is missing.
    distance
        The difference of the numbers of two planes.
    """
    pairs = [_correlation(rest, rests[z + distance]) for z, rest in rests.items() if z + distance in rests]
    return [each for each in pairs if np.isfinite(each)]


def max_planes(axis: str) -> int:
    """Return the number of successive planes along an axis, T or Z, in which the noise is compared."""
    return _MAX_PLANES[axis]


def correlations_along(
    axis: str, series: Sequence[Mapping[int, Floats]], share: float = 1.0
) -> tuple[tuple[float, ...], float] | None:
    """Return the correlations of planes 1, 2 … apart, and their standard error; None if they are not the same for all.

    Along T, a pattern that stands still is in every frame, and no part of this correlation: with c(k) the correlation
    of residuals k frames apart and c(∞) that of frames far apart, ρ(k) = (c(k) − c(∞)) / (1 − c(∞)), which is what the
    differences of frames show.

    Parameters
    ----------
    axis
        T or Z.
    series
        The residuals of some successive planes of each movie or stack, see `shared_noise`.
    share
        The share of the variance of these residuals that is noise of the image; the rest was added to every plane anew.

    Returns
    -------
    tuple or None
        The correlations are empty if those of successive planes are at most `MAX_SHARED` or three standard errors.
        None if fewer than three pairs were measured, if the correlation differs from plane to plane, or if it has not
        fallen to a constant between frames that are far apart.
    """
    standing = _standing(series) if axis == "T" else 0.0
    if standing is None:
        return None
    found: list[float] = []
    error = 0.0
    for lag in range(1, _MAX_LAG[axis] + 1):
        pairs = np.array([each for rests in series for each in shared_noise(rests, lag)]) / share
        if len(pairs) < (_MIN_PAIRS if lag == 1 else 1):
            break
        pairs = (pairs - standing / share) / max(1 - standing / share, 1e-6)
        near, spread = float(np.median(pairs)), float(pairs.std())
        if lag == 1:
            error = spread / len(pairs) ** 0.5
            if spread > MAX_SPREAD:
                return None
        if abs(near) <= max(MAX_SHARED if lag == 1 else _MIN_FAR, _SURE * error):
            return tuple(found), error
        found.append(round(min(max(near, -1.0), 1.0), 4))
    return (tuple(found), error) if found else None


def _standing(movies: Sequence[Mapping[int, Floats]]) -> float | None:
    """Return the correlation of residuals of frames that are far apart; None if it depends on how far."""
    length = min((len(rests) for rests in movies), default=0)
    if length < _MIN_FRAMES:
        return None
    limits = length // 2, 3 * length // 4, length
    far, farther = (
        np.array([each for rests in movies for lag in range(*ends) for each in shared_noise(rests, lag)])
        for ends in pairwise(limits)
    )
    if min(len(far), len(farther)) < _MIN_PAIRS:
        return None
    error = float(np.hypot(far.std() / len(far) ** 0.5, farther.std() / len(farther) ** 0.5))
    if abs(float(np.median(far) - np.median(farther))) > max(_MAX_FALL, _SURE * error):
        return None
    return float(np.median(np.concatenate([far, farther])))


def _correlation(one: Floats, other: Floats) -> float:
    """Return the correlation of two residuals in structures so fine that no optics resolve them."""
    first, second = (np.diff(np.diff(each, 2, 0), 2, 1) for each in (one, other))
    known = np.isfinite(first) & np.isfinite(second)
    if known.sum() < MIN_SIDE**2 / 2:
        return float("nan")
    a, b = first[known], second[known]
    return float((a * b).mean() / max(float(np.sqrt((a**2).mean() * (b**2).mean())), 1e-30))
