"""How much noise successive planes of a stack share, measured on the residuals of estimates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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

_MAX_LAG = 3
_MIN_PAIRS = 3
_MIN_FAR = 0.03  # A smaller correlation at a distance of more than one plane counts as zero.
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


def correlations_along_z(
    stacks: Sequence[Mapping[int, Floats]], share: float = 1.0
) -> tuple[tuple[float, ...], float] | None:
    """Return the correlations of planes 1, 2 … apart, and their standard error; None if they are not the same for all.

    Parameters
    ----------
    stacks
        The residuals of some successive planes of each stack, see `shared_noise`.
    share
        The share of the variance of these residuals that is noise of the image; the rest was added to every plane anew.

    Returns
    -------
    tuple or None
        The correlations are empty if those of successive planes are at most `MAX_SHARED` or three standard errors.
        None if fewer than three pairs were measured, or if the correlation differs from plane to plane.
    """
    found: list[float] = []
    error = 0.0
    for lag in range(1, _MAX_LAG + 1):
        pairs = np.array([each for rests in stacks for each in shared_noise(rests, lag)]) / share
        if len(pairs) < (_MIN_PAIRS if lag == 1 else 1):
            break
        near, spread = float(np.median(pairs)), float(pairs.std())
        if lag == 1:
            error = spread / len(pairs) ** 0.5
            if spread > MAX_SPREAD:
                return None
        if abs(near) <= max(MAX_SHARED if lag == 1 else _MIN_FAR, _SURE * error):
            return tuple(found), error
        found.append(round(min(max(near, -1.0), 1.0), 4))
    return (tuple(found), error) if found else None


def _correlation(one: Floats, other: Floats) -> float:
    """Return the correlation of two residuals in structures so fine that no optics resolve them."""
    first, second = (np.diff(np.diff(each, 2, 0), 2, 1) for each in (one, other))
    known = np.isfinite(first) & np.isfinite(second)
    if known.sum() < MIN_SIDE**2 / 2:
        return float("nan")
    a, b = first[known], second[known]
    return float((a * b).mean() / max(float(np.sqrt((a**2).mean() * (b**2).mean())), 1e-30))
