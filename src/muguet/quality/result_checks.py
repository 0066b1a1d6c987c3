"""Checks of an estimate against its noisy plane: was the noise removed, and only the noise, and how fine is it?"""

from __future__ import annotations

import math

import numpy as np

from muguet.noise.transfer.highpass import high_pass
from muguet.quality.check import Check, Verdict, finite_or_zero, verdict_above, worst
from muguet.quality.frc import Rings, resolution
from muguet.quality.normalised import Normalised
from muguet.quality.structure import excess_power, lost_contrast, pearson

KEPT, REMOVED, RESOLVED = (
    "Nothing of the image was removed",
    "The noise was removed",
    "Resolution and signal-to-noise ratio",
)

# In a pair of limits, values beyond the first are doubtful and values beyond the second are bad. In
# benchmarks/verdicts.py all good cases lie on the good side of the first limit, and all bad cases beyond the second.

_LOST_LIMITS = (0.13, 0.18)
"""Limits of the lost contrast. Good estimates have 0.1 at most, Gaussian blurs of 5 pixels and more 0.2 to 1."""

_MIN_LIKENESS = 0.35
"""A loss of contrast counts only above this correlation. Good estimates have 0.3 at most, those blurs at least 0.41."""

_EXCESS_LIMITS = (1.5, 2.0)
"""Limits of the power of the residual over 5×5 pixels, relative to white noise."""

_LOW_REMOVED_LIMITS = (0.4, 0.25)
"""Lower limits of the removed variance, relative to the variance of the noise. A good estimate that uses the pixel's
own value may leave half of it."""

_HIGH_REMOVED_LIMITS = (1.6, 2.0)
"""Upper limits of the removed variance. From 2 on, the error of the estimate is larger than the noise was."""

_LEFT_LIMITS = (0.55, 0.65)
"""Limits of the fraction of the noise's standard deviation that remains in the estimate."""

_MAX_REMOVED_FOR_LEFT = 0.5
"""The remaining noise is judged only if less than this variance was removed: in an image with hardly any noise, fine
structure looks like remaining noise."""

_BIAS_LIMITS = (0.5, 0.8)
"""Limits of the mean error of the brightness, in standard deviations of the noise."""

_MAX_Z = 5.0
"""z² is limited at this many standard deviations, so that a few bright pixels do not dominate."""


def check_kept(residual: Normalised) -> Check:
    """Check that no structure of the image was removed with the noise.

    See `lost_contrast` and `excess_power` in `muguet.quality.structure`. `correlation` is Pearson's correlation of z
    and the estimate, pixel by pixel; it is given for comparison, because it detects little.
    """
    z = residual.z
    lost, likeness = lost_contrast(z, residual.signal, residual.std)
    figures = {
        "lost": lost,
        "likeness": likeness,
        "excess": excess_power(z),
        "correlation": pearson(z, residual.signal),
    }
    if _removed(residual) < _LOW_REMOVED_LIMITS[0]:
        sentence = "Hardly anything was removed, so hardly any image structure can have been removed."
        return Check(KEPT, "good", sentence, figures)
    lost = finite_or_zero(lost) if finite_or_zero(likeness) > _MIN_LIKENESS else 0.0
    power = finite_or_zero(figures["excess"])
    verdict = worst(verdict_above(lost, _LOST_LIMITS), verdict_above(power, _EXCESS_LIMITS))
    if verdict == "good":
        sentence = (
            f"Over 5×5 pixels the residual (noisy − denoised) has {power:.2f} times the power of white noise, "
            "and it hardly resembles the image."
        )
        return Check(KEPT, verdict, sentence, figures)
    reason = (
        f"structures about ten pixels wide lost {100 * lost / (1 + lost):.0f} % of their contrast"
        if verdict_above(lost, _LOST_LIMITS) == verdict
        else f"over 5×5 pixels the residual (noisy − denoised) has {power:.1f} times the power of white noise"
    )
    start = "Image structure was" if verdict == "bad" else "Some image structure may have been"
    advice = (
        "The estimate is too smooth: a network needs more training on this image, a filter less strength."
    )
    return Check(KEPT, verdict, f"{start} removed with the noise: {reason}. {advice}", figures)


