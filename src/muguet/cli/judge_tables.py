"""What `muguet judge` tells: a table, JSON, and what each score means."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from muguet.system.text import to_json

if TYPE_CHECKING:
    from muguet.quality.scores import Scores

_ROWS = 24  # frames in the table


@dataclass(frozen=True)
class Judged:
    """The scores of a frame: of the estimate, of the noisy image, of its best blur."""

    files: tuple[Path, Path]
    frame: int
    channel: int
    estimate: Scores
    noisy: Scores | None
    blur: Scores | None


def tell(judged: list[Judged], sigma: float | None, as_json: bool) -> None:
    """Print everything: for people, or one JSON object for programs; `sigma` is the width of the best blur."""
    if as_json:
        print(to_json(_facts(judged, sigma)))
    else:
        _show(judged, sigma)


def _facts(judged: list[Judged], sigma: float | None) -> dict[str, Any]:
    """All scores: of each frame, their mean and its standard error; null where there is none."""
    mean, error = _summary([each.estimate for each in judged])
    means: dict[str, Any] = dict(mean)
    errors: dict[str, Any] = dict(error)
    for name in ("noisy", "blur"):
        scores = [getattr(each, name) for each in judged]
        means[name], errors[name] = (None, None) if sigma is None else _summary(scores)
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
            for each in judged
        ],
        "mean": means,
        "standard_error": errors,
        "blur_sigma": sigma,
    }


def _values(scores: Scores) -> dict[str, float | None]:
    return {name: value for name, value in asdict(scores).items() if name != "missing"}


def _summary(scores: Sequence[Scores]) -> tuple[dict[str, float | None], dict[str, float | None]]:
    """Mean of each score, and its standard error; None where a frame has no such score."""
    from muguet.quality.scores import Scores, mean_and_standard_error

    mean: dict[str, float | None] = {}
    error: dict[str, float | None] = {}
    for name in (field.name for field in fields(Scores) if field.name != "missing"):
        values = [getattr(each, name) for each in scores]
        mean[name], error[name] = None, None
        if None not in values:
            with np.errstate(invalid="ignore"):  # a perfect frame has an infinite PSNR
                mean[name], error[name] = mean_and_standard_error(values)
    return mean, error


def _show(judged: list[Judged], sigma: float | None) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False, soft_wrap=True)
    console.print(_title(judged), markup=False, style="bold")
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("", overflow="fold")
    for name in ("PSNR, dB", "matched", "SSIM", "matched"):
        table.add_column(name, justify="right", no_wrap=True)
    several = len(judged) > 1
    if several:
        for each in judged[:_ROWS]:
            table.add_row(_named(each, judged), *_cells(_values(each.estimate)))
        if len(judged) > _ROWS:
            table.add_row(f"… and {len(judged) - _ROWS} more")
    mean, error = _summary([each.estimate for each in judged])
    table.add_row("mean" if several else "estimate", *_cells(mean))
    if several:
        table.add_row("± standard error", *_cells(error))
    if sigma is not None:
        for name, which in (("noisy", "noisy image"), ("blur", f"best blur, σ {sigma:.2f}")):
            scores = [getattr(each, name) for each in judged]
            table.add_row(which + ", mean" * several, *_cells(_summary(scores)[0]))
    console.print(table)
    for sentence in (*_gains(judged), *_notes(judged), *_meanings(judged, sigma)):
        console.print(sentence, markup=False)


def _title(judged: list[Judged]) -> str:
    files = list(dict.fromkeys(each.files for each in judged))
    (first, truth), number = files[0], len(judged)
    what = f"{len(files)} files of {first.parent}" if len(files) > 1 else str(first)
    against = truth.parent if len({clean for _, clean in files}) > 1 else truth
    return f"{what} against {against}" + (f", {number} frames" if number > 1 else "")


def _named(each: Judged, judged: list[Judged]) -> str:
    """What tells a frame from the others."""
    first = judged[0]
    names = [each.files[0].name] if any(other.files != first.files for other in judged) else []
    if (
        names
        and each.files[0].name != each.files[1].name
        and any(o.files[1] != first.files[1] for o in judged)
    ):
        names = [f"{each.files[0].name} against {each.files[1].name}"]
    names += [f"frame {each.frame}"] if any(other.frame for other in judged) else []
    names += [f"channel {each.channel}"] if any(other.channel for other in judged) else []
    return ", ".join(names)


def _cells(values: dict[str, float | None]) -> list[str]:
    return [
        "–"
        if value is None or math.isnan(value)
        else f"{value:.{2 if name.startswith('psnr') else 4}f}".replace("inf", "∞").replace("-", "−")
        for name, value in values.items()
    ]


def _gains(judged: list[Judged]) -> list[str]:
    """What was gained, frame by frame."""
    from muguet.quality.scores import mean_and_standard_error

    told = []
    for name, over in (("noisy", "the noisy image"), ("blur", "the best blur")):
        others: list[Scores | None] = [getattr(each, name) for each in judged]
        pairs = zip(judged, others, strict=True)
        gains = [each.estimate.psnr - other.psnr for each, other in pairs if other is not None]
        if gains and np.isfinite(gains).all():
            mean, error = mean_and_standard_error(gains)
            told.append(f"{mean:+.2f} dB{'' if math.isnan(error) else f' ± {error:.2f}'} over {over}")
    return [f"PSNR gained: {', '.join(told)}.".replace("-", "−")] if told else []


def _notes(judged: list[Judged]) -> list[str]:
    """Why a score is not given."""
    from muguet.quality.scores import SSIM_NEEDS

    missing = sum(each.estimate.missing for each in judged)
    notes = []
    if missing:
        pixels = "pixel is" if missing == 1 else "pixels are"
        notes.append(f"{missing} {pixels} not finite: left out of PSNR, and their frames have no SSIM.")
    if find_spec("skimage") is None:
        notes.append(f"{SSIM_NEEDS}.")
    elif any(each.estimate.ssim is None and not each.estimate.missing for each in judged):
        notes.append("Frames of fewer than 11×11 pixels have no SSIM.")
    return notes


def _meanings(judged: list[Judged], sigma: float | None) -> list[str]:
    meanings = [
        "PSNR     20·log10(max − min of clean) − 10·log10(mean squared error), for each frame: "
        "+6 dB is half the error.",
        "matched  the same after the gain and offset that fit best, for each frame: "
        "a wrong scale costs nothing there.",
    ]
    if any(each.estimate.ssim is not None for each in judged):
        meanings.append("SSIM     likeness of local means, contrast and structure: 1 is identical.")
    if sigma is not None:
        meanings.append(
            f"blur     the Gaussian, of {sigma:.2f} pixels for all frames, that comes nearest to clean: "
            "a denoiser must beat it."
        )
    return meanings
