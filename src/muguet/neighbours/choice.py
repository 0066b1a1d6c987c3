"""Does time or depth help more? The frames of movies and the planes of stacks compared at the same pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch

from muguet.image.planes import Readable
from muguet.image.values import fill_missing
from muguet.neighbours.estimator import PlaneEstimator, sides, units_with_gaps
from muguet.neighbours.series import Neighbours, Series

Floats = npt.NDArray[np.float64]

_PLANES = 6  # Errors are compared in at most this many planes of a channel,
_SIDE = 128  # on at most this many pixels along each axis, at their centre.
_PROBE = 0.2  # A plane is changed by this share of its noise, see `muguet.neighbours.stack_weights`.


def better(
    movies: Neighbours, stacks: Neighbours, source: Readable, estimators: Sequence[PlaneEstimator]
) -> Neighbours:
    """Return the movies or the stacks of an image, whichever leaves the smaller error by Stein's risk.

    Parameters
    ----------
    movies, stacks
        What was found of the image along T and along Z.
    source
        The planes of the image in counts.
    estimators
        How planes of each channel are estimated one by one.
    """
    if not (movies.helps or stacks.helps):
        sentence = " ".join(filter(None, (movies.sentence, stacks.sentence)))
        return Neighbours((), sentence, (*movies.found, *stacks.found))
    if not (movies.helps and stacks.helps):
        return movies if movies.helps else stacks
    if any(each.independent is False for each in stacks.found):
        return movies  # The risk of the stacks below is that of planes with independent noise.
    lengths = sides(source.shape[2:], estimators[0].stride, _SIDE)
    starts = [(n - side) // 2 for n, side in zip(source.shape[2:], lengths, strict=True)]
    square = tuple(slice(start, start + side) for start, side in zip(starts, lengths, strict=True))
    time, depth = 0.0, 0.0
    for channel in range(source.shape[1]):
        for n in np.unique(np.linspace(0, source.shape[0] - 1, _PLANES + 2).round().astype(int)[1:-1]):
            risks = [
                _risk(estimators[channel], of_channels[channel], int(n), channel, source, square)
                for of_channels in (movies.of_channels, stacks.of_channels)
            ]
            known = np.isfinite(risks).all(0)
            time, depth = time + float(risks[0][known].sum()), depth + float(risks[1][known].sum())
    if time <= depth:
        return replace(movies, sentence=f"{movies.sentence} The planes around it would help less.")
    return replace(stacks, sentence=f"{stacks.sentence} The frames before and after it would help less.")


def _risk(
    estimator: PlaneEstimator,
    series: Sequence[Series],
    n: int,
    channel: int,
    source: Readable,
    square: tuple[slice, ...],
) -> Floats:
    """Return Stein's risk of the estimate of each pixel of a square of plane `n`, in network units.

    Stein 1981, doi:10.1214/aos/1176345632: (x̂ − y)² + 2 σ² ∂x̂/∂y, without the variance σ², which all estimates share.
    """
    law = estimator.noise
    one = next(each for each in series if n in each.planes)
    at = int(np.flatnonzero(one.planes == n)[0])
    held = slice(max(at - one.before, 0), min(at + one.after + 1, len(one.planes)))
    recorded = np.stack(
        [units_with_gaps(estimator, source.read(int(k), channel, square)) for k in one.planes[held]]
    )
    usable, own = np.isfinite(recorded), at - held.start
    if law is None or not usable[own].any():
        return np.full(recorded[own].shape, np.nan)
    known = torch.from_numpy(usable)[:, None].to(estimator.device)

    def estimated(values: Floats) -> Floats:
        units = torch.from_numpy(values.astype(np.float32))[:, None].to(estimator.device)
        found = one.estimate(units, known, held, slice(at, at + 1), estimator, errors=False)[0]
        return found[0, 0].cpu().numpy().astype(np.float64)

    values = np.stack([fill_missing(each) for each in recorded]).astype(np.float64)
    estimate = estimated(values)
    variance = law(estimate)
    step = _PROBE * np.sqrt(variance) * np.random.default_rng(n).choice([-1.0, 1.0], estimate.shape)
    noisy = values[own].copy()
    values[own] += step
    slope = (estimated(values) - estimate) / step
    return np.where(usable[own], (estimate - noisy) ** 2 + 2 * variance * slope, np.nan)
