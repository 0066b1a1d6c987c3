"""Find images of a training set whose noise is not that of the others, as from another camera or another gain."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.sparse.csgraph import connected_components

from muguet.noise.transfer.curve import MeanVariance
from muguet.noise.transfer.single_image import transfer_alone
from muguet.noise.transfer.variance import fitted_variance

# Of one camera, the variances at one signal differ by 15 % on W2S, FMD and simulated scenes of 5 to 20,000
# photo-electrons: fine texture adds to them at bright signals, but not at all.
_MAX_RATIO = 1.5
_SIDE = 256  # The middle of an image, of this many pixels on each side, is measured.
_LEAST_SIDE = 32
_MAX_IMAGES = 64
_FEWEST_POINTS = 3
_SIGNALS = 9  # Two curves are compared at this many signals that both have.


def unlike_noise(images: Sequence[npt.NDArray[np.generic]]) -> dict[int, float]:
    """Return the images whose noise differs, with its variance relative to that of the largest group of the others.

    The photon-transfer curves of two images differ if one is above the other by more than a factor at all signals that
    both have. Images that differ in no such way, directly or through others, are one group.

    Parameters
    ----------
    images
        Planes ``(n, *space)`` of one channel of each image; NaN marks missing pixels.
    """
    chosen = list(range(len(images)))[:: max(-(-len(images) // _MAX_IMAGES), 1)]
    curves = {at: curve for at in chosen if (curve := _curve(images[at])) is not None}
    known = list(curves)
    ratios = np.array([[_log_ratio(curves[one], curves[other]) for other in known] for one in known])
    if len(known) < 2:
        return {}
    number, groups = connected_components(np.abs(ratios) <= np.log(_MAX_RATIO), directed=False)
    if number == 1:
        return {}
    rest = int(np.argmax(np.bincount(groups)))
    return {
        at: float(np.exp(np.median(ratios[n, groups == rest])))
        for n, at in enumerate(known)
        if groups[n] != rest
    }


def _curve(planes: npt.NDArray[np.generic]) -> MeanVariance | None:
    plane = planes[len(planes) // 2]
    plane = plane if plane.ndim == 2 else plane[len(plane) // 2]
    start = [max(size - _SIDE, 0) // 2 for size in plane.shape]
    middle = plane[start[0] : start[0] + _SIDE, start[1] : start[1] + _SIDE].astype(np.float64)
    if min(middle.shape) < _LEAST_SIDE or not np.isfinite(middle).any():
        return None
    curve = transfer_alone([middle])
    return curve if len(curve.signal) >= _FEWEST_POINTS else None


def _log_ratio(one: MeanVariance, other: MeanVariance) -> float:
    """Return the smallest log ratio of two variances at one signal; 0 if it changes sign, or no signal is shared."""
    low = max(one.signal.min(), other.signal.min())
    high = min(one.signal.max(), other.signal.max())
    if high <= low:
        return 0.0
    signal = np.linspace(low, high, _SIGNALS)
    ratios = np.log(fitted_variance(one)(signal) / fitted_variance(other)(signal))
    if not (np.sign(ratios) == np.sign(ratios[0])).all():
        return 0.0
    return float(ratios[np.argmin(np.abs(ratios))])
