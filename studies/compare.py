"""Compare every method on every set of images after the same training time: one table, with standard errors over seeds.

    python studies/compare.py                        # --quick: two sets, one seed, a minute each
    python studies/compare.py --full                 # all methods and local sets, five seeds: one night on a GPU
    python studies/compare.py --sets convallaria mouse_actin mouse_nuclei --methods joint-unet deconoising

Trains every method of --methods on each of --sets for --budget minutes (or for --steps) with each of --seeds, in a
process of its own, and scores its estimates of the same images; with --held-out also of fields of view (or a half of
the scene) that were not used for training. A finished cell is stored in --cache and never measured again, so an
interrupted run continues, --budget 1 3 10 adds to the finished cells, and --show only prints their tables. Writes
compare.md, compare.csv and compare_differences.csv, and a picture with a crop of each set: compare.png with the sets
whose pixels may be published, and private/compare.png, which git ignores, with all sets. With --held-out the files are
called compare_held_out.

convallaria, mouse_actin and mouse_nuclei are downloaded if --sets names them; this needs pooch (pip install pooch).
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import common
import gallery
import methods
import sets
import summaries
from cells import Cache, Cell, Result
from launching import Launch, Launcher, finish

QUICK_SETS = ("phantom", "w2s_ch1")
QUICK_METHODS = tuple(
    [
        "gaussian-blur",
        "joint-g3",
        "joint-blind-g1",
        "l2",
        "noise2void",
        "n2v2",
        "deconoising",
        "supervised",
        "care",
    ]
)
FULL_SETS = [name for name in sets.SETS if name not in sets.PUBLISHED]
SEEDS = {False: 1, True: 5}  # number of seeds of a quick and of a full run
MINUTES = {False: 1.0, True: 2.0}  # minutes of each training in a quick and in a full run
BY_MINUTES = -1  # This value of --steps means that trainings have a limit in minutes.
START = 5.0  # seconds until a new process can train
SECONDS = {
    "gaussian-blur": 2.0,
    "first-result": 20.0,
    "non-local-means": 60.0,
    "wavelet": 30.0,
    "total-variation": 15.0,
}  # Seconds a megapixel of the methods without training.


def main(arguments: Sequence[str] | None = None, launch: Launch | None = None) -> None:
    choices = chosen(arguments)
    cache = Cache(Path(choices.cache) / "compare", choices.data)
    every = wanted(choices)
    if choices.show:
        report(choices, every, cache)
        return
    missing = [cell for cell in every if cache.result(cell) is None]
    threads = max(cores() // choices.jobs, 1)
    print(f"{plan(choices, every, missing, threads)}\n", flush=True)
    started = time.monotonic()

    def show_progress(done: int, cell: Cell, failure: str) -> None:
        found = failure or line(cache.result(cell))
        left = (time.monotonic() - started) * (len(missing) - done) / done
        print(f"{done} of {len(missing)}: {cell.title}: {found}; {duration(left)} left", flush=True)

    try:
        failed = finish(missing, cache, launch or Launcher(threads), choices.jobs, show_progress)
    except KeyboardInterrupt:
        sys.exit("Interrupted: the finished cells are stored; the same command continues from here.")
    report(choices, every, cache)
    if failed:
        failures = "\n".join(f"  {cell.title}: {failure}" for cell, failure in failed.items())
        sys.exit(f"Error: {len(failed)} cells failed; the same command tries them again:\n{failures}")


# -------------------------------------------------------------------- plan


def chosen(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the options; values that were not given are those of a quick or a full run."""
    options = common.parser(__file__, __doc__, list(sets.SETS))
    quick = f"{' '.join(QUICK_METHODS)}, all with --full"
    options.add_argument(
        "--methods", nargs="+", choices=methods.METHODS, metavar="METHOD", help=f"default: {quick}"
    )
    options.add_argument(
        "--seeds", type=int, help="number of seeds, from --seed on (default: 1, with --full 5)"
    )
    options.add_argument(
        "--budget", nargs="+", type=float, help="minutes of each training (default: 1, with --full 2)"
    )
    options.add_argument(
        "--jobs",
        type=int,
        default=1,
        help="cells to measure at the same time, each with its share of the cores",
    )
    options.add_argument(
        "--held-out", action="store_true", help="also score images that training did not use"
    )
    options.add_argument(
        "--show", action="store_true", help="print tables of the finished cells; train nothing"
    )
    options.set_defaults(steps=BY_MINUTES, sets=None)
    choices = common.parsed(options, arguments)
    choices.sets = choices.sets or (FULL_SETS if choices.full else list(QUICK_SETS))
    taken = choices.methods or (methods.METHODS if choices.full else QUICK_METHODS)
    choices.methods = list(dict.fromkeys((methods.NOISY, *taken)))
    choices.seeds = choices.seeds or SEEDS[choices.full]
    minutes = choices.budget or [MINUTES[choices.full]]
    by_minutes = choices.steps == BY_MINUTES
    choices.budgets = [{"minutes": each} for each in minutes] if by_minutes else [{"steps": choices.steps}]
    choices.jobs = max(choices.jobs, 1)
    return choices


