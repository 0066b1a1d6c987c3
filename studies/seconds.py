"""PSNR against computing time, from the first result on: with the prior and without it.

    python studies/seconds.py --out build/seconds
    python studies/seconds.py --out build/seconds --show     # draw the picture of a table again

Each image is denoised by two runs of one length, one from the prior and one from random weights. At a dozen moments of
each run the result that an end of the run would give is compared with the clean image, outside the clock. The clock
counts CPU-seconds, which other work on the machine changes little, of one thread if OMP_NUM_THREADS is 1. CAREamics'
Noise2Void, which benchmarks/performance.py has measured on one of the images, stands beside them.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import time
from pathlib import Path
from typing import Any

import common
import numpy as np
from prior_scores import Pair, pairs

from muguet.quality import psnr
from muguet.recipes import Parts
from muguet.restoration import best_blur
from muguet.training import Plan, Sample, Session, collect

IMAGES = ("w2s1", "fish", "mito")
TICKS = 5, 10, 20, 50, 100
PEER = common.HERE.parent / "benchmarks" / "results" / "time_to_quality.json", "w2s1"  # and its image
TITLES = {"w2s1": "W2S, channel 1", "fish": "FMD, fish", "mito": "Mitochondria, 500 e⁻"}


def followed(pair: Pair, prior: str, steps: int, moments: int, seed: int) -> list[dict[str, float]]:
    """Seconds and PSNR at moments of one run; the schedule of each is that of a run which ends there."""
    ends = np.unique(np.geomspace(10, steps, moments).round().astype(int)).tolist()
    rows = []
    for end in [0, *ends] if prior != "none" else ends:
        started = time.process_time()
        session = Session(
            collect([Sample(pair.noisy, "YX")]), Parts(prior=prior), Plan(steps=end, seed=seed, device="cpu")
        )
        while not session.finished:
            session.advance()
        estimate = session.denoiser()(pair.noisy)
        rows.append(
            {
                "prior": prior,
                "steps": end,
                "seconds": time.process_time() - started,
                "psnr": float(psnr(estimate, pair.clean)),
            }
        )
        print(*rows[-1].values(), flush=True)
    return rows


def peer(end: float) -> tuple[list[float], list[float]]:
    """CPU-seconds and PSNR of CAREamics' Noise2Void up to about `end` seconds, from the file of the benchmark."""
    runs = json.loads(PEER[0].read_text(encoding="utf-8"))["runs"]
    run = next(run for run in runs if run["method"] == "n2v")
    points = [(point["seconds"] * run["cores"], point["psnr"]) for point in run["points"]]
    seconds, scores = zip(*(point for point in points if point[0] < end), strict=True)
    return list(seconds), list(scores)


def read(table: Path) -> list[dict[str, Any]]:
    """The rows of a table of this script."""
    with table.open(encoding="utf-8") as file:
        next(file)
        words = {"image", "prior"}
        return [
            {key: value if key in words else float(value) for key, value in row.items()}
            for row in csv.DictReader(file)
        ]


def draw(rows: list[dict[str, Any]]) -> Any:
    """One panel for each image."""
    blurs = {row["image"]: row["blur"] for row in rows}
    from muguet.figures import style

    with style.require_matplotlib().rc_context({**style.STYLE, **common.SMALL}):
        figure = style.canvas(7.0, 2.4, None)
        for axes, name in zip(figure.subplots(1, len(blurs)), blurs, strict=True):
            axes.axhline(
                blurs[name], color=style.INK, linewidth=0.7, linestyle=(0, (4, 3)), label="best blur"
            )
            for prior, color, label in (
                ("scenes", style.SERIES[0], "from the prior"),
                ("none", style.SERIES[1], "from random weights"),
            ):
                mine = [row for row in rows if row["image"] == name and row["prior"] == prior]
                axes.plot(
                    [row["seconds"] for row in mine],
                    [row["psnr"] for row in mine],
                    color=color, marker="o", markersize=2.5, linewidth=1, label=label,
                )  # fmt: skip
            if name == PEER[1]:
                end = 2 * max(row["seconds"] for row in rows)
                axes.plot(
                    *peer(end),
                    color=style.INK,
                    marker="s",
                    markersize=2,
                    linewidth=0.7,
                    label="CAREamics N2V",
                )
            best = max(row["psnr"] for row in rows if row["image"] == name)
            least = min(row["psnr"] for row in rows if row["image"] == name)
            axes.set(xscale="log", xlabel="CPU-seconds", title=TITLES.get(name, name))
            floor = 33.5 if name == PEER[1] else min(least, blurs[name]) - 0.2
            axes.set_ylim(floor, best + 0.2)
            axes.set_xticks(TICKS, [f"{tick:g}" for tick in TICKS])
            axes.set_xticks([], minor=True)
            axes.set_xlim(left=4)
        figure.axes[0].set_ylabel("PSNR (dB)")
        figure.axes[1].legend(*figure.axes[0].get_legend_handles_labels(), loc="center")
        figure.draw_without_rendering()
    return figure


def main(arguments: list[str] | None = None) -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--steps", type=int, default=600, help="of the longest run")
    options.add_argument("--moments", type=int, default=6, help="runs of each kind")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--images", nargs="+", default=IMAGES)
    options.add_argument("--data", type=Path, default=os.environ.get("MUGUET_DATA", "../shared/data"))
    options.add_argument("--out", type=Path, default=common.HERE.parent / "build" / "seconds")
    options.add_argument("--show", action="store_true", help="only draw the table again")
    choices = options.parse_args(arguments)
    if choices.show:
        common.save_figure(draw(read(choices.out.with_suffix(".csv"))), choices.out)
        return
    rows: list[dict[str, Any]] = []
    for name in choices.images:
        pair = pairs(choices.data)[name]
        blur = float(psnr(best_blur(pair.noisy, pair.clean)[0], pair.clean))
        for prior in ("scenes", "none"):
            found = followed(pair, prior, choices.steps, choices.moments, choices.seed)
            rows += [{"image": name, "blur": blur, **row} for row in found]
    about = {"command": "python studies/seconds.py", "commit": common.commit(), "machine": common.machine()}
    common.write_table(choices.out.with_suffix(".csv"), rows, about)
    common.save_figure(draw(rows), choices.out)


if __name__ == "__main__":
    common.run(main)
