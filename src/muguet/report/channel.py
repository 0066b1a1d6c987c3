"""One channel of a report: what is given for it, its numbers, its pictures and its charts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from muguet.errors import MuguetError
from muguet.figures.style import Floats
from muguet.figures.views import most_varied_part
from muguet.noise.camera.readout import Readout
from muguet.noise.law import Law
from muguet.noise.origin import Origin
from muguet.noise.transfer.curve import MeanVariance
from muguet.quality import Quality
from muguet.report import charts
from muguet.report.charts import Chart
from muguet.report.facts import law_facts, readout_facts
from muguet.report.images import Pictures, pictures

_ERROR_SIDE = 256  # The picture of the errors shows at most this many pixels in each direction.


@dataclass(frozen=True, eq=False)
class Channel:
    """One noisy plane of one channel, its denoised estimate, and what is known about both.

    Attributes
    ----------
    name
        Name of the channel; the heading of its section if there are several channels.
    noisy, estimate
        The noisy and the denoised plane ``(Y, X)`` in camera counts; missing pixels are NaN.
    signal_range
        Smallest and largest signal, in counts, between which the noise law is drawn.
    quality
        The checks and the curves behind them.
    law
        The noise law in counts; None if no law was learned.
    own_law
        The law as the network learned it, if `law` is a corrected one; drawn beside it. It also contains the error
        of the estimate.
    origin
        How the law was obtained; None: unknown.
    points
        Variance against signal, measured on the noisy plane with a high-pass filter.
    readout
        Gain, offset and read noise of the camera.
    pixel_size
        Micrometres per pixel, for scale bars; None: no scale bars.
    notes
        Sentences about the plane, such as its position in a stack.
    std
        Predicted standard deviation of the error of each pixel of the estimate, in counts; None: it is not known.
    errors
        Errors of groups of pixels in counts: "predicted", "measured", and the ends "low" and "high" of two standard
        errors of the latter; empty: they were not measured.
    """

    name: str
    noisy: npt.NDArray[np.generic]
    estimate: npt.NDArray[np.generic]
    signal_range: tuple[float, float]
    quality: Quality
    law: Law | None = None
    own_law: Law | None = None
    origin: Origin | None = None
    points: MeanVariance | None = None
    readout: Readout | None = None
    pixel_size: float | None = None
    notes: tuple[str, ...] = ()
    std: npt.NDArray[np.floating] | None = None
    errors: Mapping[str, Floats] = field(default_factory=dict)


def channel_pictures(channel: Channel, n_channels: int) -> Pictures:
    """Return the pictures of a channel, as large as a page with `n_channels` channels allows.

    Raises
    ------
    MuguetError
        If the noisy and the denoised plane are not two planes ``(Y, X)`` of one shape.
    """
    noisy, estimate = (np.asarray(p, dtype=np.float64) for p in (channel.noisy, channel.estimate))
    if noisy.ndim != 2 or noisy.shape != estimate.shape or noisy.size == 0:
        raise MuguetError(
            "a report shows a noisy and a denoised plane (Y, X) of one shape, but these have the shapes "
            f"{noisy.shape} and {estimate.shape}: give one plane each"
        )
    return pictures(noisy, estimate, channel.pixel_size, n_channels)


def channel_facts(channel: Channel, shown: Pictures) -> dict[str, Any]:
    """Return every number and sentence about a channel."""
    return {
        "name": channel.name,
        "notes": channel.notes,
        "quality": channel.quality.to_dict(),
        "images": shown.facts,
        "noise": law_facts(
            channel.law, channel.own_law, channel.points, channel.signal_range, channel.origin
        ),
        "errors": dict(channel.errors),
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
    error_charts
        The predicted error of each pixel, and how it compares with measured errors; empty where it is not known.
    blur_charts
        The profiles across an edge; empty where there is no blur to compare with.
    """

    pictures: Pictures
    noise_charts: Sequence[Chart]
    quality_charts: Sequence[Chart]
    error_charts: Sequence[Chart]
    blur_charts: Sequence[Chart]


def channel_drawings(channel: Channel, shown: Pictures, prefix: str) -> Drawings:
    """Draw the charts of a channel; `prefix` makes the ids inside their SVG unique on the page."""
    noise_charts, quality_charts = _noise_charts(channel, prefix), _quality_charts(channel.quality, prefix)
    return Drawings(
        shown, noise_charts, quality_charts, _error_charts(channel, prefix), _blur_charts(shown, prefix)
    )


