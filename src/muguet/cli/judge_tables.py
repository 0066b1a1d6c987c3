"""The output of `muguet judge`: a table with explanations for people, and one object for JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from muguet.cli.shared.display import output
from muguet.system.extras import missing
from muguet.system.terminal import printable

if TYPE_CHECKING:
    from muguet.quality.scores import Scores

_MAX_ROWS = 24
"""The table lists at most this many frames."""


@dataclass(frozen=True)
class FrameScores:
    """The scores of one frame: those of the estimate, of the noisy image and of its best blur.

    `files` are the files of the estimate and of the clean image; `noisy` and `blur` are None without a noisy image.
    """

    files: tuple[Path, Path]
    frame: int
    channel: int
    estimate: Scores
    noisy: Scores | None
    blur: Scores | None


def summarise(frames: list[FrameScores], sigma: float | None) -> dict[str, Any]:
    """Return all scores for JSON: those of each frame, their means and standard errors, None for missing ones.

    `sigma` is the width of the best blur in pixels; None without a noisy image.
    """
    mean, error = _mean_and_error([each.estimate for each in frames])
    means: dict[str, Any] = dict(mean)
    errors: dict[str, Any] = dict(error)
    for name in ("noisy", "blur"):
        scores = [getattr(each, name) for each in frames]
        means[name], errors[name] = (None, None) if sigma is None else _mean_and_error(scores)
    return {
        "frames": [
            {
                "estimate_file": str(each.files[0]),
                "clean_file": str(each.files[1]),
                "frame": each.frame,
                "channel": each.channel,
                "missing": each.estimate.missing,
                **_values(each.estimate),
                "noisy": each.noisy and _values(each.noisy),
                "blur": each.blur and _values(each.blur),
            }
            for each in frames
        ],
        "mean": means,
        "standard_error": errors,
        "blur_sigma": sigma,
    }


def _values(scores: Scores) -> dict[str, float | None]:
    """Return the scores by their names, without the number of missing pixels."""
    return {name: value for name, value in asdict(scores).items() if name != "missing"}


def _mean_and_error(scores: Sequence[Scores]) -> tuple[dict[str, float | None], dict[str, float | None]]:
    """Return the mean of each score over frames and its standard error; None if a frame lacks the score."""
    from muguet.quality.scores import Scores, mean_and_standard_error

    mean: dict[str, float | None] = {}
    error: dict[str, float | None] = {}
    for name in (field.name for field in fields(Scores) if field.name != "missing"):
        values = [getattr(each, name) for each in scores]
        mean[name], error[name] = None, None
        if None not in values:
            with np.errstate(invalid="ignore"):  # The PSNR of a perfect frame is infinite.
                mean[name], error[name] = mean_and_standard_error(values)
    return mean, error


def show(frames: list[FrameScores], sigma: float | None) -> None:
    """Print a table of the scores, and explain them; `sigma` is the width of the best blur in pixels."""
    from rich.table import Table
    from rich.text import Text

    console = output(soft_wrap=True)
    console.print(printable(_title(frames)), markup=False, style="bold")
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("", overflow="fold")
    for name in ("PSNR, dB", "matched", "SSIM", "matched"):
        table.add_column(name, justify="right", no_wrap=True)
    several = len(frames) > 1
    if several:
        for each in frames[:_MAX_ROWS]:
            table.add_row(Text(printable(_frame_name(each, frames))), *_cells(_values(each.estimate)))
        if len(frames) > _MAX_ROWS:
            table.add_row(f"… and {len(frames) - _MAX_ROWS} more")
    mean, error = _mean_and_error([each.estimate for each in frames])
    table.add_row("mean" if several else "estimate", *_cells(mean))
    if several:
        table.add_row("± standard error", *_cells(error))
    if sigma is not None:
        for name, title in (("noisy", "noisy image"), ("blur", f"best blur, σ {sigma:.2f}")):
            scores = [getattr(each, name) for each in frames]
            table.add_row(title + ", mean" * several, *_cells(_mean_and_error(scores)[0]))
    console.print(table)
    for sentence in (*_gains(frames), *_notes(frames), *_explanations(frames, sigma)):
        console.print(sentence, markup=False)


def _title(frames: list[FrameScores]) -> str:
    """Return which files are compared, in words."""
    files = list(dict.fromkeys(each.files for each in frames))
    estimate, clean = files[0]
    estimates = f"{len(files)} files of {estimate.parent}" if len(files) > 1 else str(estimate)
    against = clean.parent if len({each for _, each in files}) > 1 else clean
    return f"{estimates} against {against}" + (f", {len(frames)} frames" if len(frames) > 1 else "")


def _frame_name(each: FrameScores, frames: list[FrameScores]) -> str:
    """Return the name of a frame: only the parts in which the frames differ."""
    first = frames[0]
    estimate, clean = each.files
    names = []
    if any(other.files != first.files for other in frames):
        clean_differs = any(other.files[1] != first.files[1] for other in frames)
        show_both = clean_differs and estimate.name != clean.name
        names.append(f"{estimate.name} against {clean.name}" if show_both else estimate.name)
    if any(other.frame for other in frames):
        names.append(f"frame {each.frame}")
    if any(other.channel for other in frames):
        names.append(f"channel {each.channel}")
    return ", ".join(names)


def _cells(values: dict[str, float | None]) -> list[str]:
    """Return scores as the texts of table cells."""
    return [
        "–"
        if value is None or math.isnan(value)
        else f"{value:.{2 if name.startswith('psnr') else 4}f}".replace("inf", "∞").replace("-", "−")
        for name, value in values.items()
    ]


def _gains(frames: list[FrameScores]) -> list[str]:
    """Return a sentence on the mean gain in PSNR over the noisy image and over its best blur."""
    from muguet.quality.scores import mean_and_standard_error

    gains = []
    for name, reference in (("noisy", "the noisy image"), ("blur", "the best blur")):
        others: list[Scores | None] = [getattr(each, name) for each in frames]
        pairs = zip(frames, others, strict=True)
        differences = [each.estimate.psnr - other.psnr for each, other in pairs if other is not None]
        if differences and np.isfinite(differences).all():
            mean, error = mean_and_standard_error(differences)
            gains.append(f"{mean:+.2f} dB{'' if math.isnan(error) else f' ± {error:.2f}'} over {reference}")
    return [f"PSNR gained: {', '.join(gains)}.".replace("-", "−")] if gains else []


def _notes(frames: list[FrameScores]) -> list[str]:
    """Return the reasons why scores are missing."""
    count = sum(each.estimate.missing for each in frames)
    notes = []
    if count:
        pixels = "pixel is" if count == 1 else "pixels are"
        notes.append(f"{count} {pixels} not finite: PSNR leaves them out, and their frames have no SSIM.")
    if find_spec("skimage") is None:
        notes.append(f"{missing('classic', 'skimage', 'SSIM')}.")
    elif any(each.estimate.ssim is None and not each.estimate.missing for each in frames):
        notes.append("Frames of fewer than 11×11 pixels have no SSIM.")
    return notes


def _explanations(frames: list[FrameScores], sigma: float | None) -> list[str]:
    """Return a line on the meaning of each score in the table."""
    lines = [
        "PSNR     20·log10(max − min of clean) − 10·log10(mean squared error), for each frame: "
        "+6 dB is half the error.",
        "matched  the same score after the best gain and offset for each frame: a wrong scale does not lower it.",
    ]
    if any(each.estimate.ssim is not None for each in frames):
        lines.append("SSIM     similarity of local means, contrast and structure: 1 means identical.")
    if sigma is not None:
        lines.append(
            f"blur     the noisy image after the Gaussian blur that comes closest to clean, {sigma:.2f} pixels for all "
            "frames: a denoiser should exceed it."
        )
    return lines
