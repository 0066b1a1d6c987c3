"""Checks of an estimate beside its noisy plane: was the noise removed, and nothing else, and does the law fit?"""

from __future__ import annotations

import math

import numpy as np

from muguet.noise.transfer.highpass import high_pass
from muguet.quality.check import Check, Floats, Verdict, worst
from muguet.quality.frc import THRESHOLD, common, resolution
from muguet.quality.held_out import Calibration
from muguet.quality.normalised import Normalised
from muguet.quality.structure import excess, lost, pearson

Rings = tuple[Floats, Floats]  # frequencies and correlations

KEPT, REMOVED, FITS, RESOLVED = (
    "Nothing of the image was removed",
    "The noise was removed",
    "The noise law fits",
    "Resolution and signal-to-noise ratio",
)

# Doubtful and bad from here on: the first beyond the good cases of benchmarks/verdicts.py, the second before the bad.
_LOST = (0.13, 0.18)  # good ones have 0.1 at most, Gaussian blurs of 5 pixels and more 0.2 to 1
_ALIKE = 0.35  # correlation from which on a loss is believed: good ones have 0.3 at most, those blurs 0.41
_EXCESS = (1.5, 2.0)
_LITTLE = (
    0.4,
    0.25,
)  # of the noise's variance; a good estimate that uses the pixel itself may leave half of it
_MUCH = (1.6, 2.0)  # from 2 on the error of the estimate is larger than the noise was
_LEFT = (0.55, 0.65)
_BIAS = (0.5, 0.8)
_HALF = (0.09, 0.12)
_DISTANCE = (0.09, 0.15)
_ADVANTAGE = (-0.03, -0.1)
_RATIO = (1.5, 2.0)  # of variances
_FAR = 5.0  # standard deviations: z² is cut there, so that a few bright pixels do not decide


def check_kept(residual: Normalised) -> Check:
    """Whether structure of the image went with the noise; see `lost` and `excess` in `structure` beside it.

    `correlation` is Pearson's of z and the estimate, pixel by pixel, for comparison: it sees little.
    """
    z = residual.z
    share, like = lost(z, residual.signal, residual.std)
    figures = {
        "lost": share,
        "likeness": like,
        "excess": excess(z),
        "correlation": pearson(z, residual.signal),
    }
    if _removed(residual) < _LITTLE[0]:
        return Check(KEPT, "good", "Little was taken away at all, and so little of the image.", figures)
    share = _number(share) if _number(like) > _ALIKE else 0.0
    power = _number(figures["excess"])
    verdict = worst(_above(share, _LOST), _above(power, _EXCESS))
    if verdict == "good":
        told = f"Over 5×5 pixels the residual has {power:.2f} times the power of noise and hardly resembles the image."
        return Check(KEPT, verdict, told, figures)
    reason = (
        f"structures about ten pixels wide lost {100 * share / (1 + share):.0f} % of their contrast"
        if _above(share, _LOST) == verdict
        else f"over 5×5 pixels the residual has {power:.1f} times the power of noise"
    )
    start = "Structure of the image" if verdict == "bad" else "Perhaps some structure of the image"
    advice = "The estimate is too smooth: blur less, or train longer, on this very image."
    return Check(KEPT, verdict, f"{start} went with the noise: {reason}. {advice}", figures)


def check_removed(residual: Normalised) -> Check:
    """Whether the residual has the size of the noise: not less, not more, and without bias.

    - removed = Σ min((y − x̂)², 25σ²)/Σ σ²: the variance that was taken away, in units of the noise's. As
      E[(y − x̂)²] = σ² + E[(x̂ − x)²] − 2σ²·leverage, with 0 ≤ leverage ≤ 1 the weight that a pixel has in its own
      estimate, it is 0 where the estimate is the noisy image, about 1 − leverage for a good one, and the estimate's
      error is at least (removed − 1) σ²: from 2 on the noisy image was the better one.
    - left = √(mean(min((Hx̂/σ)², 100))): the share of the noise's standard deviation that is still in the estimate, with
      H the high-pass of `muguet.noise.transfer.highpass.high_pass`, which lets hardly any structure through.
    - bias = mean(|m|), m the mean of z in bins of like signals, weighted by their pixels.
    """
    z = residual.z
    known = np.isfinite(z)
    rough = (
        high_pass(np.where(known, residual.signal, np.nan)) if min(z.shape) >= 7 else np.full(z.shape, np.nan)
    )
    fine = (rough / residual.std)[np.isfinite(rough)]
    bins = residual.against_signal()
    figures = {
        "removed": _removed(residual),
        "left": float(np.minimum(fine**2, 100).mean()) ** 0.5 if fine.size else float("nan"),
        "bias": math.nan if bins is None else float(np.average(np.abs(bins["mean"]), weights=bins["count"])),
    }
    return Check(REMOVED, *_judge_removed(*(_number(value) for value in figures.values())), figures)


def _removed(residual: Normalised) -> float:
    known = np.isfinite(residual.z)
    variance = residual.std[known] ** 2
    return float((np.minimum(residual.z[known] ** 2, _FAR**2) * variance).sum() / variance.sum())


