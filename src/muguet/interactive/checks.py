"""Did it work? The checks of the shown plane in words, the blur that removes as much noise, and the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from muguet.interactive.source import Source

if TYPE_CHECKING:
    from muguet.denoiser.denoiser import Denoiser
    from muguet.interactive.neighbours import Shown
    from muguet.neighbours.series import Neighbours
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


def judge(denoiser: Denoiser, channel: int, shown: Shown) -> Judged:
    """Check one plane of a channel, from whose counts patterns were subtracted; this takes some ten seconds."""
    from muguet.quality import quality
    from muguet.quality.model_checks import examine
    from muguet.report.blur import blurred_plane, matching_blur

    noisy = shown.noisy
    card = examine(denoiser.of_corrected, noisy, shown.estimate, channel, shown.frames)
    blur = matching_blur(noisy, shown.estimate)
    if blur is None:
        return Judged(card, None, None)
    law = denoiser.laws[channel] if denoiser.method.learns_law else None
    of_blur = quality(noisy, blurred_plane(noisy, blur.sigma), law).checks
    kept = [check for check in of_blur if check.name == "Nothing of the image was removed"]
    return Judged(card, blur, kept[0] if kept else None)


def write_report(
    denoiser: Denoiser,
    source: Source,
    n: int,
    shown: Sequence[Shown],
    path: Path,
    pixel_size: float | None = None,
    neighbours: Neighbours | None = None,
) -> None:
    """Write the report on one sample as one HTML file.

    Parameters
    ----------
    denoiser
        The model.
    source, n
        The layers, and the sample.
    shown
        The middle of its plane in each channel, in counts from which patterns were subtracted.
    path
        The file, which is replaced if it exists.
    pixel_size
        Micrometres per pixel; None: unknown.
    neighbours
        Which planes helped to estimate each other; None: none did.

    Raises
    ------
    MuguetError
        If the file cannot be written, or matplotlib or Jinja2 is not installed.
    """
    from muguet.interactive.computation import computation
    from muguet.report.assembly import write_report as write
    from muguet.report.gather import checked_channel, run_of

    std = None
    if neighbours is not None and neighbours.helps and denoiser.predicts_error:
        std = computation(denoiser, source, None, neighbours, std=True)
    channels = []
    for c, (each, name) in enumerate(zip(shown, channel_names(source), strict=True)):
        errors = None if std is None else std.part(source, n, c, source.middle(max(each.noisy.shape)))[1]
        planes = each.noisy, each.estimate
        notes = _place(source, n) if c == 0 else ()
        channels.append(
            checked_channel(denoiser.of_corrected, planes, c, name, pixel_size, each.frames, notes, errors)
        )
    made = {} if neighbours is None else neighbours.made
    run = run_of(denoiser, ["the plugin for napari"], None, made)
    write(path, source.names[0].replace("/", " "), channels, run, True)


def _place(source: Source, n: int) -> tuple[str, ...]:
    """Return a sentence about which plane a report shows; nothing if the layers have only one."""
    if source.samples < 2:
        return ()
    at, _ = source.position(n, 0)
    where = ", ".join(f"{index} (of 0 to {size - 1})" for index, size in zip(at, source.leading, strict=True))
    return (f"This report shows and checks one plane, the one at {where}.",)


def channel_names(source: Source) -> tuple[str, ...]:
    """Return the name of each channel: its layer, and its colour or number where a layer has several."""
    inside = source.per_layer
    if inside == 1:
        return source.names
    within = (
        ("red", "green", "blue")[:inside] if source.rgb and source.channel_axis is None else range(inside)
    )
    return tuple(f"{name} {each}" for name in source.names for each in within)
