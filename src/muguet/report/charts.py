"""Charts of a report, as SVG that stands in a page: real text, no ids that clash, as wide as its place."""

from __future__ import annotations

import contextlib
import html
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from muguet.figures.noise import Curve, noise_figure
from muguet.figures.style import (
    HISTOGRAM,
    INK,
    SERIES,
    STYLE,
    Floats,
    canvas,
    extent,
    logarithmic_signals,
    matplotlib_or_a_sentence,
)
from muguet.noise.law import Law
from muguet.noise.transfer.curve import MeanVariance

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Columns = Mapping[str, Floats]

_WIDTH = 3.4  # inches: on a phone, where a chart has about 350 pixels, its type then has 11
_WIDE = 8.0  # brightest over darkest signal, from where on signals are drawn in logarithms
_SIGMAS = 4.0  # that the density is drawn to
_THRESHOLD = 1 / 7  # of a Fourier ring correlation
_FONTS = "system-ui, 'DejaVu Sans', Verdana, Arial, sans-serif"
_GUIDE: dict[str, Any] = {"color": INK, "linewidth": 0.7, "linestyle": (0, (4, 3)), "zorder": 1}


@dataclass(frozen=True)
class Chart:
    """A chart for the page.

    Attributes
    ----------
    svg
        The drawing, an SVG element of HTML.
    title
        What it shows.
    caption
        How to read it.
    """

    svg: str
    title: str
    caption: str


def law_chart(
    laws: Mapping[str, Law], points: MeanVariance | None, signals: Floats, signal_range: tuple[float, float]
) -> Figure:
    """σ of laws and of what a high-pass measured, skewness, and how many pixels have each signal."""
    figure = noise_figure([Curve(name, law, signal_range) for name, law in laws.items()], points, signals)
    figure.set_size_inches(_WIDTH, figure.get_figheight())
    if figure.axes[0].get_xscale() == "linear":
        figure.axes[0].locator_params(axis="x", nbins=4)
    return figure


def density_chart(law: Law, signal_range: tuple[float, float]) -> Figure:
    """The density of the noise over its σ, for every signal as a part of its largest value."""
    low, high = extent(signal_range)
    logarithmic = low > 0 and high / low > _WIDE
    signal = (np.geomspace if logarithmic else np.linspace)(low, high, 96)
    away = np.linspace(-_SIGMAS, _SIGMAS, 129)
    std = np.asarray(law.std(signal), np.float64)
    density = np.asarray(law.density(signal + away[:, None] * std, signal[None]), np.float64)
    density /= np.maximum(density.max(0), 1e-300)
    with _drawing([2.3]) as (_, (axes,)):
        mesh = axes.pcolormesh(
            signal, away, density, cmap="Blues", vmin=0, vmax=1, shading="nearest", rasterized=True
        )
        for p, style in ((0.025, ":"), (0.5, "-"), (0.975, ":")):
            line = (law.quantile(signal, p) - signal) / std
            axes.plot(signal, line, color=SERIES[1], linewidth=1.2, linestyle=style)
        axes.set(xlim=(low, high), ylim=(-_SIGMAS, _SIGMAS), xlabel="Signal (counts)", ylabel="Noise (σ)")
        if logarithmic:
            logarithmic_signals(axes, low, high)
        else:
            axes.locator_params(axis="x", nbins=5)
        bar = axes.figure.colorbar(mesh, ax=axes, fraction=0.05, pad=0.02, ticks=[0, 1])
        bar.outline.set_visible(False)
    return axes.figure  # type: ignore[return-value]


def residual_chart(curve: Columns) -> Figure:
    """Mean and variance of the residual over σ, against the signal."""
    with _drawing([1.15, 1.15]) as (figure, (above, below)):
        for axes, name, aim in ((above, "mean", 0.0), (below, "variance", 1.0)):
            axes.axhline(aim, **_GUIDE)
            axes.plot(curve["signal"], curve[name], color=SERIES[0], marker="o", markersize=2.4, linewidth=1)
            axes.set_ylabel(name.capitalize())
            _reach(axes, curve[name], aim)
        above.tick_params(labelbottom=False)
        below.sharex(above)
        signal = curve["signal"]
        if signal.min() > 0 and signal.max() / signal.min() > _WIDE:
            logarithmic_signals(above, signal.min(), signal.max())
        below.set_xlabel("Signal (counts)")
    return figure


def _reach(axes: Axes, values: Floats, aim: float) -> None:
    """At least ±0.5 about what is aimed at, so that little looks like little."""
    finite = np.append(values[np.isfinite(values)], [aim - 0.5, aim + 0.5])
    pad = 0.05 * np.ptp(finite)
    axes.set_ylim(float(finite.min() - pad), float(finite.max() + pad))


