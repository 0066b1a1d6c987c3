"""One channel of a report: what is given for it, its numbers, its pictures and its charts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from muguet.errors import MuguetError
from muguet.noise.camera.readout import Readout
from muguet.noise.law import Law
from muguet.noise.transfer.curve import MeanVariance
from muguet.quality import Quality
from muguet.report import charts
from muguet.report.charts import Chart
from muguet.report.facts import law_facts, readout_facts
from muguet.report.images import Pictures, pictures


@dataclass(frozen=True, eq=False)
class Channel:
    """One plane of one channel, what was made of it, and all that is known of both.

    Attributes
    ----------
    name
        What to call it; a heading where there are several.
    noisy, estimate
        Planes ``(Y, X)`` in camera counts; NaN where nothing is known.
    signal_range
        Between which signals the law is drawn, in counts.
    quality
        What the checks say.
    law
        The noise law in counts; None where none was learned.
    own_law
        N-net's own, where the law is another one: drawn beside it.
    points
        Variances that a high-pass measured on the noisy plane alone.
    readout
        The camera read off the law.
    pixel_size
        Micrometres a pixel; draws scale bars.
    notes
        Sentences about which plane this is, and what was left out.
    """

    name: str
    noisy: npt.NDArray[np.generic]
    estimate: npt.NDArray[np.generic]
    signal_range: tuple[float, float]
    quality: Quality
    law: Law | None = None
    own_law: Law | None = None
    points: MeanVariance | None = None
    readout: Readout | None = None
    pixel_size: float | None = None
    notes: tuple[str, ...] = ()


def channel_pictures(channel: Channel, channels: int) -> Pictures:
    """Before, after and residual, as large as a page of so many channels may hold.

    Raises
    ------
    MuguetError
        If the planes do not match.
    """
    noisy, estimate = (np.asarray(p, dtype=np.float64) for p in (channel.noisy, channel.estimate))
    if noisy.ndim != 2 or noisy.shape != estimate.shape or noisy.size == 0:
        raise MuguetError(
            f"a report shows planes (Y, X) of one shape, these are {noisy.shape} and {estimate.shape}: give one each"
        )
    return pictures(noisy, estimate, channel.pixel_size, channels)


def channel_facts(channel: Channel, shown: Pictures) -> dict[str, Any]:
    """All that the page says of a channel."""
    return {
        "name": channel.name,
        "notes": channel.notes,
        "quality": channel.quality.to_dict(),
        "images": shown.facts,
        "noise": law_facts(channel.law, channel.own_law, channel.points, channel.signal_range),
        "camera": None if channel.readout is None else readout_facts(channel.readout),
    }


@dataclass(frozen=True, eq=False)
class Drawings:
    """The pictures and charts of one channel, as the page's templates use them.

    Attributes
    ----------
    pictures
        The images before and after, and their residual.
    noise_charts
        The noise law; empty where there is neither a law nor a measurement.
    quality_charts
        One chart for each curve of `Quality.curves`.
    """

    pictures: Pictures
    noise_charts: Sequence[Chart]
    quality_charts: Sequence[Chart]


def channel_drawings(channel: Channel, shown: Pictures, prefix: str) -> Drawings:
    """Draw the charts of a channel; `prefix` makes the ids inside their SVG unique on the page."""
    return Drawings(shown, _noise_charts(channel, prefix), _quality_charts(channel.quality, prefix))


def _noise_charts(channel: Channel, prefix: str) -> list[Chart]:
    laws = {"noise law": channel.law, "N-net’s own": channel.own_law}
    known = {name: law for name, law in laws.items() if law is not None}
    if not known and channel.points is None:
        return []
    ends = channel.signal_range
    figure = charts.law_chart(known, channel.points, np.asarray(channel.estimate, np.float64), ends)
    found = [
        Chart(
            charts.svg(figure, f"{prefix}-law", "Standard deviation of the noise against signal"),
            "Noise against signal" if known else "Noise against signal, measured",
            "Points: what a high-pass of the noisy image says, where texture adds to it. Below, how many pixels "
            "have each signal: where few do, the law rests on little.",
        )
    ]
    if channel.law is not None:
        figure = charts.density_chart(channel.law, ends)
        found.append(
            Chart(
                charts.svg(figure, f"{prefix}-density", "Density of the noise against signal"),
                "Density",
                "Of the noise over its σ, for every signal as a part of its largest value; solid the median, dotted "
                "the 2.5 % and 97.5 % quantiles. Above and below alike is symmetric noise.",
            )
        )
    return found


def _quality_charts(quality: Quality, prefix: str) -> list[Chart]:
    """Draw a chart for every curve that was measured."""
    return [
        Chart(charts.svg(make(quality.curves[name]), f"{prefix}-{name}", title), title, caption)
        for name, (make, title, caption) in _CURVES.items()
        if name in quality.curves and all(len(values) for values in quality.curves[name].values())
    ]


_CURVES = {
    "pit": (
        charts.calibration_chart,
        "Calibration",
        "Where hidden pixels fall in the distribution predicted for them. Flat is right; a hill: σ is too large, a "
        "bowl: too small, a slope: the signal is off.",
    ),
    "residual": (
        charts.residual_chart,
        "Residual over σ",
        "Mean near zero, variance near one or, as the estimate has seen the pixel, somewhat below. Far below: noise "
        "was left; above: signal was taken.",
    ),
    "autocorrelation": (
        charts.autocorrelation_chart,
        "Residual with itself",
        "Near zero at every lag where the noise is independent from pixel to pixel, as the method assumes.",
    ),
    "frc": (
        charts.frc_chart,
        "Fourier ring correlation",
        "Of two halves made of the one image by its noise law, with twice the noise each; up to where it falls "
        "below 1/7 there is detail to believe.",
    ),
}