def check_removed(residual: Normalised, close: bool = False) -> Check:
    """Check that the residual has the size of the noise: not less, not more, and without bias.

    - removed = Σ min((y − x̂)², 25σ²)/Σ σ² is the removed variance, relative to the variance of the noise. Because
      E[(y − x̂)²] = σ² + E[(x̂ − x)²] − 2σ²·leverage, where leverage (0 to 1) is the weight of a pixel's own value in
      its estimate, it is 0 if the estimate is the noisy image, and about 1 − leverage for a good estimate. The
      squared error of the estimate is at least (removed − 1) σ²: from 2 on, the noisy image was better.
    - left = √(mean(min((Hx̂/σ)², 100))) is the fraction of the noise's standard deviation that remains in the
      estimate, where H is the high-pass filter `muguet.noise.transfer.highpass.high_pass`, which suppresses nearly
      all structure.
    - bias = mean(|m|), where m is the mean of z in bins of similar signals, weighted by their number of pixels.

    Parameters
    ----------
    residual
        The normalised residual.
    close
        Whether the estimate is close to a good one (`check_compared`). Little removed noise is then doubtful at most:
        in an image with hardly any noise, the best estimate leaves much of it.
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
    return Check(
        REMOVED,
        *_judge_removed(*(finite_or_zero(value) for value in figures.values()), close=close),
        figures,
    )


def _removed(residual: Normalised) -> float:
    """Return the variance of the residual relative to that of the noise; see `check_removed`."""
    known = np.isfinite(residual.z)
    variance = residual.std[known] ** 2
    return float((np.minimum(residual.z[known] ** 2, _MAX_Z**2) * variance).sum() / variance.sum())


def _judge_removed(removed: float, left: float, bias: float, *, close: bool) -> tuple[Verdict, str]:
    """Return the verdict and the sentence for the figures of `check_removed`."""
    low, lower = _LOW_REMOVED_LIMITS
    too_little: Verdict = "bad" if removed < lower else "doubtful" if removed < low else "good"
    if removed < _MAX_REMOVED_FOR_LEFT:
        too_little = worst(too_little, verdict_above(left, _LEFT_LIMITS))
    if close and too_little == "bad":
        too_little = "doubtful"
    too_much, biased = verdict_above(removed, _HIGH_REMOVED_LIMITS), verdict_above(bias, _BIAS_LIMITS)
    if too_little != "good":
        start = "The noise is still there" if too_little == "bad" else "Some noise may still be there"
        return too_little, (
            f"{start}: only {100 * removed:.0f} % of its variance was removed. "
            "Train longer, or denoise more strongly."
        )
    if worst(too_much, biased) == "good":
        return "good", (
            f"The residual (noisy − denoised) has {removed:.2f} times the variance of the noise. At a given signal, "
            f"its mean differs from zero by {bias:.2f} standard deviations of the noise on average."
        )
    if too_much == worst(too_much, biased):
        error = "larger than" if removed > 2 else f"at least {100 * (removed - 1):.0f} % of"
        return too_much, (
            f"More than the noise was removed: {removed:.1f} times its variance. The squared error of the estimate is "
            f"{error} the variance of the noise. The estimate is too smooth, or the model was trained on other images."
        )
    return biased, (
        f"The brightness is off: at a given signal, the estimate differs from the noisy image by {bias:.1f} standard "
        "deviations of the noise on average. The model is for another camera, or the estimate was rescaled."
    )


def check_resolved(snr: float, rings: Rings | None) -> Check:
    """Report the smallest resolved period in pixels and the signal-to-noise ratio.

    This check is for information. It is bad only if the estimate hardly correlates with the signal at all.

    Parameters
    ----------
    snr
        Signal-to-noise ratio of the noisy image in decibels, 10 log₁₀(Var(x̂) / mean σ²(x̂)).
    rings
        `muguet.quality.frc.ring_correlation` of the noisy image and, with a denoiser, of the estimate; None if the
        image is too small.
    """
    figures = {"snr_db": snr}
    ratio = f"is {snr:.1f} dB".replace("-", "−") if math.isfinite(snr) else "could not be measured"
    sentence = f"The signal-to-noise ratio of the noisy image {ratio}"
    if rings is None:
        return Check(RESOLVED, "good", f"{sentence}.", figures)
    figures["resolution_noisy"] = resolution(rings.frequency, rings.noisy)
    sentence += f"; smallest period that is resolved: noisy {_period(figures['resolution_noisy'])}"
    if rings.denoised is not None:
        figures["resolution_denoised"] = resolution(rings.frequency, rings.denoised)
        if math.isinf(figures["resolution_denoised"]):
            return Check(
                RESOLVED,
                "bad",
                "Nothing is resolved: the estimate does not correlate with the signal, not even in its coarsest "
                "structures. There is no signal, or the estimate follows the noise.",
                figures,
            )
        sentence += f", denoised {_period(figures['resolution_denoised'])}"
    if rings.least is not None and math.isfinite(figures["resolution_denoised"]):
        figures["resolution_denoised_limit"] = limit = resolution(rings.frequency, rings.least)
        if math.isfinite(limit) and limit > 2:
            sentence += f" ({_period(limit)} or finer with 95 % certainty)"
    return Check(RESOLVED, "good", f"{sentence}.", figures)


def _period(pixels: float) -> str:
    """Return a resolution in words."""
    if math.isnan(pixels):
        return "not measurable"
    if math.isinf(pixels):
        return "none"
    return "2 pixels (the sampling limit)" if pixels <= 2 else f"{pixels:.1f} pixels"
