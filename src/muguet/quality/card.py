"""All quality checks of one denoised plane together: did denoising work, judged without a clean image?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from muguet.errors import MuguetError
from muguet.image.values import unsaturated
from muguet.noise.correlated.explained import certain_whitening
from muguet.noise.law import Law
from muguet.noise.numerics import extreme
from muguet.pattern.correction import Correction
from muguet.quality.check import Check, Floats, Verdict, worst
from muguet.quality.frc import Response, ring_correlation
from muguet.quality.held_out import Calibration, HeldOut, advantage, calibrate
from muguet.quality.image_checks import check_source, check_white
from muguet.quality.law_check import check_fits, variance_ratio
from muguet.quality.normalised import MIN_PIXELS, Normalised, centre, normalise
from muguet.quality.result_checks import REMOVED, check_kept, check_removed, check_resolved
from muguet.quality.second_opinion import SecondOpinion, check_compared
from muguet.quality.whitened import explained, whitened_pair
from muguet.quality.whiteness import autocorrelation
from muguet.system.text import json_safe


@dataclass(frozen=True, eq=False)
class Quality:
    """The checks of one plane, and the curves behind them.

    Attributes
    ----------
    checks
        The checks, in the order in which a reader asks the questions.
    curves
        The curves that a report plots: "residual" {signal, mean, variance, error}, "autocorrelation" {lag, x, y},
        "pit" {edge, count} (one more edge than counts), "frc" {frequency, noisy, denoised} (frequency in cycles per
        pixel). A curve that could not be measured is absent.
    """

    checks: tuple[Check, ...]
    curves: Mapping[str, Mapping[str, Floats]]

    @property
    def verdict(self) -> Verdict:
        """The worst verdict of the checks."""
        return worst(*(check.verdict for check in self.checks))

    @property
    def sentence(self) -> str:
        """The sentence of the first check that has the worst verdict."""
        return next(
            (check.sentence for check in self.checks if check.verdict == self.verdict), "Nothing was checked."
        )

    def to_dict(self) -> dict[str, Any]:
        """Return verdicts, sentences, figures and curves as JSON can hold them: numbers are finite or None."""
        return {
            "verdict": self.verdict,
            "told": self.sentence,  # This key is the one that `Check.to_dict` uses.
            "checks": [check.to_dict() for check in self.checks],
            "curves": json_safe(self.curves),
        }


def quality(
    noisy: npt.ArrayLike,
    estimate: npt.ArrayLike,
    law: Law | None = None,
    held_out: HeldOut | None = None,
    response: Response | None = None,
    reach: Sequence[int] = (),
    opinion: SecondOpinion | None = None,
    correction: Correction | None = None,
) -> Quality:
    """Judge a denoised plane by comparison with its noisy plane, without a clean image.

    The modules `muguet.quality.image_checks` and `muguet.quality.result_checks` describe the measurements and their
    limits. If the law does not fit the image, the residual is judged by the variance measured on the noisy image, so
    that a wrong law is not mistaken for a wrong estimate.

    Parameters
    ----------
    noisy, estimate
        Planes ``(Y, X)`` in camera counts; NaN marks missing pixels. Only the central 1024×1024 pixels of larger
        planes are judged; traces of earlier processing, such as a contrast stretch, are searched in the whole noisy
        plane.
    law
        The law of the noise in counts, for example that of a denoiser. None for an estimate of any other tool: the
        variance of the noise is then measured on the noisy image, and correlated noise is made white first.
    held_out
        Pixels that were hidden from the network, and its estimates, to test whether the law predicts them.
    response
        The response of the estimate to noise, to measure the resolution of the denoised image.
    reach
        Number of neighbours along Y and X that the mask hid on each side of a pixel, because noise is correlated;
        none by default.
    opinion
        Another estimate to compare with (`second_opinion` of the noisy plane); None: the question whether anything
        better is at hand is left out.
    correction
        What was removed from the noisy plane before it was denoised: offsets of lines, for example. None: what
        `muguet.pattern.Correction` finds by default.

    Raises
    ------
    MuguetError
        If the arrays are not two planes of one shape.
    """
    plane = np.asarray(noisy)
    recorded, signal = (np.asarray(each, dtype=np.float64) for each in (noisy, estimate))
    if recorded.ndim != 2 or recorded.shape != signal.shape:
        raise MuguetError(
            f"noisy has the shape {recorded.shape} and estimate the shape {signal.shape}: "
            "give two planes (Y, X) of one shape"
        )
    recorded = np.asarray((correction or Correction()).plane(plane), dtype=np.float64)
    recorded, signal = centre(recorded), centre(signal)
    if extreme(recorded):
        return Quality((check_source(plane), _too_extreme()), {})
    original = recorded, signal
    whitening = certain_whitening([unsaturated(recorded)]) if law is None else None
    if whitening is not None:
        recorded, signal = whitened_pair(whitening, recorded, signal)
    residual = normalise(recorded, signal, law)
    fit, fits = _fit(residual, law, held_out)
    if fits is not None and fits.verdict == "bad" and residual.measured_variance is not None:
        residual, response = normalise(recorded, signal, None), None
    if residual.count < MIN_PIXELS:
        return Quality((check_source(plane), _too_few(residual.count)), {})
    correlation_x, correlation_y = autocorrelation(residual.z)
    white = check_white(unsaturated(recorded), (correlation_x, correlation_y, residual.count), reach)
    white = white if whitening is None else explained(white, whitening, compared=opinion is not None)
    rings, resolved = _resolve(residual, response)
    compared = [] if opinion is None else [check_compared(*original, opinion)]
    close = any(check.verdict == "good" for check in compared)
    checks = [check_source(plane), white, check_kept(residual), check_removed(residual, close), *compared]
    checks += [resolved] if fits is None else [fits, resolved]
    curves = {
        "residual": residual.against_signal(),
        "autocorrelation": {
            "lag": np.arange(1.0, len(correlation_x) + 1),
            "x": correlation_x,
            "y": correlation_y,
        },
        "pit": None if fit is None else _histogram(fit.values),
        "frc": rings,
    }
    return Quality(tuple(checks), {name: curve for name, curve in curves.items() if curve})


def assumptions(noisy: npt.ArrayLike) -> Quality:
    """Judge a noisy plane ``(Y, X)`` alone: is the file as the camera recorded it, and is its noise white?

    Raises
    ------
    MuguetError
        If the array does not have two axes.
    """
    plane = np.asarray(noisy)
    if plane.ndim != 2:
        raise MuguetError(f"noisy has the shape {plane.shape}: give one plane (Y, X)")
    return Quality((check_source(plane), check_white(unsaturated(centre(plane.astype(np.float64))))), {})


def _fit(
    residual: Normalised, law: Law | None, held_out: HeldOut | None
) -> tuple[Calibration | None, Check | None]:
    """Return how well the law predicts the held-out pixels, and the check of it; None and None without a law."""
    if law is None and (held_out is None or held_out.law is None):
        return None, None
    fit, gain = None, float("nan")
    learned = law if held_out is None or held_out.law is None else held_out.law
    if held_out is not None and learned is not None:
        fit = calibrate(held_out, learned)
        if fit is not None and residual.measured_variance is not None:
            gain = advantage(held_out, learned, residual.measured_variance)
    return fit, check_fits(fit, gain, variance_ratio(residual))


def _resolve(residual: Normalised, response: Response | None) -> tuple[Mapping[str, Floats] | None, Check]:
    """Return the Fourier ring correlations with the unknown signal, and the check of the resolution."""
    rings = ring_correlation(residual.recorded, residual.std, response)
    known = np.isfinite(residual.std) & np.isfinite(residual.signal)
    power, noise = float(np.var(residual.signal[known])), float(np.mean(residual.std[known] ** 2))
    snr = 10 * math.log10(power / noise) if power > 0 and noise > 0 else float("nan")
    check = check_resolved(snr, rings)
    if rings is None:
        return None, check
    curve = {"frequency": rings.frequency, "noisy": rings.noisy}
    return curve if rings.denoised is None else {**curve, "denoised": rings.denoised}, check


def _histogram(values: Floats) -> Mapping[str, Floats]:
    """Return the histogram of probability integral transforms in 20 bins between 0 and 1."""
    count, edge = np.histogram(values, 20, (0, 1))
    return {"edge": edge, "count": count.astype(np.float64)}


def _too_extreme() -> Check:
    sentence = (
        "Not judged: squares of such large or small values are no numbers; multiply both images by one factor "
        "that brings their values near 1."
    )
    return Check(REMOVED, "doubtful", sentence, {})


def _too_few(count: int) -> Check:
    sentence = (
        f"Too few pixels: {count} are finite and unsaturated in both images, "
        f"and {MIN_PIXELS} are needed to judge the result."
    )
    return Check(REMOVED, "doubtful", sentence, {"pixels": float(count)})
