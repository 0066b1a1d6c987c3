"""Measure the kernel of correlated noise on images that contain their scene."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from muguet.noise.kernel import MAX_LAGS, Kernel
from muguet.noise.transfer.bins import Floats
from muguet.noise.transfer.highpass import along
from muguet.noise.transfer.highpass import differences as taps_of
from muguet.noise.transfer.local import local_mean

MIN_CORRELATION = 0.07
"""Smaller correlations are ignored: the detector of the FMD images has 0.05, which does no harm."""

MIN_NEGATIVE = 0.1
"""Smaller negative correlations, as of a slightly sharpened image, are ignored."""

_ORDERS = (
    2,
    4,
    6,
)  # Orders of the differences by which the scene is removed across the axis that is measured.
_QUIET = 0.3  # The correlation is that of this share of the pixels, where the scene varies least …
_QUIETEST = 0.15  # … and is compared with those of this share and of all pixels.
_NO_CHANGE = 0.01
_MAX_CHANGE = 0.025  # A correlation that changes less between them is that of the noise, not of the scene.
_WINDOW = (33, 33)  # Pixels along Y and X over which variances and the variation of the scene are averaged.
_CLIP = (
    4.0  # Values are clipped at this many standard deviations: hot pixels and edges would dominate otherwise.
)
_SIDE = 512  # Only the centre of a plane is used, of at most this many pixels along each axis.
_MIN_PIXELS = 1000
_MAX_PLATEAU = (
    0.05  # Correlations at far lags that differ by less are those of an offset that whole lines share.
)
_MIN_RISE = 0.1  # Correlated noise has more power at lower frequencies: for ρ by more than this share of ρ.
_MAX_DOUBT = 0.15  # A correlation that changes more is that of the scene …
_SMALL = 0.3  # … and one below this, that may be that of a texture, must change even less.
_MAX_DOUBT_SMALL = 0.06


class _Along(NamedTuple):
    """Correlations along the last axis at the lags 0 to `MAX_LAGS` in all, the quiet and the quietest pixels."""

    everywhere: Floats
    quiet: Floats
    quietest: Floats
    pixels: int

    @property
    def chosen(self) -> Floats:
        """The correlations everywhere if they do not depend on the scene at all, else those in quiet pixels."""
        return self.everywhere if self.change <= _NO_CHANGE else self.quiet

    @property
    def change(self) -> float:
        """How much the correlation of adjacent pixels depends on the variation of the scene."""
        return float(abs(self.everywhere[1] - self.quietest[1]))


@dataclass(frozen=True, eq=False)
class _View:
    """A plane whose correlation along its last axis is measured, and where the scene varies least."""

    plane: Floats
    variation: Floats


def measure_kernel(images: Iterable[Floats], differences: Iterable[Floats] = ()) -> Kernel:
    """Measure the correlation of the noise along Y and X, which is that of the mean over all images.

    Along X, a plane is first filtered by differences along Y only, of the order 2, 4 or 6. This leaves little of a
    scene that the optics have blurred, and does not change the correlation along X. With z the result divided by its
    local standard deviation, the correlation at lag k is ⟨z(y, x) z(y, x + k)⟩ / ⟨z²⟩ over the 30 % of the pixels
    around which the scene varies least. Noise that is also correlated along Y has little power at high frequencies
    there, so that lower orders measure more of it; higher orders leave less of the scene. Chosen is the lowest order at
    which the correlation does not depend on how much the scene varies. The same is done along Y.

    A correlation counts if it exceeds 0.07 and three standard errors, if it hardly depends on the scene, and if in
    quiet places the power of the noise rises towards lower frequencies as it must. Far lags that are not significant
    count as zero.

    Parameters
    ----------
    images
        Planes ``(n, y, x)`` with NaN for missing and saturated pixels.
    differences
        Differences ``(n, y, x)`` of successive frames. They are used in place of the images if the correlation depends
        less on the scene there, as in a movie whose scene hardly changes.
    """
    pairs, between = _measured(images), _measured(differences)
    if between and _change(between) < _change(pairs):
        pairs = between
    if not pairs:
        return Kernel()
    error = float(np.sqrt(1.0 / sum(pair[0].pixels for pair in pairs)))
    y, x = (_significant([pair[axis] for pair in pairs], error) for axis in (0, 1))
    return Kernel(y, x, round(2 * error, 4))


def _measured(images: Iterable[Floats]) -> list[tuple[_Found, _Found]]:
    found = [_of_plane(plane) for image in images for plane in image if min(plane.shape) >= 4 * MAX_LAGS]
    return [each for each in found if each is not None]


def _change(pairs: list[tuple[_Found, _Found]]) -> float:
    return float(np.median([each.change for pair in pairs for each in pair])) if pairs else float("inf")


class _Found(NamedTuple):
    correlations: Floats  # At the lags 1 to `MAX_LAGS`.
    rise: float  # Power of the noise at lower frequencies relative to that at high ones, along the axis.
    change: float  # See `_Along.change`.
    pixels: int


def _of_plane(plane: Floats) -> tuple[_Found, _Found] | None:
    """Measure one plane along Y and along X; None if too few pixels are known."""
    centre = tuple(slice(max(n - _SIDE, 0) // 2, max(n - _SIDE, 0) // 2 + _SIDE) for n in plane.shape)
    values = plane[centre]
    finite = np.isfinite(values)
    if finite.sum() < _MIN_PIXELS:
        return None
    values = np.ldexp(values, -int(np.frexp(np.abs(values[finite]).max() + 1e-300)[1]))
    variation = scene_variation(values)
    found = []
    for view in (_View(values.T, variation.T), _View(values, variation)):
        measured = [each for each in (_along(view, order) for order in _ORDERS) if each is not None]
        if not measured:
            return None
        clear = [each for each in measured if each.change <= _MAX_CHANGE]
        best = clear[0] if clear else min(measured, key=lambda each: each.change)
        found.append(_Found(best.chosen[1:], _rise(view), best.change, best.pixels))
    return found[0], found[1]


def _significant(found: list[_Found], error: float) -> tuple[float, ...]:
    """Return the mean correlations up to the last significant lag; none if adjacent pixels are independent."""
    mean = _without_lines(np.mean([each.correlations for each in found], axis=0), error)
    rise, change = (float(np.median([getattr(each, name) for each in found])) for name in ("rise", "change"))
    near = float(mean[0])
    if change > (_MAX_DOUBT if abs(near) > _SMALL else _MAX_DOUBT_SMALL):
        return ()
    least = MIN_CORRELATION if near > 0 else MIN_NEGATIVE
    if abs(near) < max(least, 3 * error) or (rise - 1) * np.sign(near) < _MIN_RISE * abs(near):
        return ()
    large = np.abs(mean) > max(0.02, 3 * error)
    last = int(np.flatnonzero(~large)[0]) if not large.all() else len(mean)
    return tuple(round(float(value), 4) for value in mean[:last])


def _without_lines(mean: Floats, error: float) -> Floats:
    """Return correlations without what whole lines share, which is the same at all far lags."""
    far = mean[MAX_LAGS // 2 :]
    shared = float(far.mean())
    if far.min() < max(0.03, 3 * error) or np.ptp(far) > _MAX_PLATEAU:
        return mean
    own: Floats = (mean - shared) / (1 - shared)
    return own


def _along(view: _View, order: int) -> _Along | None:
    """Correlate a plane along its last axis after differences of some order along the other."""
    z = _differences(view.plane, order, 0)
    there = np.isfinite(z) & np.isfinite(view.variation)
    if there.sum() < _MIN_PIXELS:
        return None
    z = np.where(there, z, 0.0)
    around = local_mean(there.astype(np.float64), _WINDOW)
    variance = local_mean(z**2, _WINDOW) / np.maximum(around, 1e-9)
    there &= variance > 1e-18
    if there.sum() < _MIN_PIXELS:
        return None
    z = np.where(there, np.clip(z / np.sqrt(np.where(there, variance, 1)), -_CLIP, _CLIP), 0.0)
    quiet, quietest = (
        there & (view.variation <= _level(view, there, share)) for share in (_QUIET, _QUIETEST)
    )
    parts = [_correlations(z, mask) for mask in (there, quiet, quietest)]
    if any(part is None for part in parts):
        return None
    everywhere, calm, calmest = (part for part in parts if part is not None)
    return _Along(everywhere, calm, calmest, int(quiet.sum()))


def _level(view: _View, there: npt.NDArray[np.bool_], share: float) -> float:
    return float(np.quantile(view.variation[there], share))


def _correlations(z: Floats, mask: npt.NDArray[np.bool_]) -> Floats | None:
    """Return ⟨z z(+k)⟩/⟨z²⟩ at the lags 0 to `MAX_LAGS`, over pairs of which both pixels count; None if too few do."""
    means = []
    for lag in range(MAX_LAGS + 1):
        both = mask[:, lag:] & mask[:, : mask.shape[1] - lag]
        if both.sum() < _MIN_PIXELS // 4:
            return None
        means.append(float((z[:, lag:] * z[:, : z.shape[1] - lag])[both].mean()))
    return np.array(means) / means[0] if means[0] > 0 else None


def _rise(view: _View) -> float:
    """Return the power in quiet places after second differences along the last axis, over that after sixth ones.

    Details of the scene hardly count, so that it is one for white noise.
    """
    rough = _differences(view.plane, 2, 0)
    powers = [_differences(rough, order, 1) ** 2 for order in (2, 6)]
    known = np.isfinite(powers[1]) & np.isfinite(view.variation)
    if known.sum() < _MIN_PIXELS:
        return 1.0
    quiet = known & (view.variation <= _level(view, known, _QUIET))
    low, high = (_without_details(power[quiet]) for power in powers)
    return low / high if high > 0 else 1.0


def _without_details(powers: Floats) -> float:
    """Return the mean of values of which the largest tenth is lowered to the smallest of them."""
    return float(np.minimum(powers, np.quantile(powers, 0.9)).mean())


def scene_variation(plane: Floats) -> Floats:
    """Return the mean square of the slope of the blurred scene around each pixel, relative to the noise there."""
    known = np.isfinite(plane)
    filled = np.where(known, plane, np.nanmedian(plane))
    blurred = local_mean(local_mean(filled, (5, 5)), (5, 5))
    slope = np.square(np.gradient(blurred, axis=0)) + np.square(np.gradient(blurred, axis=1))
    rough = np.square(_differences(_differences(filled, 2, 0), 2, 1))
    noise = local_mean(np.where(np.isfinite(rough), rough, np.nanmedian(rough)), _WINDOW)
    return np.where(known, local_mean(slope, _WINDOW) / np.maximum(noise, 1e-30), np.nan)


def _differences(plane: Floats, order: int, axis: int) -> Floats:
    """Filter a plane along an axis by differences of an even order; NaN beside borders and gaps."""
    return along(plane, taps_of(order), axis)
