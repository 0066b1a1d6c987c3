"""The figure of noise laws: σ, skewness, divergence from a measurement, and a histogram of the signals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from muguet.errors import MuguetError
from muguet.figures.style import (
    INK,
    MIN_LOGARITHMIC_RATIO,
    SERIES,
    STYLE,
    Floats,
    axis_limits,
    canvas,
    draw_histogram,
    logarithmic_signals,
    require_matplotlib,
)
from muguet.noise.law import Law
from muguet.noise.measured import MeasuredLaw
from muguet.noise.transfer.curve import MeanVariance

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (2, 1)), (0, (5, 1.5, 1, 1.5)))
_N_SIGNALS = 256  # Each law is drawn at this many signals.
_PADDING = 0.015  # The signal axis extends by this share on either side, room for half a point.
_POINTS: dict[str, Any] = {"linestyle": "none", "marker": "o", "markersize": 2.6, "color": INK, "zorder": 2}
_Z = 1.96  # A bar of this many standard errors covers the true value in 95 % of cases.


@dataclass(frozen=True, eq=False)
class Curve:
    """A learned or known noise law, to be drawn as a curve.

    Attributes
    ----------
    name
        Name of the law in the legend.
    law
        The law, in camera counts.
    signal_range
        Smallest and largest signal, in counts, between which the law is drawn.
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
    """Draw noise laws and a measurement against the signal.

    The panels, one below the other, show σ, skewness, KL divergence and the number of pixels. A panel is left out
    if there is nothing to draw in it.

    Parameters
    ----------
    curves
        Laws to draw as lines.
    measured
        A measurement to draw as points. The bars of σ are 95 % intervals. A `MeanVariance` has no skewness.
    signals
        An image of the signal, whose histogram is drawn in the last panel.
    title
        A title above all panels.

    Returns
    -------
    matplotlib.figure.Figure
        A figure that belongs to no window; write it with `muguet.figures.save`.

    Raises
    ------
    MuguetError
        If matplotlib is not installed, or neither a law nor a measurement is given.
    """
    if not curves and measured is None:
        raise MuguetError("nothing to draw: give a law or a measurement")
    matplotlib = require_matplotlib()
    points = measured.points() if isinstance(measured, MeasuredLaw) else measured
    low, high = _signal_limits(curves, points)
    logarithmic = low > 0 and high / low > MIN_LOGARITHMIC_RATIO
    heights = {"std": 2.1}
    if curves or isinstance(measured, MeasuredLaw):
        heights["skewness"] = 1.35
    if isinstance(measured, MeasuredLaw) and any(curve.divergence is not None for curve in curves):
        heights["divergence"] = 1.35
    if signals is not None:
        heights["pixels"] = 0.75
    with matplotlib.rc_context(STYLE):
        figure = canvas(4.4, sum(heights.values()) + 0.55, title)
        grid = figure.subplots(len(heights), 1, sharex=True, height_ratios=[*heights.values()], squeeze=False)
        panels: dict[str, Axes] = dict(zip(heights, grid[:, 0], strict=True))
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
        last = grid[-1, 0]
        last.set_xlabel("Signal (counts)")
        if logarithmic:
            logarithmic_signals(last, low, high)
        figure.align_ylabels(list(grid[:, 0]))
        figure.draw_without_rendering()  # The layout must be computed while the style is in force.
    return figure


def _signal_limits(curves: Sequence[Curve], points: MeanVariance | None) -> tuple[float, float]:
    ends = [end for curve in curves for end in curve.signal_range]
    if points is not None:
        ends += [float(points.signal[0]), float(points.signal[-1])]
    return axis_limits((min(ends), max(ends)))


def _padded(low: float, high: float, logarithmic: bool) -> tuple[float, float]:
    """Return the limits with some room on either side."""
    if logarithmic:
        factor = (high / low) ** _PADDING
        return low / factor, high * factor
    return low - _PADDING * (high - low), high + _PADDING * (high - low)


def _styled(curves: Sequence[Curve], axes: Axes) -> list[tuple[Curve, Floats, dict[str, Any]]]:
    """Return each curve with the signals at which to draw it, and the style of its line."""
    styled: list[tuple[Curve, Floats, dict[str, Any]]] = []
    for n, curve in enumerate(curves):
        low, high = axis_limits(curve.signal_range)
        spaced = np.geomspace if axes.get_xscale() == "log" else np.linspace
        style = {
            "color": SERIES[n % len(SERIES)],
            "linestyle": _DASHES[n % len(_DASHES)],
            "linewidth": 1.5,
            "zorder": 3,
        }
        styled.append((curve, np.asarray(spaced(low, high, _N_SIGNALS)), style))
    return styled


def _draw_std(axes: Axes, curves: Sequence[Curve], points: MeanVariance | None, logarithmic: bool) -> None:
    if points is not None:
        std = np.sqrt(points.variance)
        bars = _Z * points.error / np.maximum(2 * std, 1e-300)
        axes.errorbar(points.signal, std, bars, elinewidth=0.7, label="measured", **_POINTS)
    for curve, signal, style in _styled(curves, axes):
        axes.plot(signal, curve.law.std(signal), label=curve.name, **style)
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
    for curve, signal, style in _styled(curves, axes):
        axes.plot(signal, curve.law.skewness(signal), **style)
    axes.set_ylabel("Skewness")


def _draw_divergence(axes: Axes, curves: Sequence[Curve], measured: MeasuredLaw) -> None:
    """Draw the divergence on a logarithmic axis; values that are negative by chance lie at its lower edge."""
    signal = measured.points().signal
    styled = [
        (curve.divergence, style) for curve, _, style in _styled(curves, axes) if curve.divergence is not None
    ]
    every = np.concatenate([divergence for divergence, _ in styled])
    positive = every[np.isfinite(every) & (every > 0)]
    lowest = float(np.quantile(positive, 0.02)) / 2 if positive.size else 1e-4
    for divergence, style in styled:
        values = np.maximum(np.asarray(divergence), lowest)
        axes.plot(signal, values, marker="o", markersize=2, **{**style, "linewidth": 1.0})
    axes.set_yscale("log")
    axes.set_ylim(bottom=lowest)
    axes.set_ylabel("KL (nats)")


def _plain_numbers(axes: Axes) -> None:
    """Label a logarithmic σ axis with plain numbers such as 1, 2, 5, 10 instead of powers of ten."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
