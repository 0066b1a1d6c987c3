"""The photon-transfer curve of the training images, measured with their estimates, which calibrates a learned law."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from muguet.denoiser.denoiser import Denoiser
from muguet.errors import MuguetError
from muguet.noise.law import Law
from muguet.noise.origin import Origin
from muguet.noise.transfer.bins import Floats
from muguet.noise.transfer.curve import MeanVariance
from muguet.noise.transfer.single_image import levelled, transfer_alone
from muguet.noise.transfer.variance import Variance, fitted_variance
from muguet.prediction.regions import map_plane
from muguet.training.patches import PatchSource
from muguet.training.sampled import sampled_planes

_MAX_PIXELS = 2_000_000  # At most this many pixels of a channel are measured, which takes two seconds.
_MAX_MISFIT = (
    0.05  # A curve is rejected if a polynomial misses its points by more than this share of σ on average.
)
# A curve is rejected if its median ratio to N-net's variance is larger. N-net's variance includes the noise and the
# error of the estimate, so that a larger one shows that the scene has structure as fine as the noise.
_MAX_VARIANCE_RATIO = 1.15


def calibrated(
    denoiser: Denoiser, source: PatchSource, earlier: Sequence[MeanVariance | None] = ()
) -> Denoiser:
    """Return the denoiser with the photon-transfer curve of every channel, which calibrates its law.

    A curve is rejected if a polynomial does not fit it, or if it lies above N-net's variance, which is an upper bound
    (σ²_N = σ² + the mean squared error of the estimate). A channel whose curve is rejected, or has too few pixels, gets
    the curve that was measured before training, unless that lies above N-net's variance too; then it has none. The
    record of the training names the origin of each law.

    Parameters
    ----------
    denoiser
        A denoiser without curves.
    source
        Its training set.
    earlier
        The curve of each channel that was measured before training, in network units; empty: there is none.
    """
    if not denoiser.method.learns_law:
        return denoiser
    transfers, origins = [], []
    for channel, law in enumerate(denoiser.method.laws):
        assert isinstance(law, Law)
        before = earlier[channel] if earlier else None
        points, origin = _transfer(denoiser, source, channel, law), Origin.CALIBRATED
        if points is None and before is not None and _ratio(before, law) <= _MAX_VARIANCE_RATIO:
            points, origin = before, Origin.EARLIER
        transfers.append(points)
        origins.append((origin if points is not None else Origin.LEARNED).value)
    record = {**denoiser.training, "law_origins": origins}
    return replace(denoiser, transfers=tuple(transfers), training=record)


def noise_variances(denoiser: Denoiser, source: PatchSource) -> list[Variance]:
    """Return the variance of the noise of each channel in network units; empty if that of one cannot be measured.

    Parameters
    ----------
    denoiser, source
        See `calibrated`.
    """
    transfers = calibrated(denoiser, source).transfers
    variances = [fitted_variance(points) for points in transfers if points is not None]
    return variances if len(variances) == len(transfers) else []


def _ratio(points: MeanVariance, law: Law) -> float:
    """The median ratio of a measured variance to that of a law."""
    return float(np.median(points.variance / law.std(points.signal) ** 2))


def _transfer(denoiser: Denoiser, source: PatchSource, channel: int, law: Law) -> MeanVariance | None:
    if not bool((source.channels == channel).any()):
        return None  # Every plane of this channel is blank.
    noisy, estimates = _pairs(denoiser, source, channel)
    try:
        points = transfer_alone(noisy, estimates, fewest=300)
        whitening = denoiser.whitening_of_units(channel)
        points = points if whitening is None else whitening.levelled(points)
    except MuguetError:  # The images are too small, or too many pixels are missing.
        return None
    if len(points.signal) < 4:
        return None
    fits = fitted_variance(points).misfit <= _MAX_MISFIT
    return points if fits and _ratio(points, law) <= _MAX_VARIANCE_RATIO else None


def _pairs(denoiser: Denoiser, source: PatchSource, channel: int) -> tuple[list[Floats], list[Floats]]:
    """Up to `_MAX_PIXELS` of a channel, in which saturated and missing pixels are NaN, and their blind estimates.

    An estimate that uses the pixel itself contains a part of its noise, which would be counted as signal.
    """
    noisy: list[Floats] = []
    estimates: list[Floats] = []
    for plane in sampled_planes(source, channel, _MAX_PIXELS, denoiser.method.net.stride):
        estimate = blind_estimate(denoiser, plane.filled)
        noisy.append(plane.noisy)
        estimates.append(levelled(noisy[-1], plane.known(estimate)))
    return noisy, estimates


def blind_estimate(denoiser: Denoiser, plane: npt.NDArray[np.float32]) -> npt.NDArray[np.floating]:
    """Return the estimate of a plane in network units in which no pixel's own value is used."""
    return map_plane(lambda values: _blind(denoiser, values), plane, denoiser.cut)


def _blind(denoiser: Denoiser, values: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """The blind estimate of a region in network units."""
    image = torch.from_numpy(values)[None, None].to(denoiser.device)
    with torch.inference_mode():
        return denoiser.method.estimate(image, own=False)[0, 0].cpu().numpy()


def variance_alone(source: PatchSource, channel: int, stride: Sequence[int]) -> Variance | None:
    """Return the variance of the noise of a channel, measured without estimates; None if it cannot be measured."""
    planes = [each.noisy for each in sampled_planes(source, channel, _MAX_PIXELS, stride)]
    try:
        points = transfer_alone(planes, fewest=300)
    except MuguetError:
        return None
    return fitted_variance(points) if len(points.signal) > 1 else None
