"""Did it work? The checks of the shown plane in words, the blur that removes as much noise, and the report."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from muguet.napari.source import Source

if TYPE_CHECKING:
    from muguet.denoiser import Denoiser
    from muguet.quality import Check, Quality

_COLOURS = {"good": "#009E73", "doubtful": "#E69F00", "bad": "#D55E00"}
_SIGNS = {"good": "✓", "doubtful": "?", "bad": "✗"}
_SIDE = 512  # The width of the blur is found on the centre of the plane.


@dataclass(frozen=True, eq=False)
class Judged:
    """The checks of one plane.

    Attributes
    ----------
    quality
        The checks.
    sigma
        Width in pixels of the Gaussian blur that removes as much noise as the model.
    blur
        Whether this blur removes structure of the image; None: it could not be judged.
    """

    quality: Quality
    sigma: float
    blur: Check | None


def judge(denoiser: Denoiser, channel: int, noisy: npt.NDArray[Any], estimate: npt.NDArray[Any]) -> Judged:
    """Check the estimate of one plane ``(Y, X)`` of a channel, in counts; this takes some ten seconds."""
    from muguet.quality import quality
    from muguet.quality.model_checks import examine

    card = examine(denoiser, noisy, estimate, channel)
    sigma = blur_width(noisy, estimate)
    law = denoiser.laws[channel] if denoiser.method.learns_law else None
    of_blur = quality(noisy, blurred_plane(noisy, sigma), law).checks
    kept = [check for check in of_blur if check.name == "Nothing of the image was removed"]
    return Judged(card, sigma, kept[0] if kept else None)


def blur_width(noisy: npt.NDArray[Any], estimate: npt.NDArray[Any]) -> float:
    """Return the width in pixels of the blur that removes as much noise as the model, see `matching_sigma`."""
    from muguet.image.values import fill_missing
    from muguet.quality import centre
    from muguet.restoration import matching_sigma

    pair = (fill_missing(centre(np.asarray(plane, np.float64), _SIDE)) for plane in (noisy, estimate))
    return matching_sigma(*pair)


def blurred_plane(noisy: npt.NDArray[Any], sigma: float) -> npt.NDArray[np.float32]:
    """Return a plane ``(Y, X)`` behind a Gaussian blur of `sigma` pixels; missing pixels are missing again."""
    from muguet.image.values import fill_missing
    from muguet.restoration.blur_width import blurred

    plane = np.asarray(noisy, np.float64)
    found = blurred(fill_missing(plane), sigma)
    found[~np.isfinite(plane)] = np.nan
    return found


def as_html(judged: Mapping[str, Judged]) -> str:
    """Return the checks of each channel, by the name of the channel, as HTML for a text widget."""
    parts = []
    for name, each in judged.items():
        if len(judged) > 1:
            parts.append(f"<h3>{escape(name)}</h3>")
        parts += [_check(check) for check in each.quality.checks]
        parts.append(_blur(each))
    return "".join(parts)


def _check(check: Check) -> str:
    sign, colour = _SIGNS[check.verdict], _COLOURS[check.verdict]
    return (
        f'<p><b style="color:{colour}">{sign} {escape(check.name)}</b><br>{escape(check.sentence)}'
        f"<br><small>{escape(_figures(check.figures))}</small></p>"
    )


def _figures(figures: Mapping[str, float]) -> str:
    return " · ".join(
        f"{name.replace('_', ' ')} {value:.3g}" for name, value in figures.items() if math.isfinite(value)
    )


def _blur(judged: Judged) -> str:
    text = (
        f"A Gaussian blur with a standard deviation of {judged.sigma:.2f} pixels removes as much noise in flat regions "
        "as the model did."
    )
    if judged.blur is not None:
        text += f" What it does to the image: {judged.blur.sentence}"
    return f"<p><b>The blur beside it</b><br>{escape(text)}</p>"


def write_report(
    denoiser: Denoiser,
    source: Source,
    planes: Sequence[tuple[npt.NDArray[Any], npt.NDArray[Any]]],
    path: Path,
    pixel_size: float | None = None,
) -> None:
    """Write the report on one sample as one HTML file.

    Parameters
    ----------
    denoiser
        The model.
    source
        The layers.
    planes
        The noisy and the denoised plane of each channel, in counts.
    path
        The file, which is replaced if it exists.
    pixel_size
        Micrometres per pixel; None: unknown.

    Raises
    ------
    MuguetError
        If the file cannot be written, or matplotlib or Jinja2 is not installed.
    """
    from muguet.image.image import Image
    from muguet.report.gather import report_denoising

    noisy, denoised = (np.stack(each) for each in zip(*planes, strict=True))
    image = Image(
        noisy,
        "CYX",
        {} if pixel_size is None else {"X": pixel_size, "Y": pixel_size},
        Path(source.names[0].replace("/", " ")),
        channel_names=channel_names(source),
    )
    report_denoising(denoiser, image, denoised, path, ["the plugin for napari"], overwrite=True)


def channel_names(source: Source) -> tuple[str, ...]:
    """Return the name of each channel: its layer, and its colour or number where a layer has several."""
    inside = source.per_layer
    if inside == 1:
        return source.names
    within = (
        ("red", "green", "blue")[:inside] if source.rgb and source.channel_axis is None else range(inside)
    )
    return tuple(f"{name} {each}" for name in source.names for each in within)
