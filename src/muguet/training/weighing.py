"""The weights of the trained network, the prior and a blur, and the size of their error, by Stein's unbiased risk."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from muguet.denoiser.denoiser import Denoiser
from muguet.noise.transfer.variance import Variance
from muguet.prediction.blend import Blend
from muguet.prediction.error_scale import ErrorScale
from muguet.restoration.blur import gaussian_blur
from muguet.restoration.blur_width import blind_sigma
from muguet.training.brightness import brightness
from muguet.training.patches import PatchSource
from muguet.training.sampled import SampledPlane, sampled_planes

Floats = npt.NDArray[np.float64]

MAX_PIXELS = 2**19
"""The risk of a channel is measured on at most about this many pixels."""

STEP = 0.05
"""Weights are looked for among the multiples of this."""

_PROBE = 0.05  # The image is changed by this share of the noise to measure the slope of an estimate.
_LAW_ERROR = 0.05  # Relative error of a variance that was measured on the image alone.
_RATIOS = 0.25, 16.0  # Limits of the ratio of measured to predicted squared errors.
_PARTS = 8  # Errors are measured in this many groups of pixels of equal size, by their predicted error.


@dataclass(frozen=True)
class Risks:
    """Mean squared errors of the estimates of a channel by Stein's unbiased risk, relative to the noise's variance.

    Attributes
    ----------
    result, trained, prior, blur
        Those of the result, the trained network, the prior and the blur; None where there is no such estimate. As they
        are measured without the clean image, they may be slightly negative.
    sigma
        Standard deviation of the blur in pixels.
    error
        Standard error of the difference between the blur's and the result's.
    planes
        That of planes which are denoised one by one, before any training, where the network has three dimensions.
    """

    result: float
    trained: float | None
    prior: float | None
    blur: float
    sigma: float
    error: float
    planes: float | None = None


@dataclass(frozen=True, eq=False)
class Weighed:
    """The weights of the estimates of a channel, the scale of the predicted error, and the risks they follow from."""

    blend: Blend
    scale: ErrorScale
    risks: Risks | None = None


@dataclass(frozen=True, eq=False)
class Estimates:
    """The estimates of some pixels by several denoisers, and what their errors follow from.

    Attributes
    ----------
    noisy
        Recorded values ``(pixels,)``.
    variance
        Variance σ² of the noise.
    values
        Estimates ``(denoisers, pixels)``.
    slope
        An unbiased, noisy measurement of σ² ∂x̂/∂y, of the same shape.
    predicted
        Predicted standard deviation of the error ``(pixels,)``.
    """

    noisy: Floats
    variance: Floats
    values: Floats
    slope: Floats
    predicted: Floats

    def risk(self, weights: Floats) -> Floats:
        """Return an unbiased, noisy measurement of the squared error of a weighted mean, for each pixel.

        Stein's unbiased risk estimate (x̂ − y)² − σ² + 2 σ² ∂x̂/∂y; Stein 1981, doi:10.1214/aos/1176345632. It holds
        for Gaussian noise, and for noise of any other kind as far as x̂ is linear in the pixel's own value.
        """
        residual: Floats = weights @ self.values - self.noisy
        found: Floats = residual**2 - self.variance + 2 * weights @ self.slope
        return found

    def only(self, denoisers: slice) -> Estimates:
        """Return the estimates of some of the denoisers."""
        return replace(self, values=self.values[denoisers], slope=self.slope[denoisers])


def weigh(
    denoiser: Denoiser,
    source: PatchSource,
    variances: Sequence[Variance | None],
    trained: bool,
    gated: bool = True,
) -> list[Weighed]:
    """Return for each channel the weights of the mean that has the least risk, and the scale of its predicted error.

    Parameters
    ----------
    denoiser
        A denoiser without weights.
    source
        The images it was trained on.
    variances
        Variance of the noise of each channel in network units; None where it is not known, and nothing can be weighed.
    trained
        Whether the network has been trained, and differs from the prior.
    gated
        Whether estimates are weighed. If not, the result is that of the network, as for published methods, and only
        the risks are measured.
    """
    return [
        _weigh_channel(denoiser, source, channel, variance, trained, gated)
        for channel, variance in enumerate(variances)
    ]


def _weigh_channel(
    denoiser: Denoiser,
    source: PatchSource,
    channel: int,
    variance: Variance | None,
    trained: bool,
    gated: bool,
) -> Weighed:
    prior = denoiser.method.prior is not None
    if variance is None or not bool((source.channels == channel).any()):
        return Weighed(Blend(float(trained or not prior), float(prior and not trained)), ErrorScale())
    names = ["trained"] * (trained or not prior) + ["prior"] * prior + ["blur"]
    sigma = 0.0
    parts = []
    chance = torch.Generator().manual_seed(0)
    for plane in sampled_planes(source, channel, MAX_PIXELS, denoiser.method.net.stride):
        middle = plane.filled[len(plane.filled) // 2] if plane.filled.ndim == 3 else plane.filled
        sigma = sigma or blind_sigma(middle)
        parts.append(_estimates(denoiser, channel, plane, variance, names, sigma, chance))
    every = Estimates(
        *(np.concatenate(each, -1) for each in zip(*(vars(p).values() for p in parts), strict=True))
    )
    weights = np.eye(len(names))[0]
    if gated:
        weights = cautious(every) if trained and prior else least_risk(every)
    found = dict(zip(names, weights.tolist(), strict=True))
    blend = Blend(
        found.get("trained", 0.0),
        found.get("prior", 0.0),
        found["blur"],
        sigma if found["blur"] else 0.0,
        brightness(every.noisy, weights @ every.values, every.variance) if gated and prior else 1.0,
    )
    # A gate that is closed, because the noise could not be measured, predicts no error.
    scale = error_scale(every, weights) if gated and denoiser.predicts_error else ErrorScale()
    return Weighed(blend, scale, _risks(every, weights, names, sigma))


def _risks(estimates: Estimates, weights: Floats, names: Sequence[str], sigma: float) -> Risks:
    """The risks of the estimates and of their weighted mean, relative to the variance of the noise."""
    noise = float(estimates.variance.mean())
    single = dict(zip(names, map(estimates.risk, np.eye(len(names))), strict=True))
    result = estimates.risk(weights)
    mean = {name: float(values.mean()) / noise for name, values in single.items()}
    gain = single["blur"] - result
    return Risks(
        float(result.mean()) / noise,
        mean.get("trained"),
        mean.get("prior"),
        mean["blur"],
        sigma,
        float(gain.std()) / math.sqrt(gain.size) / noise,
    )


def least_risk(estimates: Estimates) -> Floats:
    """Return the weights, multiples of `STEP` that sum to one, of the weighted mean with the least mean risk."""
    residual = estimates.values - estimates.noisy
    products = residual @ residual.T / residual.shape[1]
    slopes = 2 * estimates.slope.mean(1)
    best = min(_simplex(len(residual)), key=lambda w: float(w @ products @ w + slopes @ w))
    return best


def cautious(estimates: Estimates) -> Floats:
    """Return weights that leave the best mean without the first estimate only as far as it gains clearly.

    With the weights a of the least risk among all, and b among those in which the first estimate, that of the trained
    network, has none, the result is b + t (a − b). The share t, 0 to 1, minimises the mean risk plus one standard error
    of its difference from that of b, which grows as t does. On few pixels the least risk alone would follow chance.
    """
    best, without = least_risk(estimates), least_risk(estimates.only(slice(1, None)))
    start = np.concatenate([[0.0], without])
    risks = [estimates.risk(start + share * (best - start)) for share in (0.0, 0.5, 1.0)]
    zero, half, one = (float(each.mean()) for each in risks)
    error = float((risks[2] - risks[0]).std()) / math.sqrt(risks[0].size)
    # The mean risk is a parabola of t: zero + slope t + bend t².
    slope, bend = 4 * half - one - 3 * zero, 2 * (one + zero) - 4 * half
    share = -(slope + error) / (2 * bend) if bend > 0 else float(one + error < zero)
    found: Floats = start + min(max(share, 0.0), 1.0) * (best - start)
    return found


def _simplex(n: int) -> list[Floats]:
    """All vectors of `n` multiples of `STEP` that sum to one."""
    steps = round(1 / STEP)
    places = np.stack(np.meshgrid(*[np.arange(steps + 1)] * (n - 1), indexing="ij"), -1).reshape(-1, n - 1)
    kept = places[places.sum(1) <= steps]
    return list(np.concatenate([kept, steps - kept.sum(1, keepdims=True)], 1) / steps)


def error_scale(estimates: Estimates, weights: Floats) -> ErrorScale:
    """Return the factors that draw predicted errors towards measured ones, in each of `_PARTS` groups of pixels.

    The measured risk of a group has a standard error, and an error of `_LAW_ERROR` of the variance of the noise, since
    the law is measured as well. It counts as much as it is certain compared with the predicted error: little where
    nearly all noise is removed, much where the image is so bright that what remains is a large share of the noise.
    """
    risk = estimates.risk(weights)
    order = np.argsort(estimates.predicted)
    squares = estimates.predicted**2
    rows = []
    for part in np.array_split(order, _PARTS):
        expected, measured = float(squares[part].mean()), float(risk[part].mean())
        error = float(risk[part].std() / np.sqrt(len(part)))
        doubt = error**2 + (_LAW_ERROR * float(estimates.variance[part].mean())) ** 2
        trust = expected**2 / (expected**2 + doubt)
        factor = np.clip(measured / expected, *_RATIOS) ** (0.5 * trust)
        rows.append((float(np.sqrt(expected)), float(factor), measured, float(np.sqrt(doubt))))
    rising = [row for before, row in zip([(0.0,), *rows], rows, strict=False) if row[0] > before[0]]
    return ErrorScale(*zip(*rising, strict=True))


def _estimates(
    denoiser: Denoiser,
    channel: int,
    plane: SampledPlane,
    variance: Variance,
    names: Sequence[str],
    sigma: float,
    chance: torch.Generator,
) -> Estimates:
    """The estimates of one plane."""
    method = denoiser.method
    functions: dict[str, Callable[[Tensor], Tensor]] = {
        "trained": method.estimate,
        "prior": lambda image: method.prior_estimate(image)[0],
        "blur": lambda image: gaussian_blur(image, sigma),
    }
    image = torch.from_numpy(plane.filled)[None, None].to(denoiser.device)
    sign = (2.0 * torch.randint(2, image.shape, generator=chance) - 1).to(image)
    with torch.inference_mode():
        if method.prior is None:
            known_first = {}
            predicted = denoiser.predicted_std(image, channel) if denoiser.predicts_error else image * 0
        else:
            estimate, error = method.prior_estimate(image)
            known_first, predicted = {"prior": estimate}, error.sqrt()
        first = torch.cat(
            [known_first[name] if name in known_first else functions[name](image) for name in names]
        )
        square = variance(first[:1])
        step = _PROBE * square.sqrt() * sign
        second = torch.cat([functions[name](image + step) for name in names])
        slope = square * (second - first) / step
    usable = plane.usable

    def known(values: Tensor) -> Floats:
        return values[:, 0].cpu().numpy()[:, usable].astype(np.float64)

    return Estimates(known(image)[0], known(square)[0], known(first), known(slope), known(predicted)[0])
