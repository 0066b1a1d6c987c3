"""PSNR against computing time, from the first result on: with the prior and without it.

    python studies/seconds.py --out build/seconds

Each image is denoised by two runs of one length, one from the prior and one from random weights. At a dozen moments of
each run the result that an end of the run would give is compared with the clean image, outside the clock. The clock
counts CPU-seconds, which other work on the machine changes little, of one thread if OMP_NUM_THREADS is 1.
"""

from __future__ import annotations

import argparse
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


def draw(rows: list[dict[str, Any]], blurs: dict[str, float]) -> Any:
    """One panel for each image."""
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
            best = max(row["psnr"] for row in rows if row["image"] == name)
            least = min(row["psnr"] for row in rows if row["image"] == name)
            axes.set(xscale="log", xlabel="CPU-seconds", title=TITLES.get(name, name))
            axes.set_ylim(min(least, blurs[name]) - 0.2, best + 0.2)
            axes.set_xticks(TICKS, [f"{tick:g}" for tick in TICKS])
            axes.set_xticks([], minor=True)
        figure.axes[0].set_ylabel("PSNR (dB)")
        figure.axes[1].legend(loc="center")
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
    choices = options.parse_args(arguments)
    rows: list[dict[str, Any]] = []
    blurs = {}
    for name in choices.images:
        pair = pairs(choices.data)[name]
        blurs[name] = float(psnr(best_blur(pair.noisy, pair.clean)[0], pair.clean))
        for prior in ("scenes", "none"):
            found = followed(pair, prior, choices.steps, choices.moments, choices.seed)
            rows += [{"image": name, **row} for row in found]
    about = {"command": "python studies/seconds.py", "commit": common.commit(), "machine": common.machine()}
    common.write_table(choices.out.with_suffix(".csv"), rows, about)
    common.save_figure(draw(rows, blurs), choices.out)


if __name__ == "__main__":
    common.run(main)
