"""Draw the results of the performance suite: a step, throughput, and prediction against size."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from _parts import PEER
from _pieces import PIECES

from muguet.figures import style

GREY = style.HISTOGRAM
LINES = ("-", "--", ":")


def draw(results: Mapping[str, Any], path: Path) -> None:
    """Draw the panels of the parts that were measured, side by side."""
    found = {part: entry["found"] for part, entry in results.items()}
    panels = []
    if "steps" in found:
        panels.append(_step)
    if "train" in found or "predict" in found:
        panels.append(_throughput)
    if "predict" in found:
        panels += [_time, _memory]
    if not panels:
        return
    with style.require_matplotlib().rc_context(style.STYLE):
        figure = style.canvas(3.0 * len(panels), 2.9, None)
        for axes, panel in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
            panel(axes, found)
        style.save(figure, path)


def _step(axes: Any, found: Mapping[str, Any]) -> None:
    """Draw a stacked bar for each network."""
    for at, run in enumerate(found["steps"].values()):
        bottom = 0.0
        for piece, colour in zip(PIECES, style.SERIES, strict=True):
            height = run["pieces_ms"][piece]
            axes.bar(at, height, 0.6, bottom, color=colour, label=piece if at == 0 else None)
            bottom += height
    axes.set_xticks(range(len(found["steps"])), list(found["steps"]))
    axes.set_ylabel("Milliseconds")
    axes.set_title("A training step")
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(handles[::-1], labels[::-1], loc="best")  # in the order of the bar


def _throughput(axes: Any, found: Mapping[str, Any]) -> None:
    """Draw Mpixel/s of training and of prediction, for muguet and for CAREamics."""
    bars = []
    for name, run in found.get("train", {}).items():
        label = "CAREamics N2V" if name == PEER else name
        bars.append((f"training,\n{label}", run["pixels_per_s"] / 1e6, name == PEER))
    for name, runs in found.get("predict", {}).items():
        best = max(run["pixels"] / run["seconds"] for run in runs) / 1e6
        bars.append((name.replace(", ", ",\n"), best, name.startswith("CAREamics")))
    for at, (_, value, theirs) in enumerate(bars):
        axes.barh(-at, value, 0.7, color=GREY if theirs else style.LEARNED)
        axes.annotate(f"{value:.2g}", (value, -at), (3, 0), textcoords="offset points", va="center")
    axes.set_yticks([-at for at in range(len(bars))], [label for label, *_ in bars], fontsize=6.5)
    axes.margins(x=0.15)
    axes.set_xlabel("Mpixel/s")
    axes.set_title("Throughput: training, then prediction")


def _time(axes: Any, found: Mapping[str, Any]) -> None:
    _against_size(axes, found["predict"], "seconds")
    axes.set_ylabel("Seconds")
    axes.set_title("Prediction: time")
    axes.legend(loc="lower right", fontsize=6.5)


def _memory(axes: Any, found: Mapping[str, Any]) -> None:
    _against_size(axes, found["predict"], "peak_mb")
    pixels = sorted({run["pixels"] for runs in found["predict"].values() for run in runs})
    both = [6 * each / 1e6 for each in pixels]  # 2 bytes of uint16 and 4 of float32
    axes.plot([each / 1e6 for each in pixels], both, color=style.INK, lw=0.8, ls=(0, (1, 2)))
    axes.annotate(
        "image and result alone",
        (pixels[len(pixels) // 2] / 1e6, both[len(pixels) // 2]),
        (6, -6),
        textcoords="offset points",
        ha="left",
        va="top",
        fontsize=6.5,
    )
    axes.set_ylabel("Peak memory (MB)")
    axes.set_title("Prediction: memory")


def _against_size(axes: Any, found: Mapping[str, Any], key: str) -> None:
    """Draw a line for each way to call a model, with logarithmic axes."""
    ours = theirs = 0
    for name, runs in found.items():
        peer = name.startswith("CAREamics")
        number = theirs if peer else ours
        ours, theirs = ours + (not peer), theirs + peer
        x, y = [run["pixels"] / 1e6 for run in runs], [run[key] for run in runs]
        colour = style.TRUE if peer else style.LEARNED
        axes.plot(x, y, "o", ls=LINES[number % len(LINES)], ms=3, lw=1.2, color=colour, label=name)
    ends = [run["pixels"] / 1e6 for runs in found.values() for run in runs]
    style.logarithmic_signals(axes, min(ends), max(ends))
    axes.set_yscale("log")
    axes.set_xlabel("Megapixels")
