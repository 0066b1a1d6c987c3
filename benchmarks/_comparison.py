"""Compare curves of PSNR against seconds, as tables and as a picture: when each method reaches the other's PSNR."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from muguet.quality import mean_and_standard_error

Run = Mapping[
    str, Any
]  # one training: "images", "method", "seed", "points" (each "seconds", "psnr", "step") …
OURS = "muguet"
NAMES = {"n2v": "CAREamics N2V", "n2v2": "CAREamics N2V2", OURS: "muguet"}


def time_to_quality(points: Sequence[Mapping[str, float]], psnr: float) -> float | None:
    """Return the seconds from which on a curve stays at or above a PSNR, interpolated between its points.

    If a curve rises, falls below and rises again, the last rise counts. If it is never below, the seconds of its first
    point are returned, which are an upper bound. If it is below at the end, None is returned.
    """
    below = [number for number, point in enumerate(points) if point["psnr"] < psnr]
    if not below:
        return points[0]["seconds"]
    if below[-1] == len(points) - 1:
        return None
    before, after = points[below[-1]], points[below[-1] + 1]
    share = (psnr - before["psnr"]) / (after["psnr"] - before["psnr"])
    return before["seconds"] + share * (after["seconds"] - before["seconds"])


def matched(runs: Sequence[Run], images: str, peer: str) -> list[tuple[Run, Run]]:
    """Return the runs of CAREamics on these images, each with the run of muguet with the same seed."""
    mine = {run["seed"]: run for run in runs if run["images"] == images and run["method"] == OURS}
    theirs = [run for run in runs if run["images"] == images and run["method"] == peer]
    return [(run, mine[run["seed"]]) for run in theirs if run["seed"] in mine]


# ------------------------------------------------------------------ tables


def costs(runs: Sequence[Run], references: Mapping[str, Mapping[str, float]]) -> str:
    """Return a table of the PSNR, the time and the memory of each method, as means over the seeds."""
    rows = [
        ["images", "method", "seeds", "PSNR, dB", "above the best blur, dB", "steps", "training, s", "cores"]
    ]
    rows[0] += ["prediction, s", "Mpixel/s", "memory, MB", "import, s", "until it can train, s"]
    for images, method in dict.fromkeys((run["images"], run["method"]) for run in runs):
        group = [run for run in runs if (run["images"], run["method"]) == (images, method)]
        final = [run["points"][-1] for run in group]
        score = statistics.mean(point["psnr"] for point in final)
        row = [images, NAMES[method], str(len(group)), _mean([point["psnr"] for point in final])]
        row += [f"{score - references[images]['best_blur']:+.2f}", f"{_average(final, 'step'):.0f}"]
        row += [f"{_average(final, 'seconds'):.0f}", f"{_average(group, 'cores'):.2f}"]
        row += [f"{_average(group, 'prediction_s'):.2f}"]
        row += [f"{statistics.mean(run['pixels'] / run['prediction_s'] for run in group) / 1e6:.2f}"]
        row += [f"{_average(group, 'peak_mb'):.0f}"]
        rows.append([*row, f"{_average(group, 'import_s'):.2f}", f"{_average(group, 'ready_s'):.2f}"])
    return markdown(rows)


def duels(runs: Sequence[Run]) -> str:
    """Return a table of the seconds after which muguet has CAREamics' PSNR, final and after its default training."""
    rows = [["images", "peer", "it ends with, dB", "after, s", "ours has that after, s", "times sooner"]]
    rows[0] += ["ours ends with, dB", "difference, dB", "it has that after, s"]
    for images in dict.fromkeys(run["images"] for run in runs):
        for peer in (name for name in NAMES if name != OURS):
            pairs = matched(runs, images, peer)
            ends: dict[str, Callable[[Run], Any]] = {"": _last, ", default training": _default}
            for name, end in ends.items():
                found = [(theirs, ours, end(theirs)) for theirs, ours in pairs if end(theirs)]
                if found:
                    rows.append([images, NAMES[peer] + name, *_duel(found)])
    return markdown(rows)


