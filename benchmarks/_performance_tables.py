"""Write the results of the performance suite in Markdown: a table for each part, with sentences below it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from _comparison import markdown
from _parts import NETS, OURS, PEER
from _pieces import PIECES

Found = Mapping[str, Any]
TITLES = {net: f"muguet, {net}" for net in NETS} | {PEER: "CAREamics N2V", OURS: OURS}


def train(found: Found) -> str:
    """Return the table of throughput and of the share of the machine's best speed."""
    rows = [["", "steps/s", "Mpixel/s", "targets/s", "parameters", "GFLOP a step", "GFLOP/s"]]
    rows[0] += ["of the best convolution", "of the best product", "cores", "memory, MB"]
    lines = []
    for name, run in found.items():
        row = [TITLES[name], f"{run['steps_per_s']:.3g}", f"{run['pixels_per_s'] / 1e6:.3g}"]
        row += [f"{run['targets_per_s']:,.0f}", f"{run['parameters']:,}"]
        if "peak" in run:
            speed, best = run["flops_per_step"] * run["steps_per_s"], run["peak"]
            row += [f"{run['flops_per_step'] / 1e9:.1f}", f"{speed / 1e9:.1f}"]
            row += [f"{speed / best[kind]['flops_per_s']:.0%}" for kind in ("convolution", "product")]
            lines.append(f"{TITLES[name]}: {_best(best)}.")
        else:
            row += ["–"] * 4
        rows.append([*row, f"{run['cores']:.2f}", _memory(run, "training_mb")])
    if PEER in found:
        ratios = [f"{n} {found[n]['pixels_per_s'] / found[PEER]['pixels_per_s']:.1f}" for n in NETS]
        lines.append(f"Pixels a second over CAREamics': {', '.join(ratios)}.")
    return "\n\n".join([markdown(rows), *lines])


def _best(peak: Found) -> str:
    """Return a sentence on the convolution and the product with the machine's best speed."""
    fastest = [
        f"{kind} {peak[kind]['flops_per_s'] / 1e9:.0f} GFLOP/s ({peak[kind]['shape']})"
        for kind in ("convolution", "product")
    ]
    return f"the machine's best in {peak['dtype']}, measured in the same process, is {' and '.join(fastest)}"


def steps(found: Found) -> str:
    """Return the table of the milliseconds and shares of the parts of a step."""
    rows = [[""] + [cell for net in found for cell in (f"{TITLES[net]}, ms", "share")]]
    for piece in PIECES:
        row = [piece]
        for run in found.values():
            row += [f"{run['pieces_ms'][piece]:.1f}", f"{run['pieces_ms'][piece] / _sum(run):.0%}"]
        rows.append(row)
    rows.append(["their sum", *(cell for run in found.values() for cell in (f"{_sum(run):.1f}", ""))])
    rows.append(["a real step", *(cell for run in found.values() for cell in (f"{run['step_ms']:.1f}", ""))])
    return markdown(rows)


def _sum(run: Found) -> float:
    return float(sum(run["pieces_ms"].values()))


def compiled(found: Found) -> str:
    """Return the table of the cost and the gain of compiling."""
    rows = [
        [
            "network, mode of torch.compile",
            "compiling, s",
            "a step before, ms",
            "after, ms",
            "paid back after",
        ]
    ]
    for name, run in found.items():
        spared = (run["before_ms"] - run["after_ms"]) / 1000
        paid = f"{run['compiling_s'] / spared:,.0f} steps" if spared > 0 else "never"
        times = (f"{run[key]:.1f}" for key in ("compiling_s", "before_ms", "after_ms"))
        rows.append([name, *times, paid])
    return markdown(rows)


