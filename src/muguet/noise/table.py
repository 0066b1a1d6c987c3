"""A noise law as a table: standard deviation, skewness and quantiles at a few signals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from muguet.noise.law import Law
from muguet.noise.measured import MeasuredLaw
from muguet.noise.transfer.bins import Floats
from muguet.noise.transfer.curve import MeanVariance

LEVELS = (0.025, 0.975)
"""Probabilities of the quantiles of a table: between these two lie 95 % of the records."""


def table_signals(low: float, high: float, number: int) -> Floats:
    """Return signals from low to high that lie closer together where it is dark, as σ rises fastest there."""
    signals: Floats = low + (high - low) * np.linspace(0, 1, number) ** 2
    return signals


def law_table(
    source: Law | MeanVariance,
    signals: npt.ArrayLike,
    *,
    learned: Law | None = None,
    measured: MeasuredLaw | MeanVariance | None = None,
    levels: Sequence[float] = LEVELS,
) -> dict[str, Floats]:
    """Return the columns of a table of a noise law.

    Parameters
    ----------
    source
        A law, or a photon-transfer curve, of which only σ is known.
    signals
        Signals ``(n,)`` of the rows, in counts.
    learned
        N-net's own law, where `source` was calibrated.
    measured
        A law or a curve that was measured on images, to compare with.
    levels
        Probabilities of the quantiles.

    Returns
    -------
    dict
        Arrays ``(n,)`` in counts: "signal"; "std", σ of the noise; "skewness"; "q0.025" and so on, the quantiles minus
        the signal; "learned_std"; "measured_std" and "measured_skewness", NaN outside the signals of the measurement.
        Columns of what is not given are missing.
    """
    at = np.asarray(signals, dtype=np.float64)
    columns: dict[str, npt.NDArray[np.floating]] = {"signal": at}
    columns |= _moments(source, at)
    if isinstance(source, Law):
        columns |= {f"q{level}": source.quantile(at, level) - at for level in levels}
    if learned is not None:
        columns["learned_std"] = learned.std(at)
    if measured is not None:
        inside = within(measured, at)
        columns |= {
            f"measured_{name}": np.where(inside, values, np.nan)
            for name, values in _moments(measured, at).items()
        }
    return {name: np.asarray(values, np.float64) for name, values in columns.items()}


def within(measured: MeasuredLaw | MeanVariance, signals: Floats) -> npt.NDArray[np.bool_]:
    """Return True for signals between the darkest and the brightest one of a measurement."""
    points = measured.points() if isinstance(measured, MeasuredLaw) else measured
    inside: npt.NDArray[np.bool_] = (signals >= points.signal[0]) & (signals <= points.signal[-1])
    return inside


def _moments(source: Law | MeanVariance, at: Floats) -> dict[str, npt.NDArray[np.floating]]:
    if isinstance(source, MeanVariance):
        return {"std": np.sqrt(np.interp(at, source.signal, np.maximum(source.variance, 0)))}
    return {"std": source.std(at), "skewness": source.skewness(at)}
