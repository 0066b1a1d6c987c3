"""Charts of a report, as SVG inside the page: with text that can be selected, unique ids, and a flexible width."""

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
    MIN_LOGARITHMIC_RATIO,
    SERIES,
    STYLE,
    Floats,
    axis_limits,
    canvas,
    logarithmic_signals,
    require_matplotlib,
)
from muguet.noise.law import Law
from muguet.noise.transfer.curve import MeanVariance

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Columns = Mapping[str, Floats]

_WIDTH = 3.4  # inches. On a phone a chart is about 350 pixels wide, and its text then 11 pixels high.
_MAX_SIGMAS = 4.0  # The density is drawn up to this many standard deviations.
_FRC_THRESHOLD = 1 / 2  # Details are resolved where the Fourier ring correlation exceeds this.
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
    """Draw σ of the laws and of the measured points, the skewness of the laws, and a histogram of the signals."""
    figure = noise_figure([Curve(name, law, signal_range) for name, law in laws.items()], points, signals)
    figure.set_size_inches(_WIDTH, figure.get_figheight())
    if figure.axes[0].get_xscale() == "linear":
        figure.axes[0].locator_params(axis="x", nbins=4)
    return figure


def density_chart(law: Law, signal_range: tuple[float, float]) -> Figure:
    """Draw the density of the noise in units of its σ, relative to the maximum at each signal."""
    low, high = axis_limits(signal_range)
    logarithmic = low > 0 and high / low > MIN_LOGARITHMIC_RATIO
    signal = (np.geomspace if logarithmic else np.linspace)(low, high, 96)
    deviation = np.linspace(-_MAX_SIGMAS, _MAX_SIGMAS, 129)
    std = np.asarray(law.std(signal), np.float64)
    density = np.asarray(law.density(signal + deviation[:, None] * std, signal[None]), np.float64)
    density /= np.maximum(density.max(0), 1e-300)
    with _drawing([2.3]) as (_, (axes,)):
        mesh = axes.pcolormesh(
            signal, deviation, density, cmap="Blues", vmin=0, vmax=1, shading="nearest", rasterized=True
        )
        for p, style in ((0.025, ":"), (0.5, "-"), (0.975, ":")):
            quantile = (law.quantile(signal, p) - signal) / std
            axes.plot(signal, quantile, color=SERIES[1], linewidth=1.2, linestyle=style)
        axes.set(
            xlim=(low, high), ylim=(-_MAX_SIGMAS, _MAX_SIGMAS), xlabel="Signal (counts)", ylabel="Noise (σ)"
        )
        if logarithmic:
            logarithmic_signals(axes, low, high)
        else:
            axes.locator_params(axis="x", nbins=5)
        bar = axes.figure.colorbar(mesh, ax=axes, fraction=0.05, pad=0.02, ticks=[0, 1])
        bar.outline.set_visible(False)
    return axes.figure  # type: ignore[return-value]


def error_picture(std: Floats) -> Figure:
    """Draw the standard deviation of the error of every pixel of a plane ``(Y, X)``."""
    low, high = np.nanpercentile(std, [0.5, 99.5])
    with _drawing([2.9]) as (figure, (axes,)):
        shown = axes.imshow(std, cmap="cividis", vmin=low, vmax=high, interpolation="nearest")
        axes.set_axis_off()
        bar = figure.colorbar(shown, ax=axes, fraction=0.046, pad=0.02, label="Standard deviation (counts)")
        bar.outline.set_visible(False)
    return figure


def error_chart(curve: Columns) -> Figure:
    """Draw measured against predicted errors, with two standard errors, beside the line on which they are equal."""
    predicted, measured = curve["predicted"], curve["measured"]
    ends = np.array([predicted.min() / 1.3, predicted.max() * 1.3])
    with _drawing([2.3]) as (figure, (axes,)):
        axes.plot(ends, ends, **_GUIDE)
        spread = np.abs(np.stack([curve["low"], curve["high"]]) - measured)
        axes.errorbar(predicted, measured, yerr=spread, color=SERIES[0], fmt="o", markersize=3, linewidth=1)
        axes.set(
            xscale="log", yscale="log", xlim=ends, xlabel="Predicted (counts)", ylabel="Measured (counts)"
        )
    return figure


def profile_chart(profiles: Columns) -> Figure:
    """Draw the profiles of the noisy, the denoised and the blurred plane across an edge."""
    with _drawing([2.1]) as (figure, (axes,)):
        axes.axvline(0, **_GUIDE)
        at = profiles["position"]
        axes.plot(at, profiles["noisy"], color=HISTOGRAM, linewidth=1, label="noisy")
        axes.plot(
            at, profiles["blurred"], color=SERIES[1], linewidth=1.4, linestyle=(0, (4, 2)), label="blurred"
        )
        axes.plot(at, profiles["denoised"], color=SERIES[0], linewidth=1.6, label="denoised")
        axes.set(xlim=(at[0], at[-1]), xlabel="Distance from the edge (pixels)", ylabel="Counts")
        axes.legend(loc="upper left")
    return figure


def residual_chart(curve: Columns) -> Figure:
    """Draw mean and variance of the residual divided by σ, against the signal."""
    with _drawing([1.15, 1.15]) as (figure, (above, below)):
        for axes, name, expected in ((above, "mean", 0.0), (below, "variance", 1.0)):
            axes.axhline(expected, **_GUIDE)
            axes.plot(curve["signal"], curve[name], color=SERIES[0], marker="o", markersize=2.4, linewidth=1)
            axes.set_ylabel(name.capitalize())
            _limit_y(axes, curve[name], expected)
        above.tick_params(labelbottom=False)
        below.sharex(above)
        signal = curve["signal"]
        if signal.min() > 0 and signal.max() / signal.min() > MIN_LOGARITHMIC_RATIO:
            logarithmic_signals(above, signal.min(), signal.max())
        below.set_xlabel("Signal (counts)")
    return figure


