"""The result of a training run: its denoiser with a calibrated law, the weights of its estimates, and their errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from muguet.denoiser.denoiser import Denoiser
from muguet.errors import MuguetError
from muguet.noise.transfer.variance import Variance, fitted_variance
from muguet.training.by_planes import risk_of_planes
from muguet.training.calibration import calibrated, variance_alone
from muguet.training.first_law import FirstLaw
from muguet.training.outcome import Outcome
from muguet.training.patches import PatchSource
from muguet.training.shared_noise import with_shared_noise
from muguet.training.weighing import Weighed, weigh


@dataclass(frozen=True)
class Conditions:
    """What the result of a run follows from, besides its weights.

    Attributes
    ----------
    source
        The training set in network units.
    first_laws
        The noise law of each channel that was measured before training with a prior; empty: there is no prior.
    white
        Whether the noise of the training set is independent from pixel to pixel. If not, differences of neighbours do
        not show the variance of a pixel.
    gated
        Whether the method learns a gate, so that its estimates are weighed.
    series
        Numbers of the planes of each movie and each stack in the training set, see `muguet.training.Dataset`.
    """

    source: PatchSource
    first_laws: Sequence[FirstLaw]
    white: bool
    gated: bool
    series: Mapping[str, Sequence[tuple[int, ...]]] = field(default_factory=dict)


def result_of(
    plain: Denoiser, conditions: Conditions, steps: int, visits: float, history: Sequence[Mapping[str, float]]
) -> Denoiser:
    """Return the denoiser of a run with its noise law, the weights of its estimates and the scale of its errors.

    Its record of the training holds the `Outcome` of the run under "outcome".

    Parameters
    ----------
    plain
        The denoiser of the trained network alone.
    conditions
        What the result follows from.
    steps, visits, history
        Number of steps taken, targets per pixel, and the scores, see `Outcome.of`.
    """
    found, weighed = _with_law(plain, conditions, steps), []
    if conditions.white:
        variances = _variances(found, conditions)
        weighed = weigh(found, conditions.source, variances, steps > 0, conditions.gated)
        if conditions.gated:
            found = replace(
                found,
                blends=tuple(each.blend for each in weighed),
                error_scales=tuple(each.scale for each in weighed),
            )
    if conditions.gated and plain.method.net.dims == 3:
        weighed = _beside_planes(weighed, found, conditions)
    noisy_targets = conditions.source.targets is None
    if conditions.white and noisy_targets and plain.method.learns_law:
        found = with_shared_noise(found, conditions.source, conditions.series)
    # Weights by an assumed law are the best there are, but the errors that they follow from are not known.
    known = [
        each if measured else replace(each, risks=None)
        for each, measured in zip(weighed, _measured(found, conditions), strict=False)
    ]
    outcome = Outcome.of(steps, visits, history, known)
    return replace(found, training={**found.training, "outcome": outcome.as_dict()})


def require_finite(weights: Sequence[Tensor]) -> None:
    """Raise an error if a weight of a training run is not finite."""
    if not all(bool(torch.isfinite(each).all()) for each in weights):
        raise MuguetError(
            "the training failed, because its weights are no longer finite: train again with another --seed, or "
            "leave extreme values out with --valid-range"
        )


def _with_law(plain: Denoiser, conditions: Conditions, steps: int) -> Denoiser:
    """The denoiser with its calibrated noise law."""
    if not conditions.white:
        return plain
    earlier = [law.in_electrons.points for law in conditions.first_laws]
    if steps == 0 and earlier:
        return replace(plain, transfers=tuple(earlier))
    return calibrated(plain, conditions.source, earlier)


def _beside_planes(weighed: Sequence[Weighed], found: Denoiser, conditions: Conditions) -> list[Weighed]:
    """Add the risk of planes that are denoised one by one to those of volumes."""
    stride, variances = found.method.net.stride, _variances(found, conditions)
    compared = []
    for channel, each in enumerate(weighed):
        variance = variances[channel]
        if each.risks is not None and variance is not None:
            planes = risk_of_planes(conditions.source, channel, variance, stride)
            each = replace(each, risks=replace(each.risks, planes=planes))
        compared.append(each)
    return compared


def _measured(found: Denoiser, conditions: Conditions) -> list[bool]:
    """Whether the variance of the noise of each channel was measured, and not only assumed."""
    assumed = [bool(law.doubt) for law in conditions.first_laws] or [False] * len(found.scalings)
    points = found.transfers or [None] * len(found.scalings)
    return [curve is not None or not doubt for curve, doubt in zip(points, assumed, strict=True)]


def _variances(found: Denoiser, conditions: Conditions) -> list[Variance | None]:
    """The variance of the noise of each channel in network units, from the best measurement there is."""
    stride = found.method.net.stride
    if not found.transfers:
        return [variance_alone(conditions.source, c, stride) for c in range(len(found.scalings))]
    variances = [None if points is None else fitted_variance(points) for points in found.transfers]
    if conditions.first_laws:
        first = [law.in_electrons.variance for law in conditions.first_laws]
        return [known or law for known, law in zip(variances, first, strict=True)]
    return variances
