"""A second look at correlated noise: the residual of an estimate shows noise that high frequencies do not contain.

The first look (`muguet.noise.measure_whitening`) measures correlations after differences that remove the scene. Where
the noise of neighbours is strongly correlated, these leave little of it, and a little independent noise besides, or the
scene, makes the correlation look too small. The second look begins with noise that is too strongly correlated, and
repeats:

1. The image is whitened, estimated by the prior, and the estimate x̂ is filtered back. Its residual y − x̂ contains most
   of the noise.
2. Noise of the law that is assumed is drawn and added to x̂, and the same is done with this image. The covariance of its
   residual differs from that of the noise that was drawn by what the estimate keeps of it, or adds.
3. The covariance of the residual of the image, corrected by this difference, gives the next correlations and the size
   of the noise (a parametric bootstrap: Efron & Tibshirani 1993, doi:10.1007/978-1-4899-4541-9).

The result counts only if it no longer changes, if quiet and busy places, and dim and bright ones, agree on it, and if
it explains how much the image varies where it varies least. A scene with texture everywhere hardly does so: the
variance of noise grows with the signal, that of a texture with its square.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter, uniform_filter

from muguet.image.scaling import Scaling
from muguet.image.values import fill_missing
from muguet.noise.correlated.first import variance_of_noise, with_clear
from muguet.noise.correlated.measure import MIN_CORRELATION, scene_variation
from muguet.noise.correlated.whitening import Whitening
from muguet.noise.kernel import MAX_LAGS, Kernel
from muguet.noise.transfer.bins import Floats
from muguet.restoration.prior import SCENES, load_prior
from muguet.restoration.stabilised import Stabilised
from muguet.training.first_law import prior_estimate

_MIN_SIDE, _MAX_SIDE = 128, 256  # Pixels along each axis of the centre of the plane that is measured.
_MIN_KNOWN = 0.99
_MIN_RISE = (
    5.0  # Of independent noise, W2S, FMD, SEM and Convallaria have at most 1.5, and a texture may have more.
)
_QUIETEST = 0.15  # Share of the pixels in which the scene varies least.
_FINE, _LOCAL = 7, 17  # Deviations are those from the mean of 7×7 pixels, and are averaged over 17×17.
_MIN_CHANGE = 0.04
_WIDE = 1.2  # Standard deviation in pixels of the Gaussian with whose correlations the search begins.
_MAX_ROUNDS = 8
_CLIP = 5.0
_MIN_FAR = 0.02  # Smaller correlations at far lags count as zero.
_SETTLED = 0.01  # Largest change of a correlation in the last round.
_SETTLED_SIZE = 0.08  # Largest change of the size of the noise in the last round.
_SAME, _SAME_SIZE = 0.05, 0.15  # Differences between quiet and busy places.
_QUANTILES = 0.1, 0.25  # Quiet places of the image, by how much it varies there.
_LEAST, _MOST = 0.9, 1.3  # Variation of the image there, relative to that of the noise.


def second_look(planes: Sequence[Floats], first: Whitening | None) -> Whitening | None:
    """Return the whitening of a channel after a second look; the first one, if the second decides nothing.

    It takes place only where the image varies at least five times as much at coarser scales as independent noise
    would, and counts only if it changes the correlation of adjacent pixels by more than 0.04.

    Parameters
    ----------
    planes
        Planes ``(y, x)`` of one channel with NaN for missing and saturated pixels.
    first
        The result of the first look.
    """
    plane = _centre(planes[len(planes) // 2]) if planes else None
    if plane is None or _rise(plane) < _MIN_RISE:
        return first
    found = _searched(plane, load_prior(SCENES).eval())
    if found is None or _change(found, first) < _MIN_CHANGE:
        return first
    return with_clear(planes, found)


def _change(found: Whitening, first: Whitening | None) -> float:
    """How much the correlation of adjacent pixels changes, along the axis along which it changes more."""
    old, new = (first.kernel if first else Kernel()), found.kernel
    pairs = ((old.y, new.y), (old.x, new.x))
    return max(abs(next(iter(one), 0.0) - next(iter(other), 0.0)) for one, other in pairs)


def _centre(plane: Floats) -> Floats | None:
    """The centre of a plane without gaps; None if it is too small, or too little of it is known."""
    if min(plane.shape) < _MIN_SIDE:
        return None
    y, x = ((n - min(n, _MAX_SIDE)) // 2 for n in plane.shape)
    values = plane[y : y + _MAX_SIDE, x : x + _MAX_SIDE]
    if np.isfinite(values).mean() < _MIN_KNOWN or np.nanmin(values) == np.nanmax(values):
        return None
    filled: Floats = fill_missing(values).astype(np.float64)
    return filled


def _deviation(values: Floats) -> Floats:
    """The mean square of the deviations from the mean of the pixels around, where it is 1 for noise of variance 1."""
    fine: Floats = np.square(values - uniform_filter(values, _FINE)) / (1 - _FINE**-2)
    return fine


def _rise(plane: Floats) -> float:
    """Return how much a plane varies in quiet places, relative to independent noise with the same finest details."""
    finest = np.pad(np.square(np.diff(np.diff(plane, 2, 0), 2, 1)) / 36, 1, mode="edge")
    low, high = (uniform_filter(each, _LOCAL) for each in (finest, _deviation(plane)))
    variation = scene_variation(plane)
    quiet = variation <= np.quantile(variation, _QUIETEST)
    return float(np.median(high[quiet] / np.maximum(low[quiet], 1e-30)))


@dataclass(frozen=True)
class _Round:
    """What one round found: of the whole plane, and of its quiet, busy, dim and bright half."""

    correlations: tuple[Floats, Floats]
    size: float
    halves: tuple[tuple[Floats, float], ...]

    def settled(self, last: _Round) -> bool:
        """Whether this round has changed nothing."""
        change = max(abs(a[0] - b[0]) for a, b in zip(self.correlations, last.correlations, strict=True))
        return change < _SETTLED and abs(self.size - 1) < _SETTLED_SIZE

    @property
    def agrees(self) -> bool:
        """Whether the quiet and the busy half show the same noise, and the dim and the bright one."""
        pairs = zip(self.halves[::2], self.halves[1::2], strict=True)
        return all(
            float(np.abs(near - other).max()) < _SAME and abs(np.log(size / other_size)) < _SAME_SIZE
            for (near, size), (other, other_size) in pairs
        )


def _searched(plane: Floats, prior: Stabilised) -> Whitening | None:
    """Return the correlation and the size of the noise; None if they cannot be distinguished from the scene."""
    chance = np.random.default_rng(0)
    whitening = _start(plane)
    last: _Round | None = None
    for _ in range(_MAX_ROUNDS):
        found = _compare(plane, whitening, prior, chance)
        if not 0 < found.size < np.inf:
            return None
        y, x = (_cut(each) for each in found.correlations)
        error = round(float(2 / np.sqrt(plane.size)), 4)
        whitening = Whitening(
            Kernel(y, x, error),
            whitening.slope * found.size,
            whitening.constant * found.size,
            whitening.least * found.size,
        )
        if not whitening.kernel:
            return None
        settled = last is not None and found.settled(last)
        if settled and abs(found.size - 1) < _SETTLED_SIZE / 4:
            break
        last = found
    return whitening if settled and found.agrees and _explains(plane, whitening, chance) else None


def _start(plane: Floats) -> Whitening:
    """Noise that is too strongly correlated, of the size that quiet places show."""
    near = tuple(np.exp(-(np.arange(1, MAX_LAGS + 1) ** 2) / (4 * _WIDE**2)))
    first = variance_of_noise([plane])
    variation = scene_variation(plane)
    quiet = variation <= np.quantile(variation, _QUIETEST)
    expected = first.variance(uniform_filter(plane, _FINE))
    more = max(float(_deviation(plane)[quiet].mean() / expected[quiet].mean()), 1.0)
    return replace(
        first,
        kernel=Kernel(near, near),
        slope=first.slope * more,
        constant=first.constant * more,
        least=first.least * more,
    )


def _compare(plane: Floats, whitening: Whitening, prior: Stabilised, chance: np.random.Generator) -> _Round:
    """Compare the residual of a plane with that of an image that has the noise that is assumed."""
    estimate = _estimate(plane, whitening, prior)
    std = np.sqrt(whitening.variance(estimate))
    drawn = whitening.kernel.filter(chance.normal(size=plane.shape))
    again = _estimate(estimate + std * drawn, whitening, prior)
    rests = (plane - estimate) / std, drawn + (estimate - again) / std
    limit = _CLIP * rests[1].std()
    slope = np.square(np.gradient(gaussian_filter(estimate, 1.5))).sum(0)
    varied = uniform_filter(slope, 9) / std**2
    quiet = varied <= np.median(varied)
    signal = gaussian_filter(plane, _LOCAL / 2)
    bright = signal > np.median(signal)
    true = _covariances(drawn, np.ones_like(quiet))
    found = []
    for mask in (np.ones_like(quiet), quiet, ~quiet, ~bright, bright):
        own, of_drawn = (_covariances(np.clip(each, -limit, limit), mask) for each in rests)
        found.append([a + t - b for a, b, t in zip(own, of_drawn, true, strict=True)])
    whole, *halves = found
    sizes = [float(np.mean([each[0] for each in one])) for one in (whole, *halves)]
    return _Round(
        (whole[0][1:] / whole[0][0], whole[1][1:] / whole[1][0]),
        sizes[0],
        tuple(
            (np.array([each[1] / each[0] for each in one]), size)
            for one, size in zip(halves, sizes[1:], strict=True)
        ),
    )


def _estimate(plane: Floats, whitening: Whitening, prior: Stabilised) -> Floats:
    slope = max(whitening.slope, 1e-3 * np.sqrt(whitening.least)) * whitening.level
    electrons = Scaling(-whitening.constant * whitening.level / slope, slope)
    white = prior_estimate(prior, whitening(plane).astype(np.float32), electrons)
    found: Floats = whitening.undo(white.astype(np.float64))
    return found


def _covariances(values: Floats, mask: npt.NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Return ⟨z z(+k)⟩ at the lags 0 to `MAX_LAGS` along Y and along X, over pairs of which both pixels count."""

    def along(z: Floats, there: npt.NDArray[np.bool_]) -> Floats:
        ends = [len(z) - lag for lag in range(MAX_LAGS + 1)]
        pairs = [(z[lag:] * z[:end])[there[lag:] & there[:end]] for lag, end in enumerate(ends)]
        return np.array([each.mean() for each in pairs])

    return along(values, mask), along(values.T, mask.T)


def _cut(correlations: Floats) -> tuple[float, ...]:
    """Return the correlations up to the last one that is large; none if adjacent pixels are independent."""
    if abs(correlations[0]) < MIN_CORRELATION:
        return ()
    large = np.abs(correlations) > _MIN_FAR
    last = len(correlations) if large.all() else int(np.flatnonzero(~large)[0])
    return tuple(round(float(each), 4) for each in np.clip(correlations[:last], -0.99, 0.99))


def _explains(plane: Floats, whitening: Whitening, chance: np.random.Generator) -> bool:
    """Whether the noise explains how much the plane varies where it varies least."""
    drawn = whitening.kernel.filter(chance.normal(size=plane.shape))
    variance = whitening.variance(uniform_filter(plane, _FINE))
    own = uniform_filter(_deviation(plane), _LOCAL) / uniform_filter(variance, _LOCAL)
    ratio = np.quantile(own, _QUANTILES) / np.quantile(uniform_filter(_deviation(drawn), _LOCAL), _QUANTILES)
    return bool(ratio.min() > _LEAST and ratio.max() < _MOST)
