"""The law of the noise on one page: its σ, its skewness, how far it is from what was measured, and on how much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from muguet.errors import MuguetError
from muguet.figures.style import (
    INK,
    SERIES,
    STYLE,
    Floats,
    canvas,
    draw_histogram,
    extent,
    logarithmic_signals,
    matplotlib_or_a_sentence,
)
from muguet.noise.law import Law
from muguet.noise.measured import MeasuredLaw
from muguet.noise.transfer.curve import MeanVariance

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDE = 8.0  # brightest over darkest signal, from where on signals are drawn in logarithms
_DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (2, 1)), (0, (5, 1.5, 1, 1.5)))
_FINE = 256
_PAD = 0.015
_POINTS: dict[str, Any] = {"linestyle": "none", "marker": "o", "markersize": 2.6, "color": INK, "zorder": 2}
_Z = 1.96  # standard errors of a bar that covers the truth in 95 % of cases


@dataclass(frozen=True, eq=False)
class Curve:
    """A learned or known law as a curve.

    Attributes
    ----------
    name
        What the legend calls it.
    law
        In counts.
    signal_range
        Between which signals it is drawn.
    divergence
        KL(measured‖law) at the signals of the measured law's bins, in nats; None if nothing was measured.
    """

    name: str
    law: Law
    signal_range: tuple[float, float]
    divergence: Floats | None = None


def noise_figure(
    curves: Sequence[Curve] = (),
    measured: MeasuredLaw | MeanVariance | None = None,
    signals: npt.ArrayLike | None = None,
    title: str | None = None,
) -> Figure:
    """Panels above one axis of signals: σ, skewness, KL divergence, pixels; each only where it is known.

    Parameters
    ----------
    curves
        Laws to draw as lines.
    measured
        What was measured, as points; the bars of σ are 95 % intervals. Variances alone have no skewness.
    signals
        An image of the signal, whose histogram is drawn beneath.
    title
        A line above everything.

    Returns
    -------
    matplotlib.figure.Figure
        Not tied to any window; see `muguet.figures.style.save`.

    Raises
    ------
    MuguetError
        If matplotlib is not installed, or there is nothing to draw.
    """
    if not curves and measured is None:
        raise MuguetError("nothing to draw: give a law or a measurement")
    matplotlib = matplotlib_or_a_sentence()
    points = measured.points() if isinstance(measured, MeasuredLaw) else measured
    low, high = _ends(curves, points)
    logarithmic = low > 0 and high / low > _WIDE
    heights = {"std": 2.1}
    if curves or isinstance(measured, MeasuredLaw):
        heights["skewness"] = 1.35
    if isinstance(measured, MeasuredLaw) and any(curve.divergence is not None for curve in curves):
        heights["divergence"] = 1.35
    if signals is not None:
        heights["pixels"] = 0.75
    with matplotlib.rc_context(STYLE):
        figure = canvas(4.4, sum(heights.values()) + 0.55, title)
        drawn = figure.subplots(
            len(heights), 1, sharex=True, height_ratios=[*heights.values()], squeeze=False
        )
        panels: dict[str, Axes] = dict(zip(heights, drawn[:, 0], strict=True))
        if logarithmic:
            panels["std"].set_xscale("log")
        panels["std"].set_xlim(*_padded(low, high, logarithmic))
        _draw_std(panels["std"], curves, points, logarithmic)
        if "skewness" in panels:
            _draw_skewness(panels["skewness"], curves, measured)
        if "divergence" in panels and isinstance(measured, MeasuredLaw):
            _draw_divergence(panels["divergence"], curves, measured)
        if "pixels" in panels:
            draw_histogram(panels["pixels"], np.asarray(signals, np.float64), (low, high), logarithmic)
        last = drawn[-1, 0]
        last.set_xlabel("Signal (counts)")
        if logarithmic:
            logarithmic_signals(last, low, high)
        figure.align_ylabels(list(drawn[:, 0]))
        figure.draw_without_rendering()  # settles the layout while the style holds
    return figure


def _ends(curves: Sequence[Curve], points: MeanVariance | None) -> tuple[float, float]:
    ends = [end for curve in curves for end in curve.signal_range]
    if points is not None:
        ends += [float(points.signal[0]), float(points.signal[-1])]
    return extent((min(ends), max(ends)))


def _padded(low: float, high: float, logarithmic: bool) -> tuple[float, float]:
    """Room for half a point at either end."""
    if logarithmic:
        by = (high / low) ** _PAD
        return low / by, high * by
    return low - _PAD * (high - low), high + _PAD * (high - low)


def _lines(curves: Sequence[Curve], axes: Axes) -> list[tuple[Curve, Floats, dict[str, Any]]]:
    """Each curve, the signals to draw it at, and its looks."""
    found: list[tuple[Curve, Floats, dict[str, Any]]] = []
    for n, curve in enumerate(curves):
        low, high = extent(curve.signal_range)
        spaced = np.geomspace if axes.get_xscale() == "log" else np.linspace
        looks = {
            "color": SERIES[n % len(SERIES)],
            "linestyle": _DASHES[n % len(_DASHES)],
            "linewidth": 1.5,
            "zorder": 3,
        }
        found.append((curve, np.asarray(spaced(low, high, _FINE)), looks))
    return found


def _draw_std(axes: Axes, curves: Sequence[Curve], points: MeanVariance | None, logarithmic: bool) -> None:
    if points is not None:
        std = np.sqrt(points.variance)
        bars = _Z * points.error / np.maximum(2 * std, 1e-300)
        axes.errorbar(points.signal, std, bars, elinewidth=0.7, label="measured", **_POINTS)
    for curve, signal, looks in _lines(curves, axes):
        axes.plot(signal, curve.law.std(signal), label=curve.name, **looks)
    if logarithmic:
        axes.set_yscale("log")
        _plain_numbers(axes)
    else:
        axes.set_ylim(bottom=0)
    axes.set_ylabel("σ (counts)")
    if len(curves) + (points is not None) > 1:
        axes.legend(loc="upper left" if logarithmic else "lower right", handlelength=2.4)


def _draw_skewness(axes: Axes, curves: Sequence[Curve], measured: MeasuredLaw | MeanVariance | None) -> None:
    axes.axhline(0, color=INK, linewidth=0.5, zorder=1)
    if isinstance(measured, MeasuredLaw):
        at = measured.points().signal
        axes.plot(at, measured.skewness(at), **_POINTS)
    for curve, signal, looks in _lines(curves, axes):
        axes.plot(signal, curve.law.skewness(signal), **looks)
    axes.set_ylabel("Skewness")


def _draw_divergence(axes: Axes, curves: Sequence[Curve], measured: MeasuredLaw) -> None:
    """In logarithms; what lies below zero, by chance, is drawn at the lower edge."""
    at = measured.points().signal
    lines = [(curve, looks) for curve, _, looks in _lines(curves, axes) if curve.divergence is not None]
    finite = np.concatenate([curve.divergence for curve, _ in lines if curve.divergence is not None])
    finite = finite[np.isfinite(finite) & (finite > 0)]
    least = float(np.quantile(finite, 0.02)) / 2 if finite.size else 1e-4
    for curve, looks in lines:
        values = np.maximum(np.asarray(curve.divergence), least)
        axes.plot(at, values, marker="o", markersize=2, **{**looks, "linewidth": 1.0})
    axes.set_yscale("log")
    axes.set_ylim(bottom=least)
    axes.set_ylabel("KL (nats)")


def _plain_numbers(axes: Axes) -> None:
    """1, 2, 5 and their tens on a logarithmic σ, in figures rather than powers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