def _judge_removed(removed: float, left: float, bias: float) -> tuple[Verdict, str]:
    little: Verdict = "bad" if removed < _LITTLE[1] else "doubtful" if removed < _LITTLE[0] else "good"
    if removed < 0.5:  # fine structure of an image with hardly any noise looks like noise left in it
        little = worst(little, _above(left, _LEFT))
    much, biased = _above(removed, _MUCH), _above(bias, _BIAS)
    if little != "good":
        start = "The noise is still there" if little == "bad" else "Some noise may still be there"
        return little, (
            f"{start}: only {100 * removed:.0f} % of its variance was taken away. Train longer, or denoise "
            "more strongly."
        )
    if worst(much, biased) == "good":
        return "good", (
            f"What was taken away has {removed:.2f} times the variance of the noise, and is off by {bias:.2f} of its "
            "standard deviation at most signals."
        )
    if much == worst(much, biased):
        worse = (
            "more than the noise was" if removed > 2 else f"at least {100 * (removed - 1):.0f} % of the noise"
        )
        return much, (
            f"More than the noise was removed: {removed:.1f} times its variance. The error of the estimate is {worse}. "
            "The estimate is too smooth, or the model is for other images."
        )
    return biased, (
        f"Brightness is off: at like signals the estimate differs from the recorded by {bias:.1f} standard deviations "
        "of the noise on average. The model is another camera's, or the estimate was rescaled."
    )


def check_fits(fit: Calibration | None, gain: float, ratio: float) -> Check:
    """Whether the law says of hidden pixels what was recorded there.

    Parameters
    ----------
    fit
        See `muguet.quality.held_out.calibrate`; None without held-out pixels.
    gain
        Nats a pixel by which the law predicts them better than a Gaussian with the variance that the image tells;
        NaN without.
    ratio
        The law's variance over that which the noisy image itself tells, or its reciprocal if that is larger: the
        geometric mean over the image, exp √mean(log²). Judged only where there are no held-out pixels.
    """
    if fit is None:
        if not math.isfinite(ratio):
            return Check(FITS, "doubtful", "Too few pixels to tell whether the noise law fits.", {})
        verdict = _above(ratio, _RATIO)
        told = f"the law's variance and that of the image's own noise differ by a factor of {ratio:.2f}"
        return Check(FITS, verdict, _told_fit(verdict, told), {"variance_ratio": ratio})
    figures = {
        "distance": fit.distance,
        "distance_by_signal": fit.distance_by_signal,
        "coverage_50": fit.half,
        "coverage_90": fit.most,
        "coverage_50_error_by_signal": fit.half_by_signal,
        "advantage_nats": gain,
        "variance_ratio": ratio,
    }
    verdict = worst(
        _above(fit.half_by_signal, _HALF),
        _above(fit.distance_by_signal, _DISTANCE),
        _above(-_number(gain), (-_ADVANTAGE[0], -_ADVANTAGE[1])),
    )
    told = (
        f"of hidden pixels {100 * fit.half:.0f} % lie in its 50 % interval and {100 * fit.most:.0f} % in its 90 % "
        f"interval; at like signals its distribution is off by {fit.distance_by_signal:.2f}"
    )
    return Check(FITS, verdict, _told_fit(verdict, told), figures)


def _told_fit(verdict: Verdict, told: str) -> str:
    if verdict == "good":
        return f"{told[0].upper()}{told[1:]}."
    if verdict == "bad":
        return f"The noise law is not this image's: {told}. Train a model on images of this camera and these settings."
    return (
        f"The noise law fits only roughly: {told}. Train longer, or, if the model was trained on other images, on "
        "images of this camera and these settings."
    )


def check_resolved(snr: float, noisy: Rings, denoised: Rings | None) -> Check:
    """What can be resolved, as a period in pixels, and the signal-to-noise ratio: to be known rather than judged.

    Parameters
    ----------
    snr
        10 log₁₀(Var(x̂) / mean σ²(x̂)), in decibels: of the noisy image.
    noisy, denoised
        `muguet.quality.frc.ring_correlation` of two halves of the image, which have half its light, and of
        the estimates that the denoiser makes of them; None without one. It is bad if these hardly correlate at all.
    """
    figures = {"snr_db": snr, "resolution_noisy": resolution(*noisy)}
    told = f"Signal-to-noise ratio of the noisy image {_signed(snr, '.1f')} dB"
    if math.isfinite(figures["resolution_noisy"]):
        told += f"; details resolved, with half of the light: noisy {_period(figures['resolution_noisy'])}"
    if denoised is not None and len(denoised[1]):
        figures |= {"resolution_denoised": resolution(*denoised), "common_denoised": common(denoised[1])}
        if figures["common_denoised"] < THRESHOLD:
            return Check(
                RESOLVED,
                "bad",
                "Nothing is resolved: two denoised halves of the image do not correlate, not even in what is coarse. "
                "There is no signal, or the estimate follows the noise.",
                figures,
            )
        told += f", denoised {_period(figures['resolution_denoised'])}"
    return Check(RESOLVED, "good", f"{told}.", figures)


def _period(pixels: float) -> str:
    if math.isinf(pixels):
        return "none"
    return "down to the pixels" if pixels <= 2 else f"{pixels:.1f} pixels"


def variance_ratio(residual: Normalised) -> float:
    """Exp √mean(log²(σ²(x̂)/v(x̂))): how far the law's variance is from that which the image tells; NaN without one."""
    known = np.isfinite(residual.z)
    if residual.alone is None or not known.any():
        return float("nan")
    logs: Floats = np.log(residual.std[known] ** 2 / residual.alone(residual.signal[known]))
    return float(np.exp(np.sqrt(np.mean(logs**2))))


def _above(value: float, ends: tuple[float, float]) -> Verdict:
    return "bad" if value > ends[1] else "doubtful" if value > ends[0] else "good"


def _number(value: float) -> float:
    """What could not be measured accuses nobody."""
    return value if math.isfinite(value) else 0.0


def _signed(value: float, form: str = "+.2f") -> str:
    return f"{value:{form}}".replace("-", "−")
