"""The check of a noise law: does it predict the recorded values of an image?"""

from __future__ import annotations

import math

import numpy as np

from muguet.quality.check import Check, Floats, Verdict, finite_or_zero, verdict_above, worst
from muguet.quality.held_out import Calibration
from muguet.quality.normalised import Normalised

FITS = "The noise law fits"

# In a pair of limits, values beyond the first are doubtful and values beyond the second are bad, as in `result_checks`.

_COVERAGE_LIMITS = (0.09, 0.12)
"""Limits of the error of the coverage of the 50 % interval."""

_DISTANCE_LIMITS = (0.09, 0.15)
"""Limits of Kolmogorov's distance between the predicted and the recorded distribution."""

_DISADVANTAGE_LIMITS = (0.03, 0.1)
"""Limits of the log-likelihood by which a Gaussian predicts held-out pixels better than the law, in nats per pixel."""

_VARIANCE_RATIO_LIMITS = (1.5, 2.0)
"""Limits of the ratio of the law's variance and the measured variance."""

_SAME_CAMERA = 1.25
"""Up to this ratio of the variances, the law is that of the camera, and a distribution that does not fit was not
learned yet."""


def check_fits(fit: Calibration | None, gain: float, ratio: float) -> Check:
    """Check how well held-out pixels are predicted by the law.

    Parameters
    ----------
    fit
        The result of `muguet.quality.held_out.calibrate`; None without held-out pixels.
    gain
        The log-likelihood by which the law predicts held-out pixels better than a Gaussian with the measured
        variance, in nats per pixel; NaN if it could not be computed.
    ratio
        The result of `variance_ratio`. Without held-out pixels, it is judged; with them, a law whose variance is right
        is doubtful at most.
    """
    if fit is None:
        if not math.isfinite(ratio):
            return Check(FITS, "doubtful", "Too few pixels to judge whether the noise law fits.", {})
        verdict = verdict_above(ratio, _VARIANCE_RATIO_LIMITS)
        reason = (
            "the variance of the law and the variance of the noise measured on the image "
            f"differ by a factor of {ratio:.2f}"
        )
        return Check(FITS, verdict, _fit_sentence(verdict, reason), {"variance_ratio": ratio})
    figures = {
        "distance": fit.distance,
        "distance_by_signal": fit.distance_by_signal,
        "coverage_50": fit.coverage_50,
        "coverage_90": fit.coverage_90,
        "coverage_50_error_by_signal": fit.coverage_50_error_by_signal,
        "advantage_nats": gain,
        "variance_ratio": ratio,
    }
    verdict = worst(
        verdict_above(fit.coverage_50_error_by_signal, _COVERAGE_LIMITS),
        verdict_above(fit.distance_by_signal, _DISTANCE_LIMITS),
        verdict_above(-finite_or_zero(gain), _DISADVANTAGE_LIMITS),
    )
    if verdict == "bad" and ratio <= _SAME_CAMERA:
        verdict = "doubtful"
    reason = (
        f"{100 * fit.coverage_50:.0f} % of the held-out pixels lie in the 50 % interval of the law and "
        f"{100 * fit.coverage_90:.0f} % in its 90 % interval; at a given signal, the predicted distribution is off by "
        f"{fit.distance_by_signal:.2f}"
    )
    return Check(FITS, verdict, _fit_sentence(verdict, reason), figures)


def _fit_sentence(verdict: Verdict, reason: str) -> str:
    """Return the sentence that gives the reason of a verdict on the law, and what to do."""
    if verdict == "good":
        return f"{reason[0].upper()}{reason[1:]}."
    advice = (
        "If the model was trained on images of this camera with the same settings, train longer; "
        "otherwise, train on such images."
    )
    if verdict == "bad":
        return f"The noise law does not fit this image: {reason}. {advice}"
    return f"The noise law fits only roughly: {reason}. {advice}"


def variance_ratio(residual: Normalised) -> float:
    """Return the typical factor between the law's variance σ²(x̂) and the measured variance v(x̂), 1 or more.

    The factor is exp √mean(log²(σ²(x̂)/v(x̂))) over all pixels; NaN if the variance could not be measured.
    """
    known = np.isfinite(residual.z)
    if residual.measured_variance is None or not known.any():
        return float("nan")
    logs: Floats = np.log(residual.std[known] ** 2 / residual.measured_variance(residual.signal[known]))
    return float(np.exp(np.sqrt(np.mean(logs**2))))
