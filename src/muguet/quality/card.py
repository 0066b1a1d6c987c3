"""Did it work? What can be told of a denoised image without a clean one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from muguet.errors import MuguetError
from muguet.image.values import unsaturated
from muguet.noise.law import Law
from muguet.quality.check import Check, Floats, Verdict, worst
from muguet.quality.frc import halves as split
from muguet.quality.frc import ring_correlation
from muguet.quality.held_out import Calibration, HeldOut, advantage, calibrate
from muguet.quality.image_checks import check_source, check_white
from muguet.quality.normalised import FEWEST, Normalised, centre, normalise
from muguet.quality.result_checks import (
    REMOVED,
    check_fits,
    check_kept,
    check_removed,
    check_resolved,
    variance_ratio,
)
from muguet.quality.whiteness import autocorrelation
from muguet.system.text import json_safe

__all__ = ["Check", "HeldOut", "Quality", "Verdict", "assumptions", "quality"]


@dataclass(frozen=True, eq=False)
class Quality:
    """What the checks say of one plane, and the curves behind them.

    Attributes
    ----------
    checks
        In the order in which a reader asks.
    curves
        What a report plots: "residual" {signal, mean, variance, error}, "autocorrelation" {lag, x, y},
        "pit" {edge, count} (one edge more than counts), "frc" {frequency, noisy, denoised} (cycles a pixel).
        A curve that could not be measured is absent.
    """

    checks: tuple[Check, ...]
    curves: Mapping[str, Mapping[str, Floats]]

    @property
    def verdict(self) -> Verdict:
        """The worst of the checks."""
        return worst(*(check.verdict for check in self.checks))

    @property
    def told(self) -> str:
        """The line of the worst check, the first of them."""
        return next(
            (check.told for check in self.checks if check.verdict == self.verdict), "Nothing was checked."
        )

    def to_dict(self) -> dict[str, Any]:
        """For JSON: numbers are finite or None."""
        return {
            "verdict": self.verdict,
            "told": self.told,
            "checks": [check.to_dict() for check in self.checks],
            "curves": json_safe(self.curves),
        }


def quality(
    noisy: npt.ArrayLike,
    estimate: npt.ArrayLike,
    law: Law | None = None,
    held_out: HeldOut | None = None,
    halves: tuple[Floats, Floats] | None = None,
    reach: Sequence[int] = (),
) -> Quality:
    """Judge a denoised plane by its noisy one, without a clean one.

    What is measured is told by the functions of `muguet.quality.image_checks` and
    `muguet.quality.result_checks`, which hold the limits too. If the law turns out not to fit, the
    residual is judged by the variance that the noisy image itself tells: a wrong law is not taken for a wrong
    estimate.

    Parameters
    ----------
    noisy, estimate
        Planes ``(Y, X)`` in camera counts; NaN where nothing is known. Of larger ones the 1024×1024 pixels of the
        centre are judged (and all of the noisy one for traces of a contrast stretch and the like).
    law
        The law of the noise in counts, such as a denoiser's. None, for an estimate of any other tool: the variance
        of the noise is measured on the noisy image.
    held_out
        Hidden pixels and their estimates, of which the law must be right.
    halves
        What the denoiser makes of two halves of the noisy image (`muguet.quality.frc.halves`), for its
        resolution.
    reach
        How many neighbours along Y and X were hidden with each pixel, because noise is correlated; none by default.

    Raises
    ------
    MuguetError
        If the planes are not two of one shape.
    """
    plane = np.asarray(noisy)
    recorded, signal = (np.asarray(each, dtype=np.float64) for each in (noisy, estimate))
    if recorded.ndim != 2 or recorded.shape != signal.shape:
        raise MuguetError(
            f"a noisy plane (Y, X) and its estimate are judged, and these are of {recorded.shape} and {signal.shape}: "
            "give two planes of one shape"
        )
    recorded, signal = centre(recorded), centre(signal)
    residual = normalise(recorded, signal, law)
    fit, fits = _fit(residual, law, held_out)
    if fits is not None and fits.verdict == "bad" and residual.alone is not None:
        residual, halves = normalise(recorded, signal, None), None
    if residual.count < FEWEST:
        return Quality((check_source(plane), _too_few(residual.count)), {})
    along = autocorrelation(residual.z)
    white = check_white(unsaturated(recorded), (*along, residual.count), reach)
    rings, resolved = _resolve(residual, halves)
    checks = [check_source(plane), white, check_kept(residual), check_removed(residual)]
    checks += [resolved] if fits is None else [fits, resolved]
    curves = {
        "residual": residual.against_signal(),
        "autocorrelation": {"lag": np.arange(1.0, len(along[0]) + 1), "x": along[0], "y": along[1]},
        "pit": None if fit is None else _histogram(fit.values),
        "frc": rings,
    }
    return Quality(tuple(checks), {name: curve for name, curve in curves.items() if curve})


def assumptions(noisy: npt.ArrayLike) -> Quality:
    """Judge a noisy plane ``(Y, X)`` alone: is the file what the camera recorded, and is its noise white?

    Raises
    ------
    MuguetError
        If it is not a plane.
    """
    plane = np.asarray(noisy)
    if plane.ndim != 2:
        raise MuguetError(f"a noisy plane (Y, X) is judged, and this is of {plane.shape}: give one plane")
    return Quality((check_source(plane), check_white(unsaturated(centre(plane.astype(np.float64))))), {})


def _fit(
    residual: Normalised, law: Law | None, held_out: HeldOut | None
) -> tuple[Calibration | None, Check | None]:
    """How the law fits, if there is one."""
    if law is None and (held_out is None or held_out.law is None):
        return None, None
    fit, gain = None, float("nan")
    learned = law if held_out is None or held_out.law is None else held_out.law
    if held_out is not None and learned is not None:
        fit = calibrate(held_out, learned)
        if fit is not None and residual.alone is not None:
            gain = advantage(held_out, learned, residual.alone)
    return fit, check_fits(fit, gain, variance_ratio(residual))


def _resolve(
    residual: Normalised, denoised: tuple[Floats, Floats] | None
) -> tuple[Mapping[str, Floats] | None, Check]:
    """Fourier ring correlation of two halves, and what it says."""
    noisy = ring_correlation(*split(residual.recorded, residual.std))
    after = None if denoised is None else ring_correlation(*denoised)
    known = np.isfinite(residual.std) & np.isfinite(residual.signal)
    power, noise = float(np.var(residual.signal[known])), float(np.mean(residual.std[known] ** 2))
    snr = 10 * math.log10(power / noise) if power > 0 and noise > 0 else float("nan")
    check = check_resolved(snr, noisy, after)
    if not len(noisy[0]):
        return None, check
    curve = {"frequency": noisy[0], "noisy": noisy[1]}
    if after is not None and len(after[0]):  # of a smaller part of the image, and so of fewer rings
        curve["denoised"] = np.interp(noisy[0], *after)
    return curve, check


def _histogram(values: Floats) -> Mapping[str, Floats]:
    count, edge = np.histogram(values, 20, (0, 1))
    return {"edge": edge, "count": count.astype(np.float64)}


def _too_few(count: int) -> Check:
    told = f"Too few pixels: {count} are known and unsaturated in both, and {FEWEST} are needed to judge the result."
    return Check(REMOVED, "doubtful", told, {"pixels": float(count)})
