"""The noise of an image measured on the image alone: what is finer than any optics show."""

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

_MEAN = np.full(5, 0.2)  # of the signal around, where there is no estimate of it
_FAR = 7  # pixels
_WIDE = np.full(2 * _FAR + 1, 1 / (2 * _FAR + 1))
_LOST = 0.02  # of the pixels of a signal, more than of all: its brightest records are clipped


def transfer_alone(
    planes: Sequence[Floats] | Floats,
    estimates: Sequence[Floats] | Floats | None = None,
    bins: int = 64,
    fewest: int = 1000,
) -> MeanVariance:
    """A photon-transfer curve from images alone: the variance of `muguet.noise.transfer.highpass` against the signal.

    With estimates x̂ of the signal, a pixel's high-passed square, whose mean is Σ h²ⱼ σ²(xⱼ), is set against
    Σ h²ⱼ x̂ⱼ: as the noise is independent of its neighbours', the two belong together wherever σ² is a straight line
    between the signals within three pixels. Without estimates the signal is the mean of the 5×5 pixels around.
    That mean holds the filtered pixels, on purpose: where the scene is flat, the sum of all pixels is a sufficient
    statistic of Poisson as of Gaussian noise and the filter sums to zero, so the variance given the mean is that of
    the noise at this very signal; the mean of *other* pixels would mix signals.

    What of the scene is finer than the filter's band raises the curve. Noise that neighbours share along one axis
    lowers it, as far as is known from their correlation, and is made up for (`Correlation.passed`). Errors allow for
    neighbours that repeat one another. Signals so bright that pixels are missing there more often than elsewhere, being
    clipped, are left out: the others are not a fair sample of their noise.

    Parameters
    ----------
    planes
        Arrays ``(..., y, x)`` of one unit, or one of them ``(n, ..., y, x)``, missing and clipped pixels NaN.
    estimates
        Of the same shapes.
    bins, fewest
        As for `mean_variance`.

    Raises
    ------
    MuguetError
        If planes are smaller than 16×16 pixels, or have no 7×7 pixels without a missing one.
    """
    if min(min(each.shape[-2:]) for each in planes) < 16:
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
    for each, plane in zip(signal, planes, strict=True):  # each may be clipped at a level of its own
        each[each > _brightest(each, np.isfinite(plane))] = np.nan
    there, around = _flat(rough), _flat(signal)
    if not np.isfinite(there + around).any():
        raise MuguetError("no 7×7 pixels without a missing or saturated one: too little to measure noise")
    points = mean_variance(around + there, around, bins, fewest, _flat(square))
    # Var(mean of r²) = 2σ⁴/n · Σ ρ², ρ the filter's autocorrelation, which is the product of those of Y and X.
    overlap = float((np.correlate(TAPS, TAPS, "full") ** 2).sum())
    blur = 1 / len(_MEAN) if estimates is None else 0.0
    found = mean_correlation([each.reshape(-1, *each.shape[-2:]) for each in planes])
    passed = found.passed if found is not None else 1.0
    return replace(
        points, variance=points.variance / passed, error=overlap * points.error / passed, blur=blur
    )


def _mean(planes: Floats, weights: Floats) -> Floats:
    """Mean of the pixels around, by the same weights along Y and X."""
    return along(along(planes, weights, -2), weights, -1)


def levelled(planes: Floats, estimates: Floats) -> Floats:
    """Estimates ``(..., y, x)`` with the local mean of what was recorded: x̂ + mean of y − x̂, of 15×15 pixels around.

    An estimate that is a little too bright where it is dark, as one is that has not been learned to the end, would bend
    the dark end of a photon-transfer curve. Missing pixels count for nothing.
    """
    residual = planes - estimates
    known = np.isfinite(residual)
    total, count = (
        _mean(_mirrored(each), _WIDE) for each in (np.where(known, residual, 0), known.astype(float))
    )
    inner = (..., slice(_FAR, -_FAR), slice(_FAR, -_FAR))
    moved: Floats = estimates + total[inner] / np.maximum(count[inner], 1e-9)
    return moved


def _mirrored(planes: Floats) -> Floats:
    """Planes continued by reflection along Y and X, as far as the wide mean reaches."""
    width = [(0, 0)] * (planes.ndim - 2) + [(_FAR, _FAR)] * 2
    return np.pad(planes, width, mode="reflect")


def _brightest(signal: Floats, there: npt.NDArray[np.bool_]) -> float:
    """The signal from which on clearly more pixels are missing than among all."""
    known = np.isfinite(signal)
    if not known.any():
        return np.inf
    order = np.argsort(signal[known])
    lost = ~there[known][order]
    groups = np.array_split(np.arange(lost.size), max(lost.size // 500, 1))
    bright = groups[len(groups) // 2 :]
    many = [each[0] for each in bright if lost[each].mean() > _LOST + 3 * lost.mean()]
    return float(signal[known][order][many[0]]) if many else np.inf


def _flat(arrays: Sequence[Floats] | Floats) -> Floats:
    return np.concatenate([each.reshape(-1) for each in arrays])


def rough_std(plane: npt.NDArray[np.generic]) -> float:
    """One standard deviation for the noise of a plane ``(..., y, x)``, in counts, without a model.

    Median of the absolute value of the image filtered by the 3×3 kernel [1 −2 1; −2 4 −2; 1 −2 1] / 6, which
    has unit norm and no answer to planes, over 0.6745: Immerkær 1996 (doi:10.1006/cviu.1996.0060), with the
    median for the mean. Where most pixels are background it is the background's noise.
    """
    image = plane[..., :4096, :4096].astype(np.float64)
    rows = image[..., :-2, :] - 2 * image[..., 1:-1, :] + image[..., 2:, :]
    both = (rows[..., :-2] - 2 * rows[..., 1:-1] + rows[..., 2:]) / 6
    finite = both[np.isfinite(both)]
    return robust_std(finite) if finite.size else 0.0