def wanted(choices: argparse.Namespace) -> list[Cell]:
    """Return all cells, seed by seed, so that an interrupted run already gives a table."""
    cells = [
        Cell.of(name, method, seed, budget, choices.held_out)
        for budget in choices.budgets
        for seed in range(choices.seed, choices.seed + choices.seeds)
        for name in choices.sets
        for method in choices.methods
    ]
    return list(dict.fromkeys(cells))


def plan(choices: argparse.Namespace, every: Sequence[Cell], missing: Sequence[Cell], threads: int) -> str:
    """Return a sentence on the cells to measure, and about how long they take on this machine."""
    budgets = " and ".join(dict.fromkeys(cell.budget for cell in every if cell.budget)) or "no training"
    seeds = f"{choices.seeds} seed{'s' * (choices.seeds > 1)}"
    text = f"{' '.join(choices.sets)}: {len(choices.methods)} methods, {seeds}, {budgets}. "
    text += f"{len(every)} cells, {len(every) - len(missing)} of them finished"
    if not missing:
        return f"{text}."
    seconds = sum(expected(missing, choices.data, threads)) / choices.jobs
    at_a_time = f"{choices.jobs} at a time, {threads} thread{'s' * (threads > 1)} each"
    return f"{text}; the others take about {duration(seconds)} ({at_a_time})."


def expected(cells: Sequence[Cell], data: Path, threads: int) -> list[float]:
    """Return the seconds that each cell will take, from a short timing of each network."""
    pixels, speeds, found = {}, {}, []
    for cell in cells:
        if cell.set not in pixels:
            _, parts = sets.split(cell.set, sets.load(cell.set, data), cell.held_out)
            pixels[cell.set] = sum(part.noisy.size for part in parts.values())
        if cell.method in methods.UNLEARNED:
            found.append(START + SECONDS.get(cell.method, 0.0) * pixels[cell.set] / 1e6)
            continue
        net = methods.LEARNED[cell.method].network
        if net not in speeds:
            speeds[net] = rehearsed(net, threads)
        step, pixel = speeds[net]
        training = 60 * (cell.minutes or 0) if cell.steps is None else cell.steps * step
        found.append(START + training + 8 * pixel * pixels[cell.set])
    return found


def rehearsed(net: str, threads: int) -> tuple[float, float]:
    """Return the measured seconds of a training step, and of denoising a pixel."""
    import numpy as np
    import torch

    from muguet.recipes import Parts
    from muguet.training import Sample, Session, collect

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        noise = np.random.default_rng(0).normal(1000, 100, (64, 64)).astype(np.float32)
        return Session(collect([Sample(noise, "YX")]), Parts("l2", net, reach=(0, 0))).rehearse()
    finally:
        torch.set_num_threads(before)


def cores() -> int:
    """Return the number of cores, or OMP_NUM_THREADS if it is set."""
    return int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1)


def duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def line(result: Result | None) -> str:
    """Return the scores, the training time and the memory of a cell as text."""
    if result is None:
        return "no result was stored"
    scores = ", ".join(f"{score['psnr']:.2f} dB {part}" for part, score in result["scores"].items())
    return f"{scores}, {result['training_s']:.0f} s of training, {result['memory_mb']} MB"


# ------------------------------------------------------------------ report


def report(choices: argparse.Namespace, every: Sequence[Cell], cache: Cache) -> None:
    """Write the tables, differences and pictures of all finished cells."""
    name = "compare_held_out" if choices.held_out else "compare"
    found = {cell: result for cell in every if (result := cache.result(cell)) is not None}
    if not found:
        return
    about = {key: value for key, value in common.about(choices).items() if key != "steps"}
    about |= {"seeds": choices.seeds, "budgets": choices.budgets, "jobs": choices.jobs}
    about["machines"] = sorted({result["machine"] for result in found.values()})
    about["commits"] = sorted({result["commit"] for result in found.values()})
    rows = summaries.rows(found.values())
    # Differences include other budgets and seeds that were measured before: they show from which budget a method gains.
    known = [result for result in cache.every() if related(Cell(**result["cell"]), choices)]
    pairs = summaries.differences(known)
    text = document(choices, rows, pairs, about)
    common.write_table(choices.out / f"{name}.csv", rows, about)
    if pairs:
        common.write_table(choices.out / f"{name}_differences.csv", pairs, about)
    (choices.out / f"{name}.md").write_text(text, encoding="utf-8")
    print(f"\n{text}")
    pictures(choices, name, found, cache)


def related(cell: Cell, choices: argparse.Namespace) -> bool:
    return cell.set in choices.sets and cell.held_out == choices.held_out


def document(
    choices: argparse.Namespace,
    rows: Sequence[Mapping[str, Any]],
    pairs: Sequence[Mapping[str, Any]],
    about: Mapping[str, Any],
) -> str:
    """Return the tables in Markdown, and their provenance."""
    budgets = list(dict.fromkeys(row["budget"] for row in rows if row["budget"])) or [""]
    parts = []
    for budget in budgets:
        parts.append(f"**{budget} a training**" if budget else "**No training**")
        parts.append(common.markdown(summaries.table(rows, budget, choices.held_out)))
    if pairs:
        parts.append(common.markdown([summaries.table_row(row, choices.held_out) for row in pairs]))
    where = f"{'; '.join(about['machines'])}; commit {', '.join(about['commits'])}; {about['date']}."
    parts.append(f"`{about['command']}`: {choices.seeds} seed{'s' * (choices.seeds > 1)}, {where}")
    return "\n\n".join(parts) + "\n"


def pictures(choices: argparse.Namespace, name: str, found: Mapping[Cell, Result], cache: Cache) -> None:
    """Draw the publishable sets beside the tables, and all sets in the folder `private`, which git ignores."""
    shown: dict[str, list[gallery.Panel]] = {}
    longest = max((cell.minutes or cell.steps or 0 for cell in found), default=0)
    for cell, result in found.items():
        if cell.budget and (cell.seed != choices.seed or (cell.minutes or cell.steps) != longest):
            continue
        crops = cache.crops(cell)
        panels = shown.setdefault(cell.set, [("clean", crops["clean"], None)])
        panels.insert(-1, (cell.method, crops["estimate"], result["crop_psnr"]))
    shareable = {each: panels for each, panels in shown.items() if sets.SETS[each].shareable}
    places: list[tuple[Path, Mapping[str, list[gallery.Panel]]]] = [(choices.out / f"{name}.png", shareable)]
    if len(shareable) < len(shown):
        places.append((common.HERE.parent / "private" / f"{name}.png", shown))
    for path, panels_of in places:
        if panels_of:
            from muguet.figures import style

            path.parent.mkdir(parents=True, exist_ok=True)
            style.save(gallery.draw(panels_of), path)
            print(path)


if __name__ == "__main__":
    common.run(main)
