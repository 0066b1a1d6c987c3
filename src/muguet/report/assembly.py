"""A report that says whether denoising worked: one HTML file that holds all it shows, and every number as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from muguet.errors import MuguetError
from muguet.figures.style import matplotlib_or_a_sentence
from muguet.quality.check import worst
from muguet.report.channel import Channel, channel_drawings, channel_facts, channel_pictures
from muguet.report.charts import Chart, svg, training_chart
from muguet.report.images import Pictures
from muguet.report.page import environment, render
from muguet.report.run import Run, run_facts
from muguet.system.atomic import check_writable, replacing
from muguet.system.text import json_safe
from muguet.version import __version__

__all__ = ["Channel", "Run", "check_report", "write_report"]

_CONVENTIONS = {"interval_percent": 95, "tails_percent": [2.5, 97.5], "frc_threshold": "1/7"}
_TRAINING = (
    "Loss and held-out likelihood",
    "Held-out pixels are never learned from. A line that still falls at its end asks for a longer training; one "
    "that rises has learned the noise.",
)


def write_report(
    path: Path | str, title: str, channels: Sequence[Channel], run: Run, overwrite: bool = False
) -> None:
    """Write a report as one HTML file below 5 MB that fetches nothing; whole, or not at all.

    It shows, for every channel: the checks, the images before and after with their residual, the noise law, the
    camera read off it, how well the law is calibrated, the resolution; then the training and what was run.
    The element ``<script type="application/json" id="muguet">`` holds every number of the page.

    Parameters
    ----------
    path
        A name that ends in .html; missing folders are created.
    title
        The heading, such as the image's name.
    channels
        At least one.
    run
        What was run.
    overwrite
        Replace an existing file.

    Raises
    ------
    MuguetError
        If the planes do not match, there is no channel, matplotlib is not installed, or the file cannot be written.
    """
    path = Path(path)
    check_report(path, overwrite)
    if not channels:
        raise MuguetError("a report needs an image: give at least one channel")
    shown = [channel_pictures(channel, len(channels)) for channel in channels]
    facts = json_safe(_facts(title, channels, shown, run))
    drawings = [
        channel_drawings(channel, each, f"c{n}")
        for n, (channel, each) in enumerate(zip(channels, shown, strict=True))
    ]
    html = render(facts, drawings, _training_charts(run))
    with replacing(path) as file:
        file.write(html.encode())


def check_report(path: Path, overwrite: bool = False) -> None:
    """Find out before the work, not after it, whether a report can be drawn and written there.

    Raises
    ------
    MuguetError
        If the name ends otherwise than in .html, matplotlib is not installed, or no file can be written there.
    """
    if path.suffix.lower() not in (".html", ".htm"):
        raise MuguetError(f"{path} cannot be a report: name a file that ends in .html")
    check_writable(path, overwrite)
    matplotlib_or_a_sentence()
    environment()


def _facts(title: str, channels: Sequence[Channel], shown: Sequence[Pictures], run: Run) -> dict[str, Any]:
    """All that the page says, in plain values."""
    verdict, told = _verdict(channels)
    return {
        "title": title,
        "version": __version__,
        "started": run.started,
        "verdict": verdict,
        "told": told,
        "conventions": _CONVENTIONS,
        "channels": [channel_facts(channel, each) for channel, each in zip(channels, shown, strict=True)],
        "run": run_facts(run),
    }


def _verdict(channels: Sequence[Channel]) -> tuple[str, str]:
    """The worst verdict of all channels, and the sentence that gives its reason."""
    if not any(channel.quality.checks for channel in channels):
        return "unknown", "No check was made."
    verdict = worst(*(channel.quality.verdict for channel in channels))
    if verdict == "good":
        return verdict, "Every check is good."
    worst_one = next(channel for channel in channels if channel.quality.verdict == verdict)
    which = f"{worst_one.name}: " if len(channels) > 1 else ""
    return verdict, which + worst_one.quality.sentence


def _training_charts(run: Run) -> list[Chart]:
    history = run.training.get("history") or []
    if len(history) < 2:
        return []
    return [Chart(svg(training_chart(history), "training", "Training curve"), *_TRAINING)]