def _duel(found: Sequence[tuple[Run, Run, Mapping[str, float]]]) -> list[str]:
    """Return the cells of one row from runs of CAREamics, runs of muguet, and CAREamics' points to compare with."""
    reached = [time_to_quality(ours["points"], end["psnr"]) for _, ours, end in found]
    bounds = [ours["points"][0]["seconds"] for _, ours, _ in found]
    sooner = [end["seconds"] / s for s, (_, _, end) in zip(reached, found, strict=True) if s is not None]
    back = [time_to_quality(theirs["points"], _last(ours)["psnr"]) for theirs, ours, _ in found]
    at_once = reached == bounds
    return [
        _mean([end["psnr"] for _, _, end in found]),
        f"{statistics.mean(end['seconds'] for _, _, end in found):.0f}",
        ("≤ " if at_once else "") + _median(reached),
        ("≥ " if at_once else "") + (f"{statistics.median(sooner):.1f}" if sooner else "–"),
        _mean([_last(ours)["psnr"] for _, ours, _ in found]),
        _mean([_last(ours)["psnr"] - end["psnr"] for _, ours, end in found]),
        _median(back),
    ]


def _last(run: Run) -> Any:
    return run["points"][-1]


def _default(run: Run) -> Any:
    """Return the point after CAREamics' default number of epochs, if the run reached it."""
    return next((point for point in run["points"] if point.get("default")), None)


def _average(items: Sequence[Mapping[str, Any]], name: str) -> float:
    return statistics.mean(float(item[name]) for item in items)


def _mean(values: Sequence[float]) -> str:
    mean, error = mean_and_standard_error(values)
    return f"{mean:.2f} ± {error:.2f}" if len(values) > 1 else f"{mean:.2f}"


def _median(seconds: Sequence[float | None]) -> str:
    """Return the median of the seconds of the seeds that reached the PSNR, and their number if some did not."""
    found = [value for value in seconds if value is not None]
    if not found:
        return "not reached"
    missing = f" ({len(found)} of {len(seconds)} seeds)" if len(found) < len(seconds) else ""
    return f"{statistics.median(found):.1f}{missing}"


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table whose first row is its head."""
    lines = [rows[0], ["---"] * len(rows[0]), *rows[1:]]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


# ----------------------------------------------------------------- picture


def draw(runs: Sequence[Run], references: Mapping[str, Mapping[str, float]], path: Path) -> None:
    """Draw PSNR against seconds of training, a panel for each set of images and a line for each run."""
    from muguet.figures import style

    names = list(dict.fromkeys(run["images"] for run in runs))
    with style.require_matplotlib().rc_context(style.STYLE):
        figure = style.canvas(max(3.4 * len(names), 4.6), 3.3, None)
        panels = figure.subplots(1, len(names), squeeze=False)[0]
        for axes, images in zip(panels, names, strict=True):
            _panel(axes, [run for run in runs if run["images"] == images], references[images])
            axes.set_title(images)
        panels[0].set_ylabel("PSNR (dB)")
        lines = {line.get_label(): line for axes in panels for line in axes.get_lines() if line.get_gid()}
        figure.legend(handles=list(lines.values()), loc="outside lower center", ncols=2 * len(panels))
        style.save(figure, path)


def _panel(axes: Any, runs: Sequence[Run], reference: Mapping[str, float]) -> None:
    from muguet.figures import style

    colours = dict(zip((OURS, "n2v", "n2v2"), style.SERIES, strict=False))
    for run in runs:
        seconds = [point["seconds"] for point in run["points"]]
        psnr = [point["psnr"] for point in run["points"]]
        look = {"color": colours[run["method"]], "gid": "in the legend"}
        axes.plot(seconds, psnr, "o-", ms=2.5, lw=1.1, label=NAMES[run["method"]], **look)
        end = _default(run)
        if end:
            ring = {"ms": 7, "mfc": "none", "ls": "none", "label": "its default training ends"}
            axes.plot(end["seconds"], end["psnr"], marker="o", **ring, **look)
    for name, value in (("noisy", reference["noisy"]), ("best Gaussian blur", reference["best_blur"])):
        axes.axhline(value, ls="--", lw=0.8, color=style.INK, zorder=0)
        axes.annotate(
            name, (0.99, value), (0, -2), axes.get_yaxis_transform(), "offset points", ha="right", va="top"
        )
    axes.set_xlabel("Seconds of training")
    ends = [point["seconds"] for run in runs for point in run["points"]]
    style.logarithmic_signals(axes, min(ends), max(ends))
