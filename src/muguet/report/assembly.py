"""Write a report: one HTML file that shows whether denoising worked, with every number as JSON inside."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from muguet.errors import MuguetError
from muguet.figures.style import require_matplotlib
from muguet.quality.check import worst
from muguet.report.channel import Channel, channel_drawings, channel_facts, channel_pictures
from muguet.report.charts import Chart, svg, training_chart
from muguet.report.images import Pictures
from muguet.report.page import render, template_environment
from muguet.report.run import Run, run_facts
from muguet.system.atomic import check_writable, replacing
from muguet.system.text import json_safe
from muguet.version import __version__

__all__ = ["Channel", "Run", "check_report", "write_report"]

_CONVENTIONS = {"interval_percent": 95, "tails_percent": [2.5, 97.5], "frc_threshold": "1/2"}
_TRAINING = (
    "Training and held-out loss",
    "The held-out loss is computed on pixels that are never used for training. If it still falls at the end, train "
    "for longer. If it rises, the network has begun to learn the noise.",
)


def write_report(
    path: Path | str, title: str, channels: Sequence[Channel], run: Run, overwrite: bool = False
) -> None:
    """Write a report from prepared channels, as one HTML file below 5 MB that loads nothing from elsewhere.

    For every channel the report shows the checks, the images before and after with their residual, the noise law,
    the camera's gain, offset and read noise, the calibration of the law, and the resolution; then what was run and
    how the training went. The element ``<script type="application/json" id="muguet">`` holds every number of the
    page. If writing fails, no incomplete file is left behind.

    Parameters
    ----------
    path
        The file to write. Its name ends in .html; missing folders are created.
    title
        The heading of the page, such as the name of the image.
    channels
        The channels to show, in order; at least one.
    run
        The command that was run, and the model with its training.
    overwrite
        Whether to replace an existing file.

    Raises
    ------
    MuguetError
        If there is no channel, the planes of a channel differ in shape, matplotlib or Jinja2 is not installed, or
        the file cannot be written.
    """
    path = Path(path)
    check_report(path, overwrite)
    if not channels:
        raise MuguetError("a report needs an image: give at least one channel")
    pictures = [channel_pictures(channel, len(channels)) for channel in channels]
    facts = json_safe(_facts(title, channels, pictures, run))
    drawings = [
        channel_drawings(channel, its_pictures, f"c{n}")
        for n, (channel, its_pictures) in enumerate(zip(channels, pictures, strict=True))
    ]
    html = render(facts, drawings, _training_charts(run))
    with replacing(path, "report") as file:
        file.write(html.encode())


def check_report(path: Path, overwrite: bool = False) -> None:
    """Check that a report can be drawn and written, so that long work need not end in an error.

    Parameters
    ----------
    path
        The file that will be written.
    overwrite
        Whether an existing file may be replaced.

    Raises
    ------
    MuguetError
        If the name does not end in .html, matplotlib or Jinja2 is not installed, or the file cannot be written.
    """
    if path.suffix.lower() not in (".html", ".htm"):
        raise MuguetError(f"a report is an HTML file: give a name that ends in .html, not {path}")
    check_writable(path, overwrite, "report")
    require_matplotlib()
    template_environment()


def _facts(title: str, channels: Sequence[Channel], pictures: Sequence[Pictures], run: Run) -> dict[str, Any]:
    """Return every number and sentence of the page."""
    verdict, reason = _verdict(channels)
    return {
        "title": title,
        "version": __version__,
        "started": run.started,
        "verdict": verdict,
        "told": reason,
        "conventions": _CONVENTIONS,
        "channels": [channel_facts(channel, its) for channel, its in zip(channels, pictures, strict=True)],
        "run": run_facts(run),
    }


def _verdict(channels: Sequence[Channel]) -> tuple[str, str]:
    """Return the worst verdict of all channels, and a sentence that gives the reason."""
    if not any(channel.quality.checks for channel in channels):
        return "unknown", "No checks were made."
    verdict = worst(*(channel.quality.verdict for channel in channels))
    if verdict == "good":
        return verdict, "All checks are good."
    worst_channel = next(channel for channel in channels if channel.quality.verdict == verdict)
    name = f"{worst_channel.name}: " if len(channels) > 1 else ""
    return verdict, name + worst_channel.quality.sentence


def _training_charts(run: Run) -> list[Chart]:
    history = run.training.get("history") or []
    if len(history) < 2:
        return []
    return [Chart(svg(training_chart(history), "training", "Training curve"), *_TRAINING)]
