"""Every number of a report as values that JSON can hold, and how a number is written on the page."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from muguet.figures.style import Floats
from muguet.noise.camera.sentences import interpret
from muguet.noise.law import Law

if TYPE_CHECKING:
    from muguet.noise.camera.readout import Interval, Readout
    from muguet.noise.transfer.curve import MeanVariance

_ROWS, _FINE = 7, 65  # signals of the table, and of the curves
_TAILS = (0.025, 0.975)


def law_facts(
    law: Law | None, own_law: Law | None, points: MeanVariance | None, signal_range: tuple[float, float]
) -> dict[str, Any]:
    """The noise law at a few signals, for the table, and at many; they lie closer where it is dark.

    The measured σ is there where there are `points` and the signal is within theirs, else None.
    """
    low, high = signal_range
    return {
        "signal_range": [low, high],
        "table": _columns(law, own_law, points, low + (high - low) * np.linspace(0, 1, _ROWS) ** 2),
        "curves": _columns(law, own_law, None, low + (high - low) * np.linspace(0, 1, _FINE) ** 2),
        "points": points,
    }


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
    """Gain, offset and read noise with their intervals, and what they mean in sentences."""
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


def _interval(interval: Interval) -> dict[str, float | str]:
    """JSON has no infinity: such an end is the word."""
    return {name: value if np.isfinite(value) else str(value) for name, value in asdict(interval).items()}


def number(value: float | str | None, decimals: int | None = None) -> str:
    """Return a number as the page writes it; a dash for None.

    Parameters
    ----------
    value
        A number, or the word "inf" or "-inf".
    decimals
        Digits after the point; None: four significant digits, and whole numbers from 10 000 on.
    """
    if value is None:
        return "–"
    value = float(value)
    if decimals is not None:
        text = f"{value:.{decimals}f}"
    else:
        text = f"{value:.0f}" if 1e4 <= abs(value) < 1e7 else f"{value:.4g}"
    return text.replace("-", "−").replace("inf", "∞")