def _blur_charts(shown: Pictures, prefix: str) -> list[Chart]:
    if shown.blur is None:
        return []
    figure = charts.profile_chart(shown.blur.profiles)
    return [
        Chart(
            charts.svg(figure, f"{prefix}-profile", "Profiles across an edge"),
            "Across the edge",
            "Counts along the line in the pictures, from the dark to the bright side, each the mean of five parallel "
            "lines. The steeper a profile, the sharper the edge.",
        )
    ]


def _error_charts(channel: Channel, prefix: str) -> list[Chart]:
    """Draw the predicted errors of the part of the plane that varies most, and their calibration."""
    if channel.std is None:
        return []
    part = most_varied_part(np.asarray(channel.estimate, np.float64), (_ERROR_SIDE, _ERROR_SIDE))
    found = [
        Chart(
            charts.svg(charts.error_picture(channel.std[part]), f"{prefix}-std", "Error of each pixel"),
            "Error of each pixel",
            "Predicted standard deviation of the error of the denoised image. About 95 % of the true values lie within "
            "1.96 standard deviations of it.",
        )
    ]
    if channel.errors:
        figure = charts.error_chart(channel.errors)
        found.append(
            Chart(
                charts.svg(figure, f"{prefix}-errors", "Measured against predicted error"),
                "Predicted and measured error",
                "Root mean squared error of eight groups of pixels, measured without a clean image by Stein's unbiased "
                "risk estimate. Bars: two standard errors, with an error of 5 % of the variance of the noise. On the "
                "dashed line both are equal.",
            )
        )
    return found


def _noise_charts(channel: Channel, prefix: str) -> list[Chart]:
    laws = {"noise law": channel.law, "as learned": channel.own_law}
    known = {name: law for name, law in laws.items() if law is not None}
    if not known and channel.points is None:
        return []
    ends = channel.signal_range
    origin = [] if channel.origin is None else [f"Noise law: {channel.origin.words}."]
    sentences = ["Top: standard deviation σ of the noise."]
    if known:
        sentences[0] = "Top: standard deviation σ of the noise; middle: skewness."
    if channel.points is not None:
        sentences.append(
            "Points: σ measured with a high-pass filter, which fine texture of the image raises."
        )
    if channel.own_law is not None:
        sentences.append(
            "“As learned”: the law before correction, which contains the error of the denoised image."
        )
    sentences.append("Bottom: number of pixels at each signal; where there are few, the law is less certain.")
    figure = charts.law_chart(known, channel.points, np.asarray(channel.estimate, np.float64), ends)
    found = [
        Chart(
            charts.svg(figure, f"{prefix}-law", "Standard deviation of the noise against signal"),
            "Noise against signal" if known else "Measured noise against signal",
            " ".join(origin + sentences),
        )
    ]
    if channel.law is not None:
        figure = charts.density_chart(channel.law, ends)
        found.append(
            Chart(
                charts.svg(figure, f"{prefix}-density", "Density of the noise against signal"),
                "Density",
                "Probability density of the noise in units of its σ, relative to the maximum at each signal. Solid "
                "line: median. Dotted lines: 2.5 % and 97.5 % quantiles. For symmetric noise, the part above zero "
                "mirrors the part below.",
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
        "Where the values of hidden pixels lie within the distributions predicted for them. A flat histogram is "
        "right. A hill in the middle means that σ is too large, a valley that it is too small, and a slope that the "
        "predicted signal is too high or too low.",
    ),
    "residual": (
        charts.residual_chart,
        "Residual divided by σ",
        "The mean should be near zero. The variance should be near one, or slightly below, because the denoised "
        "image also uses the noisy value of the pixel itself. A variance far below one means that noise was left; "
        "above one, that signal was removed.",
    ),
    "autocorrelation": (
        charts.autocorrelation_chart,
        "Autocorrelation of the residual",
        "Correlation of the residual with itself, some pixels further along x and along y. It should be near zero at "
        "every lag, because the method assumes that the noise is independent from pixel to pixel.",
    ),
    "frc": (
        charts.frc_chart,
        "Fourier ring correlation",
        "The correlation of the image and its unknown signal at each frequency, from the noise law and from how the "
        "denoised image changes with a little more noise. Details are resolved up to the frequency at which it falls "
        "below 1/2.",
    ),
}
