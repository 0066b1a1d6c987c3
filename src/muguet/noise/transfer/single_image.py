"""The noise of an image measured on the image alone, from variations finer than any optics can resolve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from muguet.errors import MuguetError
from muguet.noise.transfer.bins import Floats
from muguet.noise.transfer.correlation import mean_correlation
from muguet.noise.transfer.curve import MeanVariance, mean_variance
from muguet.noise.transfer.highpass import TAPS, along, high_pass
from muguet.noise.transfer.robust import robust_std

_MEAN = np.full(
    5, 0.2
)  # Weights along each axis of the local mean that is the signal where there is no estimate.
_REACH = 7  # Pixels on either side in the wide mean of `levelled`.
_WIDE = np.full(2 * _REACH + 1, 1 / (2 * _REACH + 1))
# A signal of which this share of pixels more is missing than of all signals is bright enough for saturation.
_MAX_MISSING = 0.02
# As many more pixels than at the brightest signals are clipped at signals that are too dark: their variance is 6 % low.
_MAX_CLIPPED = 0.01
_MIN_POINTS = 8  # A curve of fewer points, whose dark end is clipped, shows neither gain nor offset.
# Where fewer of the 15×15 pixels around are known, there are no data rather than clipped ones.
_MIN_KNOWN = 0.02


def transfer_alone(
    planes: Sequence[Floats] | Floats,
    estimates: Sequence[Floats] | Floats | None = None,
    bins: int = 64,
    fewest: int = 1000,
) -> MeanVariance:
    """Measure a photon-transfer curve on images alone: the variance of the high-passed image against the signal.

    The filter is that of `muguet.noise.transfer.highpass`. With estimates x̂ of the signal, the square of each filtered
    pixel, whose mean is Σ h²ⱼ σ²(xⱼ), is assigned to the signal Σ h²ⱼ x̂ⱼ: as the noise is independent from pixel to
    pixel, the two belong together wherever σ² is linear between the signals within three pixels. Without estimates the
    signal is the mean of the 5×5 pixels around. That mean includes the filtered pixels, on purpose: where the scene is
    flat, the sum of all pixels is a sufficient statistic of Poisson as of Gaussian noise and the filter sums to zero,
    so the variance given the mean is that of the noise at this very signal; the mean of *other* pixels would mix
    signals.

    Structure of the scene within the band of the filter raises the curve. Noise that neighbouring pixels share along
    one axis lowers it; this is corrected for by the measured correlation (`Correlation.passed`). Standard errors allow
    for the correlation of filtered neighbours. Signals so bright that more pixels are missing there than elsewhere,
    because they are saturated, are left out: the others are not a fair sample of their noise. So are signals so dark
    that pixels are clipped.

    Parameters
    ----------
    planes
        Arrays ``(..., y, x)`` in the same units, or one array ``(n, ..., y, x)``. Missing and saturated pixels are NaN.
    estimates
        Estimates of the signal, of the same shapes.
    bins, fewest
        As for `mean_variance`.

    Raises
    ------
    MuguetError
        If planes are smaller than 16×16 pixels, or no 7×7 neighbouring pixels are all known.
    """
    if min((min(each.shape[-2:]) for each in planes), default=0) < 16:
        raise MuguetError(
            "planes of fewer than 16×16 pixels are too small to measure noise: give larger ones"
        )
    rough = [high_pass(each) for each in planes]
    if estimates is None:
        signal = [_mean(each, _MEAN) for each in planes]
        square = [_mean(each, _MEAN) ** 2 for each in planes]
    else:
        signal = [_mean(each, TAPS**2) for each in estimates]
        square = [_mean(each**2, TAPS**2) for each in estimates]
    clipped = False
    for each, plane in zip(signal, planes, strict=True):  # Each plane may be saturated at a level of its own.
        there_in_plane = np.isfinite(plane)
        each[each > _brightest(each, there_in_plane)] = np.nan
        darkest = _darkest(each, there_in_plane)
        each[each < darkest] = np.nan
        clipped = clipped or darkest > -np.inf
    there, around = _flat(rough), _flat(signal)
    if not np.isfinite(there + around).any():
        raise MuguetError("every 7×7 pixels include a missing or saturated one: too few to measure noise")
    points = mean_variance(around + there, around, bins, fewest, _flat(square))
    if clipped and len(points.signal) < _MIN_POINTS:
        raise MuguetError(
            "most pixels are clipped at the dark end, and the others are too few to measure the noise: "
            "raise the detector's offset"
        )
    # Var(mean of r²) = 2σ⁴/n · Σ ρ², with ρ the autocorrelation of the filter, the product of those along Y and X.
    overlap = float((np.correlate(TAPS, TAPS, "full") ** 2).sum())
    blur = 1 / len(_MEAN) if estimates is None else 0.0
    found = mean_correlation([each.reshape(-1, *each.shape[-2:]) for each in planes])
    passed = found.passed if found is not None else 1.0
    return replace(
        points, variance=points.variance / passed, error=overlap * points.error / passed, blur=blur
    )


def _mean(planes: Floats, weights: Floats) -> Floats:
    """Return local means with the same weights along Y and X."""
    return along(along(planes, weights, -2), weights, -1)


def levelled(planes: Floats, estimates: Floats) -> Floats:
    """Return estimates ``(..., y, x)`` shifted to the local mean of the records: x̂ + mean of y − x̂ over 15×15 pixels.

    An estimate that is slightly too bright in dark regions, as after a short training, would bend the dark end of a
    photon-transfer curve. Missing pixels do not count.
    """
    residual = planes - estimates
    known = np.isfinite(residual)
    total, count = (
        _mean(_mirrored(each), _WIDE) for each in (np.where(known, residual, 0), known.astype(float))
    )
    inner = (..., slice(_REACH, -_REACH), slice(_REACH, -_REACH))
    moved: Floats = estimates + total[inner] / np.maximum(count[inner], 1e-9)
    return moved


def _mirrored(planes: Floats) -> Floats:
    """Return planes extended by reflection along Y and X, as far as the wide mean reaches."""
    width = [(0, 0)] * (planes.ndim - 2) + [(_REACH, _REACH)] * 2
    return np.pad(planes, width, mode="reflect")


def _brightest(signal: Floats, there: npt.NDArray[np.bool_]) -> float:
    """Return the signal from which on clearly more pixels are missing than among all."""
    known = np.isfinite(signal)
    if not known.any():
        return np.inf
    order = np.argsort(signal[known])
    missing = ~there[known][order]
    groups = np.array_split(np.arange(missing.size), max(missing.size // 500, 1))
    bright = groups[len(groups) // 2 :]
    many = [each[0] for each in bright if missing[each].mean() > _MAX_MISSING + 3 * missing.mean()]
    return float(signal[known][order][many[0]]) if many else np.inf


def _darkest(signal: Floats, there: npt.NDArray[np.bool_]) -> float:
    """Return the signal below which more pixels are missing than at bright signals, because they are clipped.

    Pixels in the middle of a region in which all are missing, such as a border without data, are not counted.
    """
    known = np.isfinite(signal)
    if not known.any() or there.all():
        return -np.inf
    wide = _mean(_mirrored(there.astype(np.float64)), _WIDE)
    known &= wide[..., _REACH:-_REACH, _REACH:-_REACH] > _MIN_KNOWN
    order = np.argsort(signal[known])
    if order.size < 2000:
        return -np.inf
    missing = ~there[known][order]
    groups = np.array_split(np.arange(missing.size), max(missing.size // 500, 1))
    shares = np.array([missing[each].mean() for each in groups])
    bright = min(-(-7 * len(shares) // 8), len(shares) - 1)
    many = np.flatnonzero(shares[:bright] > _MAX_CLIPPED + 3 * float(np.median(shares[bright:])))
    return float(signal[known][order][groups[int(many[-1])][-1]]) if many.size else -np.inf


def _flat(arrays: Sequence[Floats] | Floats) -> Floats:
    return np.concatenate([each.reshape(-1) for each in arrays])


def rough_std(plane: npt.NDArray[np.generic]) -> float:
    """Estimate one standard deviation of the noise of a plane ``(..., y, x)``, in counts, without a model.

    It is the median absolute value of the image filtered by the 3×3 kernel [1 −2 1; −2 4 −2; 1 −2 1] / 6, which
    has unit norm and removes linear gradients, divided by 0.6745: the method of Immerkær 1996
    (doi:10.1006/cviu.1996.0060) with the median in place of the mean. If most pixels are background, the result is the
    noise of the background.
    """
    image = plane[..., :4096, :4096].astype(np.float64)
    image[~np.isfinite(image)] = np.nan  # Differences of infinite values would cause warnings.
    rows = image[..., :-2, :] - 2 * image[..., 1:-1, :] + image[..., 2:, :]
    both = (rows[..., :-2] - 2 * rows[..., 1:-1] + rows[..., 2:]) / 6
    finite = both[np.isfinite(both)]
    return robust_std(finite) if finite.size else 0.0