def _limit_y(axes: Axes, values: Floats, expected: float) -> None:
    """Show at least ±0.5 around the expected value, so that small deviations look small."""
    finite = np.append(values[np.isfinite(values)], [expected - 0.5, expected + 0.5])
    pad = 0.05 * np.ptp(finite)
    axes.set_ylim(float(finite.min() - pad), float(finite.max() + pad))


def autocorrelation_chart(curve: Columns) -> Figure:
    """Draw the correlation of the residual with itself against the lag along x and along y."""
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
        _limit_y(axes, np.concatenate([curve["x"], curve["y"]]), 0.0)
        axes.set(xlabel="Lag (pixels)", ylabel="Autocorrelation")
        axes.set_xticks(curve["lag"])
        axes.legend(loc="upper right")
    return figure


def calibration_chart(curve: Columns) -> Figure:
    """Draw the histogram of F(recorded | blind estimate), relative to the expected number in each bin."""
    count, edge = np.asarray(curve["count"], np.float64), curve["edge"]
    expected = count.sum() * np.diff(edge) / max(float(edge[-1] - edge[0]), 1e-300)
    with _drawing([1.9]) as (figure, (axes,)):
        height = count / np.maximum(expected, 1e-300)
        axes.stairs(height, edge, fill=True, color=HISTOGRAM)
        axes.axhline(1, **_GUIDE)
        axes.set(xlim=(edge[0], edge[-1]), ylim=(0, max(1.6, 1.08 * float(height.max(initial=0)))))
        axes.set(xlabel="Predicted probability of a smaller value", ylabel="Observed / expected")
    return figure


def frc_chart(curve: Columns) -> Figure:
    """Draw the Fourier ring correlation of the noisy and of the denoised image with the unknown signal."""
    with _drawing([1.9]) as (figure, (axes,)):
        axes.axhline(_FRC_THRESHOLD, **_GUIDE)
        axes.annotate(
            "1/2", (0.46, _FRC_THRESHOLD), (0, 2), textcoords="offset points", ha="right", va="bottom"
        )
        for name, colour in (("noisy", SERIES[1]), ("denoised", SERIES[0])):
            if name in curve:
                axes.plot(curve["frequency"], curve[name], color=colour, linewidth=1.4, label=name)
        axes.set(xlim=(0, 0.5), ylim=(-0.1, 1.05), xlabel="Frequency (cycles/pixel)", ylabel="Correlation")
        axes.legend(loc="upper right")
    return figure


def training_chart(history: Sequence[Mapping[str, float]]) -> Figure:
    """Draw the training loss and the held-out loss against the steps of the training."""
    step = [entry["step"] for entry in history]
    with _drawing([1.9]) as (figure, (axes,)):
        loss, held_out = ([entry[name] for entry in history] for name in ("loss", "held_out"))
        axes.plot(step, loss, color=HISTOGRAM, linewidth=1.4, label="loss")
        axes.plot(step, held_out, color=SERIES[0], linewidth=1.4, label="held out")
        values = np.array([*loss, *held_out])
        if len(step) > 4:  # The loss of the first steps is much larger than the rest, and would hide it.
            settled = values[np.isfinite(values) & (np.tile(step, 2) > 0.1 * step[-1])]
            axes.set_ylim(*_padded_range(settled))
        axes.set(xlabel="Step", ylabel="−log likelihood (nats)")
        axes.locator_params(axis="x", nbins=5)
        axes.legend(loc="upper right")
    return figure


def _padded_range(values: Floats) -> tuple[float, float]:
    """Return the smallest and the largest value, 8 % of their difference further apart on either side."""
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
    pad = 0.08 * (high - low) or 0.1
    return low - pad, high + pad


@contextlib.contextmanager
def _drawing(heights: Sequence[float]) -> Iterator[tuple[Figure, list[Axes]]]:
    """Yield a figure with panels one below the other, in the style of the project; heights are in inches."""
    matplotlib = require_matplotlib()
    with matplotlib.rc_context(STYLE):
        figure = canvas(_WIDTH, sum(heights) + 0.45, None)
        panels = figure.subplots(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]
        yield figure, list(panels)
        figure.align_ylabels(list(panels))


def svg(figure: Figure, name: str, label: str) -> str:
    """Return a figure as an SVG element of HTML.

    Parameters
    ----------
    figure
        The figure.
    name
        A prefix for the ids in the SVG, unique on the page.
    label
        What a screen reader reads out in place of the figure.
    """
    buffer = io.StringIO()
    with require_matplotlib().rc_context({**STYLE, "svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(buffer, format="svg", dpi=150, metadata={"Date": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", text, flags=re.DOTALL)
    referenced = set(re.findall(r'(?:url\(#|href="#)([^")]+)', text))
    text = re.sub(r'\sid="([^"]+)"', lambda m: f' id="{name}-{m[1]}"' if m[1] in referenced else "", text)
    text = re.sub(r'(url\(#|href="#)', rf"\g<1>{name}-", text)
    text = text.replace("'DejaVu Sans'", _FONTS)
    view_box = re.search(r'viewBox="[^"]+"', text)
    assert view_box is not None
    tag = f'<svg xmlns:xlink="http://www.w3.org/1999/xlink" {view_box[0]} role="img" aria-label="{html.escape(label)}">'
    return re.sub(r"<svg[^>]*>", lambda _: tag, text, count=1).strip()
