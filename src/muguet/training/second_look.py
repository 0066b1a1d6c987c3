"""A second look at correlated noise: the residual of an estimate shows noise that high frequencies do not contain.

The first look (`muguet.noise.measure_whitening`) measures correlations after differences that remove the scene. What
it finds is refined by the residual (`muguet.training.residual`), which shows the noise at all frequencies and in all
places (`refined`). Where the noise of neighbours is strongly correlated, the differences leave little of it, and a
little independent noise besides, or the scene, makes the correlation look too small. The second look begins with noise
that is too strongly correlated, and repeats the same until nothing changes.

The result counts only if it no longer changes, if quiet and busy places, and dim and bright ones, agree on it, and if
it explains how much the image varies where it varies least. A scene with texture everywhere hardly does so: the
variance of noise grows with the signal, that of a texture with its square.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.ndimage import uniform_filter

from muguet.image.values import fill_missing
from muguet.noise.correlated.explained import (
    FINE,
    LOCAL,
    MOST_VARIATION,
    deviation,
    middle,
    variation,
)
from muguet.noise.correlated.first import variance_of_noise, with_clear
from muguet.noise.correlated.measure import scene_variation
from muguet.noise.correlated.whitening import Whitening
from muguet.noise.kernel import MAX_LAGS, Kernel
from muguet.noise.transfer.bins import Floats
from muguet.restoration.prior import SCENES, load_prior
from muguet.restoration.stabilised import Stabilised
from muguet.training.residual import ResidualNoise, residual_noise

_MIN_SIDE, _MAX_SIDE = 128, 256  # Pixels along each axis of the centre of the plane that is measured.
_MIN_KNOWN = 0.99
_MIN_RISE = (
    5.0  # Of independent noise, W2S, FMD, SEM and Convallaria have at most 1.5, and a texture may have more.
)
_QUIETEST = 0.15  # Share of the pixels in which the scene varies least.
_MIN_CHANGE = 0.04
_WIDE = 1.2  # Standard deviation in pixels of the Gaussian with whose correlations the search begins.
_MAX_ROUNDS = 8
_REFINED = 2  # Rounds that refine the first look …
_DRIFT = 0.025  # … and count only if the second changes no correlation by more.
_SETTLED = 0.01  # Largest change of a correlation in the last round.
_SETTLED_SIZE = 0.08  # Largest change of the size of the noise in the last round.
_SAME, _SAME_SIZE = 0.05, 0.15  # Differences between quiet and busy places.
_LEAST, _MOST = 0.9, 1.3  # Variation of the image there, relative to that of the noise …
_MOST_RESIZED = 1.4  # … after the first look, in the quiet quarter, if the size of the noise was raised.
_STRONG, _MOST_STRONG = 0.5, 2.2  # No independent noise that was tried seemed to share as much.


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
    values = middle(plane, _MAX_SIDE)
    if np.isfinite(values).mean() < _MIN_KNOWN or np.nanmin(values) == np.nanmax(values):
        return None
    filled: Floats = fill_missing(values).astype(np.float64)
    return filled


def _rise(plane: Floats) -> float:
    """Return how much a plane varies in quiet places, relative to independent noise with the same finest details."""
    finest = np.pad(np.square(np.diff(np.diff(plane, 2, 0), 2, 1)) / 36, 1, mode="edge")
    low, high = (uniform_filter(each, LOCAL) for each in (finest, deviation(plane)))
    varied = scene_variation(plane)
    quiet = varied <= np.quantile(varied, _QUIETEST)
    return float(np.median(high[quiet] / np.maximum(low[quiet], 1e-30)))


def refined(
    planes: Sequence[Floats], first: Whitening, differences: Sequence[Floats] = ()
) -> Whitening | None:
    """Return the whitening of a channel after two rounds; None if the noise is not certain to be correlated.

    Noise along an axis along which it is independent remains so. Noise counts only if it explains half of how much the
    quiet quarter of the image varies, or of the difference of two frames: else fine structure of the scene may have
    been taken for correlated noise. Where it explains less, or the second round finds another correlation than the
    first, the size of the noise may have been measured wrongly, as in interpolated images, which have no noise at the
    highest frequencies. The rounds are then repeated with noise that explains the quietest tenth of the image, and
    count if it explains most of the quiet quarter in the end. If not, the first look counts, or nothing.

    Parameters
    ----------
    planes
        Planes ``(y, x)`` of one channel with NaN for missing and saturated pixels.
    first
        The whitening of the first look.
    differences
        Differences of successive frames, divided by √2.
    """
    centre = planes[len(planes) // 2]
    plane, shown = _centre(centre), [centre, *differences[len(differences) // 2 :][:1]]

    def varies(noise: Whitening) -> Floats:
        """Return the variation of the image or the difference, whichever the noise explains better."""
        return min((variation(each, centre, noise) for each in shown), key=lambda each: each[-1])

    if plane is None:
        return first if varies(first)[-1] <= MOST_VARIATION else None
    found, certain = _in_two_rounds(plane, first)
    if found is None or (certain and varies(found)[-1] <= MOST_VARIATION):
        return found and with_clear(planes, found)
    before = varies(first)
    size = float(before[0])
    # Noise that explains the quietest tenth already would only repeat the same two rounds.
    resized, sure = _in_two_rounds(plane, _resized(first, size)) if size > 1 else (None, False)
    if resized is not None and sure:
        strong = max((*resized.kernel.y[:1], *resized.kernel.x[:1])) >= _STRONG
        if varies(resized)[-1] <= (_MOST_STRONG if strong else _MOST_RESIZED):
            return with_clear(planes, resized)
    return first if not certain and before[-1] <= MOST_VARIATION else None


def _in_two_rounds(plane: Floats, first: Whitening) -> tuple[Whitening | None, bool]:
    """Return the whitening after two rounds, and whether the second agrees with the first; None: independent noise."""
    prior, chance = load_prior(SCENES).eval(), np.random.default_rng(0)
    whitening, last = first, None
    for _ in range(_REFINED):
        found = residual_noise(plane, whitening, prior, chance)
        if found is None or (last is not None and _moves(found, last) > _DRIFT):
            return first, False
        whitening, last = found.applied(whitening, _error(plane), by_signal=True), found
        kernel = whitening.kernel
        y, x = (new if old else () for old, new in ((first.kernel.y, kernel.y), (first.kernel.x, kernel.x)))
        if not (y and x):
            kernel = replace(kernel, y=y, x=x, independent=0.0)
        if not kernel:
            return None, True
        whitening = replace(whitening, kernel=kernel)
    return whitening, True


def _resized(noise: Whitening, size: float) -> Whitening:
    """Return noise with a variance that is so many times as large."""
    return replace(noise, slope=noise.slope * size, constant=noise.constant * size, least=noise.least * size)


def _searched(plane: Floats, prior: Stabilised) -> Whitening | None:
    """Return the correlation and the size of the noise; None if they cannot be distinguished from the scene."""
    chance = np.random.default_rng(0)
    whitening = _start(plane)
    last: ResidualNoise | None = None
    settled = False
    for _ in range(_MAX_ROUNDS):
        found = residual_noise(plane, whitening, prior, chance)
        if found is None:
            return None
        whitening = found.applied(whitening, _error(plane), by_signal=False)
        if not whitening.kernel:
            return None
        settled = last is not None and _settled(found, last)
        last = found
        if settled and abs(found.size - 1) < _SETTLED_SIZE / 4:
            break
    known = settled and last is not None and _agrees(last) and _explains(plane, whitening)
    return whitening if known else None


def _settled(found: ResidualNoise, last: ResidualNoise) -> bool:
    """Whether a round has changed nothing."""
    return _moves(found, last) < _SETTLED and abs(found.size - 1) < _SETTLED_SIZE


def _moves(found: ResidualNoise, last: ResidualNoise) -> float:
    """How much the correlation of adjacent pixels has changed, along the axis along which it changed more."""
    return float(max(abs(a[0] - b[0]) for a, b in zip(found.correlations, last.correlations, strict=True)))


def _agrees(found: ResidualNoise) -> bool:
    """Whether the quiet and the busy half show the same noise, and the dim and the bright one."""
    pairs = zip(found.halves[::2], found.halves[1::2], strict=True)
    return all(
        float(np.abs(near - other).max()) < _SAME and abs(np.log(size / other_size)) < _SAME_SIZE
        for (near, size), (other, other_size) in pairs
    )


def _error(plane: Floats) -> float:
    return round(float(2 / np.sqrt(plane.size)), 4)


def _start(plane: Floats) -> Whitening:
    """Noise that is too strongly correlated, of the size that quiet places show."""
    near = tuple(np.exp(-(np.arange(1, MAX_LAGS + 1) ** 2) / (4 * _WIDE**2)))
    first = variance_of_noise([plane])
    varied = scene_variation(plane)
    quiet = varied <= np.quantile(varied, _QUIETEST)
    expected = first.variance(uniform_filter(plane, FINE))
    more = max(float(deviation(plane)[quiet].mean() / expected[quiet].mean()), 1.0)
    return _resized(replace(first, kernel=Kernel(near, near)), more)


def _explains(plane: Floats, whitening: Whitening) -> bool:
    """Whether the noise explains how much the plane varies where it varies least."""
    ratio = variation(plane, plane, whitening)
    return bool(ratio.min() > _LEAST and ratio.max() < _MOST)
