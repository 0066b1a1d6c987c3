"""The noise law of a model as an interface shows it: a figure, a table of the camera's values, and sentences."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from muguet.errors import MuguetError

if TYPE_CHECKING:
    from muguet.denoiser.denoiser import Denoiser
    from muguet.noise.camera.readout import Interval

_DPI = 160
_SHRUNK = 0.8


@dataclass(frozen=True)
class Row:
    """A line of the table: a quantity, its value with its unit, and the interval that covers it in 95 % of cases."""

    name: str
    value: str
    interval: str


@dataclass(frozen=True, eq=False)
class NoiseLaw:
    """What is shown of one channel.

    Attributes
    ----------
    picture
        The figure of σ and skewness against the signal, as PNG.
    rows
        Gain, offset and read noise; empty if the image does not show them.
    sentences
        How the law was obtained, and what it says about the camera.
    """

    picture: bytes
    rows: tuple[Row, ...]
    sentences: tuple[str, ...]


def noise_law(
    denoiser: Denoiser, channel: int, noisy: npt.NDArray[Any], estimate: npt.NDArray[Any]
) -> NoiseLaw:
    """Draw the noise law of a channel, and read the camera's values off it.

    Parameters
    ----------
    denoiser
        The model.
    channel
        The channel.
    noisy, estimate
        A plane of the channel and its denoised estimate, in counts: the signals that occur.

    Raises
    ------
    MuguetError
        If the model has no noise law, or matplotlib is not installed.
    """
    from muguet.figures.noise import Curve, noise_figure
    from muguet.figures.views import contrast
    from muguet.image.values import quantum
    from muguet.noise.camera.interpretation import interpret
    from muguet.report.gather import camera_readout

    law, origin = denoiser.laws[channel], denoiser.law_origins[channel]
    points = denoiser.transfer(channel)
    ends = contrast(np.asarray(estimate, np.float64))
    figure = noise_figure([Curve("noise law", law, ends)], measured=points, signals=estimate)
    # The page and the plugin show it narrower than a report: its letters are larger beside its curves.
    width, height = figure.get_size_inches()
    figure.set_size_inches(_SHRUNK * width, _SHRUNK * height)
    figure.set_dpi(_DPI / _SHRUNK)
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    readout = camera_readout(law, estimate if points is None else points, origin, quantum(noisy))
    sentences = [f"Noise law: {origin.words}.", *([origin.note] if origin.note else [])]
    if law.correlation:
        sentences.append(law.correlation.note())
    if readout is None:
        return NoiseLaw(picture.getvalue(), (), tuple(sentences))
    rows = (
        _row("Gain", readout.gain, "counts per photo-electron"),
        _row("Offset", readout.offset, "counts"),
        _row("Read noise", readout.read_noise, "photo-electrons"),
    )
    return NoiseLaw(picture.getvalue(), rows, (*sentences, *interpret(readout)))


def _row(name: str, interval: Interval, unit: str) -> Row:
    digits = 4 if name == "Offset" else 3
    if not interval.known:
        return Row(name, f"{interval.value:.{digits}g} {unit}", "not known")
    ends = [f"{end:.{digits}g}" if math.isfinite(end) else "∞" for end in (interval.low, interval.high)]
    return Row(name, f"{interval.value:.{digits}g} {unit}", f"{ends[0]} to {ends[1]}")


def require_law(denoiser: Denoiser) -> None:
    """Raise a `MuguetError` if a model has no noise law."""
    if not denoiser.method.learns_law:
        raise MuguetError(f"a model of the recipe {denoiser.parts.recipe} has no noise law to show")