def predict(found: Found) -> str:
    """Return the table of time and memory against size, and the deviation of the time from a straight line."""
    rows = [["", "image", "s", "s/Mpixel", "Mpixel/s", "over CAREamics'"]]
    rows[0] += ["peak memory, MB", "beyond image and result", "of which before it began"]
    for name, runs in found.items():
        for run in runs:
            speed, side = run["pixels"] / run["seconds"] / 1e6, round(run["pixels"] ** 0.5)
            row = [name, f"{side}×{side}", _digits(run["seconds"]), f"{1 / speed:.3g}", f"{speed:.3g}"]
            peer = None if name.startswith("CAREamics") else _peer_speed(found, run["pixels"])
            row += [f"{speed / peer:.1f}" if peer else "–", _memory(run, "peak_mb")]
            rows.append([*row, f"{run['beyond_mb']:.0f}", f"{run['base_mb']:.0f}"])
    lines = []
    for name, runs in found.items():
        if len(runs) > 2:  # two points are always on a line
            start, slope, off = line([r["pixels"] / 1e6 for r in runs], [r["seconds"] for r in runs])
            lines.append(
                f"{name}: {start:.2g} s and {slope:.3g} s a Mpixel; no size is off by more than {off:.0%}."
            )
    return "\n\n".join([markdown(rows), *lines])


def _peer_speed(found: Found, pixels: int) -> float | None:
    """Return the Mpixel/s of CAREamics' faster way on an image of this size."""
    speeds = [
        run["pixels"] / run["seconds"] / 1e6
        for name, runs in found.items()
        for run in runs
        if name.startswith("CAREamics") and run["pixels"] == pixels
    ]
    return max(speeds, default=None)


def line(x: Sequence[float], y: Sequence[float]) -> tuple[float, float, float]:
    """Fit y = a + b x by least squares of the relative deviations; return a, b and the largest deviation."""
    a = np.stack([np.ones(len(x)), np.asarray(x, dtype=float)], axis=1)
    weights = 1 / np.asarray(y, dtype=float)
    solution = np.linalg.lstsq(a * weights[:, None], np.ones(len(x)), rcond=None)[0]
    off = np.abs(a @ solution * weights - 1).max()
    return float(solution[0]), float(solution[1]), float(off)


def start(found: Found) -> str:
    """Return the table of imports and loading."""
    rows = [["", "import alone, s", "until it can train, s", "loading a model then, s"]]
    for name, run in found.items():
        rows.append([TITLES[name], *(f"{run[key]:.2f}" for key in ("import_s", "ready_s", "load_s"))])
    return markdown(rows)


def quality(found: Found) -> str:
    """Return the table of the seconds of training until a PSNR is reached."""
    rows = [
        ["images", "budget, min", "PSNR at its end, dB", "above the best blur, dB", "the blur's after, s"]
    ]
    rows[0] += ["CAREamics N2V ends with, dB", "that after, s"]
    run = found[OURS]
    row = [run["images"], f"{run['minutes']:g}", f"{run['psnr']:.2f}"]
    row += [f"{run['psnr'] - run['best_blur']:+.2f}", _seconds(run["blur_after_s"])]
    peer = [f"{run['peer_psnr']:.2f}", _seconds(run["peer_after_s"])] if "peer_psnr" in run else ["–", "–"]
    return markdown([rows[0], [*row, *peer]])


def _seconds(value: float | None) -> str:
    return "not reached" if value is None else f"{value:.1f}"


def _digits(value: float) -> str:
    """Return a number with at least three digits and without powers of ten."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _memory(run: Found, key: str) -> str:
    """Return the memory of the process, and of the GPU if there is one."""
    return f"{run[key]:.0f}" + (f" + {run['device_mb']:.0f} (GPU)" if run["device_mb"] else "")


TABLES: dict[str, Callable[[Found], str]] = {
    f.__name__: f for f in (train, steps, compiled, predict, start, quality)
}


def section(part: str, entry: Found) -> str:
    """Return the tables of a part, and their provenance."""
    about, found = entry["about"], entry["found"]
    return f"{TABLES[part](found)}\n\n{_conditions(about, found)}"


def _conditions(about: Found, found: Found) -> str:
    runs = [run for each in found.values() for run in (each if isinstance(each, list) else [each])]
    versions = dict(pair for run in runs for pair in run["versions"].items())
    packages = ", ".join(f"{name} {number}" for name, number in versions.items())
    threads = max(run["threads"] for run in runs)
    return (
        f"`{about['command']}`: {about['machine']}, {threads} thread{'s' * (threads > 1)}, {runs[0]['device']}; "
        f"{packages}; commit {about['commit']}; {about['date']}."
    )
