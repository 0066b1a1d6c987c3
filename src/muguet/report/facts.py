"""The numbers of a report: the noise law and the camera as values for JSON, and numbers as text for the page."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from muguet.figures.style import Floats
from muguet.noise.camera.interpretation import interpret
from muguet.noise.camera.readout import Interval, Readout
from muguet.noise.law import Law
from muguet.noise.origin import Origin
from muguet.noise.transfer.curve import MeanVariance

_N_TABLE_SIGNALS = 7
_N_CURVE_SIGNALS = 65
_TAILS = (0.025, 0.975)  # Between these quantiles lies 95 % of the noise.


def law_facts(
    law: Law | None,
    own_law: Law | None,
    points: MeanVariance | None,
    signal_range: tuple[float, float],
    origin: Origin | None = None,
) -> dict[str, Any]:
    """Return the noise law at a few signals, for the table, and at many, for curves.

    Parameters
    ----------
    law
        The noise law; None if no law was learned.
    own_law
        The law as the network learned it, if `law` is a corrected one.
    points
        The variance measured against the signal. The measured σ is interpolated between the points, and NaN
        outside their range.
    signal_range
        Smallest and largest signal in counts. The signals in between lie closer together in the dark.
    origin
        How the law was obtained, if that is known.

    Returns
    -------
    dict
        "origin", "origin_words" and "origin_note", see `Origin`; "signal_range"; "table" and "curves", columns of equal
        length by their name; and "points".
    """
    notes = [] if origin is None else [origin.note]
    notes += [law.correlation.note()] if law is not None and law.correlation else []
    return {
        "origin": None if origin is None else origin.value,
        "origin_words": "" if origin is None else origin.words,
        "origin_note": " ".join(note for note in notes if note),
        "signal_range": list(signal_range),
        "table": _columns(law, own_law, points, _signals(signal_range, _N_TABLE_SIGNALS)),
        "curves": _columns(law, own_law, None, _signals(signal_range, _N_CURVE_SIGNALS)),
        "points": points,
    }


def _signals(signal_range: tuple[float, float], n_signals: int) -> Floats:
    """Return signals between the ends of a range, closer together in the dark."""
    low, high = signal_range
    signals: Floats = low + (high - low) * np.linspace(0, 1, n_signals) ** 2
    return signals


def _columns(
    law: Law | None, own_law: Law | None, points: MeanVariance | None, signal: Floats
) -> dict[str, Floats]:
    columns: dict[str, Floats] = {"signal": signal}
    if law is not None:
        columns["std"] = law.std(signal)
    if own_law is not None:
        columns["own_std"] = own_law.std(signal)
    if points is not None:
        std = np.sqrt(np.maximum(points.variance, 0))
        columns["measured_std"] = np.interp(signal, points.signal, std, left=np.nan, right=np.nan)
    if law is not None:
        columns["skewness"] = law.skewness(signal)
        columns["low"], columns["high"] = (law.quantile(signal, p) - signal for p in _TAILS)
    return columns


def readout_facts(readout: Readout) -> dict[str, Any]:
    """Return gain, offset and read noise with their 95 % intervals, and sentences on what they mean."""
    third = readout.third_ratio
    return {
        **{name: _interval(getattr(readout, name)) for name in ("gain", "offset", "read_noise", "zero")},
        "third_ratio": None if third is None else _interval(third),
        "excess": readout.excess,
        "separated": readout.separated,
        "linear": list(readout.linear),
        "departures": readout.departures,
        "step": readout.step,
        "verdict": list(interpret(readout)),
    }


def _interval(interval: Interval) -> dict[str, float | str | None]:
    """Return value and ends of an interval, as JSON can hold them: infinite ends as text, unknown ones as None."""
    return {
        name: None if np.isnan(value) else value if np.isfinite(value) else str(value)
        for name, value in asdict(interval).items()
    }
