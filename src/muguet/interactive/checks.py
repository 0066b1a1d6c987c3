"""Did it work? The checks of the shown plane in words, the blur that removes as much noise, and the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from muguet.interactive.source import Source

if TYPE_CHECKING:
    from muguet.denoiser.denoiser import Denoiser
    from muguet.quality import Check, Quality
    from muguet.report.blur import MatchingBlur


@dataclass(frozen=True, eq=False)
class Judged:
    """The checks of one plane.

    Attributes
    ----------
    quality
        The checks.
    blur
        The Gaussian blur that removes as much noise as the model; None: the model removed none.
    of_blur
        Whether this blur removes structure of the image; None: it could not be judged.
    """

    quality: Quality
    blur: MatchingBlur | None
    of_blur: Check | None


def judge(denoiser: Denoiser, channel: int, noisy: npt.NDArray[Any], estimate: npt.NDArray[Any]) -> Judged:
    """Check the estimate of one plane ``(Y, X)`` of a channel, in counts; this takes some ten seconds."""
    from muguet.quality import quality
    from muguet.quality.model_checks import examine
    from muguet.report.blur import blurred_plane, matching_blur

    card = examine(denoiser, noisy, estimate, channel)
    blur = matching_blur(noisy, estimate)
    if blur is None:
        return Judged(card, None, None)
    law = denoiser.laws[channel] if denoiser.method.learns_law else None
    of_blur = quality(noisy, blurred_plane(noisy, blur.sigma), law).checks
    kept = [check for check in of_blur if check.name == "Nothing of the image was removed"]
    return Judged(card, blur, kept[0] if kept else None)


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