def autocorrelation_chart(curve: Columns) -> Figure:
    """Correlation of the residual with itself, so many pixels further along x and y."""
    with _drawing([1.9]) as (figure, (axes,)):
        axes.axhline(0, **_GUIDE)
        for name, marker, colour in (("x", "o", SERIES[0]), ("y", "s", SERIES[1])):
            axes.plot(
                curve["lag"],
                curve[name],
                marker=marker,
                markersize=3.4,
                linewidth=1,
                color=colour,
                label=f"along {name}",
            )
        _reach(axes, np.concatenate([curve["x"], curve["y"]]), 0.0)
        axes.set(xlabel="Lag (pixels)", ylabel="Autocorrelation")
        axes.set_xticks(curve["lag"])
        axes.legend(loc="upper right")
    return figure


def calibration_chart(curve: Columns) -> Figure:
    """Histogram of F(recorded | blind estimate), as a part of what each bin should hold."""
    count, edge = np.asarray(curve["count"], np.float64), curve["edge"]
    expected = count.sum() * np.diff(edge) / max(float(edge[-1] - edge[0]), 1e-300)
    with _drawing([1.9]) as (figure, (axes,)):
        height = count / np.maximum(expected, 1e-300)
        axes.stairs(height, edge, fill=True, color=HISTOGRAM)
        axes.axhline(1, **_GUIDE)
        axes.set(xlim=(edge[0], edge[-1]), ylim=(0, max(1.6, 1.08 * float(height.max(initial=0)))))
        axes.set(xlabel="Probability of a smaller value", ylabel="Share / expected")
    return figure


def frc_chart(curve: Columns) -> Figure:
    """Fourier ring correlation of two halves, before and after."""
    with _drawing([1.9]) as (figure, (axes,)):
        axes.axhline(_THRESHOLD, **_GUIDE)
        axes.annotate("1/7", (0.46, _THRESHOLD), (0, 2), textcoords="offset points", ha="right", va="bottom")
        for name, colour in (("noisy", SERIES[1]), ("denoised", SERIES[0])):
            if name in curve:
                axes.plot(curve["frequency"], curve[name], color=colour, linewidth=1.4, label=name)
        axes.set(xlim=(0, 0.5), ylim=(-0.1, 1.05), xlabel="Frequency (cycles/pixel)", ylabel="Correlation")
        axes.legend(loc="upper right")
    return figure


def training_chart(history: Sequence[Mapping[str, float]]) -> Figure:
    """Loss and held-out likelihood against the steps of the training."""
    step = [each["step"] for each in history]
    with _drawing([1.9]) as (figure, (axes,)):
        loss, held_out = ([each[name] for each in history] for name in ("loss", "held_out"))
        axes.plot(step, loss, color=HISTOGRAM, linewidth=1.4, label="loss")
        axes.plot(step, held_out, color=SERIES[0], linewidth=1.4, label="held out")
        values = np.array([*loss, *held_out])
        if len(step) > 4:  # the first steps fall from far above
            settled = values[np.isfinite(values) & (np.tile(step, 2) > 0.1 * step[-1])]
            axes.set_ylim(*_around(settled))
        axes.set(xlabel="Step", ylabel="−log likelihood (nats)")
        axes.locator_params(axis="x", nbins=5)
        axes.legend(loc="upper right")
    return figure


def _around(values: Floats) -> tuple[float, float]:
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
    pad = 0.08 * (high - low) or 0.1
    return low - pad, high + pad


@contextlib.contextmanager
def _drawing(heights: Sequence[float]) -> Iterator[tuple[Figure, list[Axes]]]:
    """A figure of panels above one another, so many inches tall each, in the style of the project."""
    matplotlib = matplotlib_or_a_sentence()
    with matplotlib.rc_context(STYLE):
        figure = canvas(_WIDTH, sum(heights) + 0.45, None)
        panels = figure.subplots(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]
        yield figure, list(panels)
        figure.align_ylabels(list(panels))


def svg(figure: Figure, name: str, label: str) -> str:
    """A figure as an SVG element: `name` makes its ids its own, `label` is read out in its place."""
    buffer = io.StringIO()
    with matplotlib_or_a_sentence().rc_context({**STYLE, "svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(buffer, format="svg", dpi=150, metadata={"Date": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", text, flags=re.DOTALL)
    used = set(re.findall(r'(?:url\(#|href="#)([^")]+)', text))
    text = re.sub(r'\sid="([^"]+)"', lambda m: f' id="{name}-{m[1]}"' if m[1] in used else "", text)
    text = re.sub(r'(url\(#|href="#)', rf"\g<1>{name}-", text)
    text = text.replace("'DejaVu Sans'", _FONTS)
    head = re.search(r'viewBox="[^"]+"', text)
    assert head is not None
    opened = f'<svg xmlns:xlink="http://www.w3.org/1999/xlink" {head[0]} role="img" aria-label="{html.escape(label)}">'
    return re.sub(r"<svg[^>]*>", lambda _: opened, text, count=1).strip()
