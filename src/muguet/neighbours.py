"""Does time or depth help more? The frames of movies and the planes of stacks compared at the same pixels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from muguet.axial_weights import Single
from muguet.image.planes import Planes
from muguet.image.values import fill_missing
from muguet.movies import Movies
from muguet.prediction.movies import Movie
from muguet.volumes import Stack, Volumes

Floats = npt.NDArray[np.float64]
Trial = Callable[[Movie | Stack, Floats, npt.NDArray[np.bool_], int, slice, slice], Floats]
"""Function of a series, the values ``(held, y, x)`` of some of its planes in network units, the mask of those that were
measured, the channel, and which planes are held and wanted; it returns the estimate ``(y, x)`` of the one wanted."""

_PLANES = 6  # Errors are compared in at most this many planes of a channel,
_SIDE = 128  # on at most this many pixels along each axis, at their centre.
_PROBE = 0.05  # A plane is changed by this share of its noise to measure the slope of an estimate.


def better(
    movies: Movies, volumes: Volumes, source: Planes, single: Single, trial: Trial
) -> Movies | Volumes:
    """Return the movies or the stacks of an image, whichever leaves the smaller error by Stein's risk.

    Parameters
    ----------
    movies, volumes
        What was found of the image.
    source
        The planes of the image in counts.
    single
        How planes are estimated one by one.
    trial
        How a plane is estimated with its neighbours.
    """
    if not (movies.helps or volumes.helps):
        return Movies((), " ".join(filter(None, (movies.sentence, volumes.sentence))))
    if not (movies.helps and volumes.helps):
        return movies if movies.helps else volumes
    sides = single.side(source.shape[2:], _SIDE)
    starts = [(n - side) // 2 for n, side in zip(source.shape[2:], sides, strict=True)]
    square = tuple(slice(start, start + side) for start, side in zip(starts, sides, strict=True))
    time, depth = 0.0, 0.0
    for channel in range(source.shape[1]):
        for n in np.unique(np.linspace(0, source.shape[0] - 1, _PLANES + 2).round().astype(int)[1:-1]):
            risks = [
                _risk(trial, of_channels[channel], int(n), channel, source, single, square)
                for of_channels in (movies.of_channels, volumes.of_channels)
            ]
            known = np.isfinite(risks).all(0)
            time, depth = time + float(risks[0][known].sum()), depth + float(risks[1][known].sum())
    if time <= depth:
        return replace(movies, sentence=f"{movies.sentence} The planes around it would help less.")
    return replace(volumes, sentence=f"{volumes.sentence} The frames before and after it would help less.")


def _risk(
    trial: Trial,
    series: Sequence[Movie | Stack],
    n: int,
    channel: int,
    source: Planes,
    single: Single,
    square: tuple[slice, ...],
) -> Floats:
    """Return Stein's risk of the estimate of each pixel of a square of plane `n`, in network units.

    Stein 1981, doi:10.1214/aos/1176345632: (x̂ − y)² + 2 σ² ∂x̂/∂y, without the variance σ², which all estimates share.
    """
    law = single.variances[channel]
    one = next(each for each in series if n in each.planes)
    at = int(np.flatnonzero(one.planes == n)[0])
    held = slice(max(at - one.before, 0), min(at + one.after + 1, len(one.planes)))
    recorded = np.stack(
        [single.units(source.read(int(k), channel, square), channel) for k in one.planes[held]]
    )
    usable, own = np.isfinite(recorded), at - held.start
    if law is None or not usable[own].any():
        return np.full(recorded[own].shape, np.nan)
    values = np.stack([fill_missing(each) for each in recorded]).astype(np.float64)
    estimate = trial(one, values, usable, channel, held, slice(at, at + 1))
    variance = law(estimate)
    step = _PROBE * np.sqrt(variance) * np.random.default_rng(n).choice([-1.0, 1.0], estimate.shape)
    noisy = values[own].copy()
    values[own] += step
    slope = (trial(one, values, usable, channel, held, slice(at, at + 1)) - estimate) / step
    return np.where(usable[own], (estimate - noisy) ** 2 + 2 * variance * slope, np.nan)
