"""Measure the PSNR on a test set during training, with N-net (one Gaussian, as published) and without (squared error).

    python studies/training.py [--full] [--sets w2s_ch0 w2s_ch1 w2s_ch2] [--image mitochondria] [--net unet]
                               [--data FOLDER]

Panel a: real noise, of --sets. b: Gaussian and speckle noise of --level decibels on a clean image. c: speckle of 0.5, 2
and 4 times that variance. d: the first of --sets with five seeds, mean ± standard error. The test images are the
centres of fields of view, or of the half of the image, that training does not use; they are denoised after every epoch
of --every steps, without averaging over flips and rotations. Writes training.png, .svg, .csv (the curves) and
training_table.csv (final values and differences).
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import common
import numpy as np
import pairs
import sets
import torch
from pairs import Floats
from sets import Images

from muguet.noise import corrupt
from muguet.quality import mean_and_standard_error, psnr
from muguet.recipes import NETS, Parts
from muguet.training import Plan, Sample, Session, collect

WITH, WITHOUT = "joint-blind", "l2"  # recipes: N-net as published, and the same D-net without N-net
METHODS = {WITH: "N-net (G1)", WITHOUT: "D-net only (L2)"}
DASHES: dict[str, Any] = {WITH: "-", WITHOUT: (0, (4, 2))}
FACTORS = (0.5, 2.0, 4.0)  # The variance of speckle in panel c is multiplied by these factors.
SEEDS = 5
EPOCH = {False: 20, True: 100}  # steps of an epoch in a quick and in a full run
CENTRE = 256  # Side of the centre of each test frame, in pixels.
MAX_FRAMES = 4  # At most this number of frames is tested.


@dataclass(frozen=True)
class Run:
    """One training: a set with noise of `kind` and `factor` times its variance; an empty `kind` means real noise."""

    set: str
    kind: str = ""
    factor: float = 1.0
    recipe: str = WITH
    seed: int = 0

    @property
    def condition(self) -> str:
        """Name of a curve without its method."""
        return f"{self.kind} × {self.factor:g}" if self.factor != 1 else self.kind or self.set


def main(arguments: Sequence[str] | None = None) -> None:
    choices = chosen(arguments)
    panels = {name: list(runs) for name, runs in planned(choices).items()}
    needed = list(dict.fromkeys(itertools.chain(*panels.values())))
    print(f"{len(needed)} trainings of {choices.steps} steps, tested every {choices.every}.", flush=True)
    curves = {run: curve(run, choices) for run in needed}
    about = common.about(choices) | {"every": choices.every, "level": choices.level}
    table = ends(panels, curves)
    common.write_table(choices.out / "training.csv", list(points(panels, curves)), about)
    common.write_table(choices.out / "training_table.csv", table, about)
    common.save_figure(draw(panels, curves, choices.every), choices.out / "training")
    common.print_table(table, about)


def chosen(arguments: Sequence[str] | None) -> argparse.Namespace:
    local = [name for name in sets.SETS if name not in sets.PUBLISHED]
    options = common.parser(__file__, __doc__, local, list(pairs.REAL))
    options.add_argument(
        "--image",
        choices=[*pairs.CLEAN, "phantom"],
        default="mitochondria",
        help="clean image of panels b and c",
    )
    options.add_argument("--level", type=float, default=20.0, help="PSNR of the noisy images of panel b")
    options.add_argument("--every", type=int, help="steps of an epoch (default: 20, with --full 100)")
    options.add_argument(
        "--net", choices=NETS, help="network, instead of the default; unet is the reference's"
    )
    choices = common.parsed(options, arguments)
    choices.every = min(choices.every or EPOCH[choices.full], choices.steps)
    return choices


def planned(choices: argparse.Namespace) -> dict[str, Iterator[Run]]:
    """Return the trainings of each panel, each with both methods."""
    conditions = {
        "Real noise": [Run(name) for name in choices.sets],
        "Synthetic noise": [Run(choices.image, kind) for kind in ("Gaussian", "Speckle")],
        "Speckle, variance ×": [Run(choices.image, "Speckle", factor) for factor in FACTORS],
        f"{choices.sets[0]}, {SEEDS} runs": [Run(choices.sets[0], seed=n) for n in range(SEEDS)],
    }
    return {
        name: (
            replace(run, recipe=recipe, seed=run.seed + choices.seed) for run in runs for recipe in METHODS
        )
        for name, runs in conditions.items()
    }


# ---------------------------------------------------------------- trainings


def curve(run: Run, choices: argparse.Namespace) -> list[dict[str, float]]:
    """Return the points of a training, from the cache if it was done before."""
    train, test = images(run, choices)
    path = Path(choices.cache) / "training" / f"{_key(run, choices, train, test)}.json"
    try:
        found: list[dict[str, float]] = json.loads(path.read_text())
        how = "from the cache"
    except (OSError, ValueError):
        session = Session(
            collect([Sample(train.noisy, "TYX")]),
            Parts(run.recipe, choices.net, components=1),
            Plan(steps=choices.steps, seed=run.seed),
        )
        found = trained(session, test, choices.every)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(found))
        partial.replace(path)
        how = f"{session.seconds:.0f} s"
    print(
        f"{run.condition}, {METHODS[run.recipe]}, seed {run.seed}: {found[-1]['psnr']:.2f} dB, {how}",
        flush=True,
    )
    return found


def images(run: Run, choices: argparse.Namespace) -> tuple[Images, Images]:
    """Return the images to train on, and the centres of the images to test."""
    if run.kind:
        clean = clean_images(run.set, choices.data)
        law = pairs.LAWS[run.kind]
        parameter = pairs.at_level(law, clean, choices.level) * run.factor**0.5
        noisy = corrupt(law(parameter), torch.from_numpy(clean), torch.Generator().manual_seed(1)).numpy()
        whole = Images(noisy.astype(np.float32), clean)
    else:
        whole = sets.load(run.set, choices.data)
    train, parts = sets.split(run.set if run.set in sets.SETS else "nuclei", whole, held_out=True)
    unseen = parts[sets.UNSEEN]
    region = tuple(
        slice((n - min(n, CENTRE)) // 2, (n + min(n, CENTRE)) // 2) for n in unseen.noisy.shape[1:]
    )
    test = unseen.cut((region[0], region[1]))
    return train, Images(test.noisy[:MAX_FRAMES], test.clean[:MAX_FRAMES])


def clean_images(name: str, data: Path) -> Floats:
    """Return clean images ``(n, y, x)`` in counts."""
    if name == "phantom":
        return np.array(sets.load(name, data).clean)
    return pairs.OFFSET + pairs.STEP * pairs.read(data / f"clean_{name}.tif").astype(np.float64)


def trained(session: Session, test: Images, every: int) -> list[dict[str, float]]:
    """Train, and test after every epoch: the averaged weights, which muguet returns, and the latest weights."""
    found = []
    while not session.finished:
        step = session.advance().step
        if step % every == 0 or session.finished:
            latest, averaged = (
                scored(session, method, test) for method in (session.method, session.averaged)
            )
            found.append({"step": step, "psnr": averaged, "psnr_latest": latest})
    return found


def scored(session: Session, method: torch.nn.Module, test: Images) -> float:
    """Return the mean PSNR of the test images, without hidden pixels and without averaging over flips."""
    scaling = session.scalings[0]
    units = torch.from_numpy(scaling.apply(test.noisy.astype(np.float32)))[:, None].to(session.device)
    with torch.inference_mode():
        estimate = torch.cat([method.estimate(frame[None]) for frame in units])  # type: ignore[operator]
    return psnr(scaling.invert(estimate[:, 0].cpu().numpy()), test.clean)


def _key(run: Run, choices: argparse.Namespace, train: Images, test: Images) -> str:
    how = {"recipe": run.recipe, "seed": run.seed, "steps": choices.steps, "every": choices.every}
    if choices.net:
        how["net"] = choices.net
    described = hashlib.sha256(json.dumps([how, common.sources()]).encode())
    for array in (train.noisy, test.noisy, test.clean):
        described.update(np.ascontiguousarray(array).tobytes())
    return described.hexdigest()[:32]


# ------------------------------------------------------------------ results

Curves = Mapping[Run, Sequence[Mapping[str, float]]]
Panels = Mapping[str, Sequence[Run]]


def points(panels: Panels, curves: Curves) -> Iterator[dict[str, Any]]:
    """Yield every point of every panel."""
    for letter, runs in zip("abcd", panels.values(), strict=True):
        for run in runs:
            named = {"panel": letter, "set": run.set, "condition": run.condition}
            for epoch, point in enumerate(curves[run], 1):
                yield {**named, "method": METHODS[run.recipe], "seed": run.seed, "epoch": epoch, **point}


def ends(panels: Panels, curves: Curves) -> list[dict[str, Any]]:
    """Return the final PSNR of the curves, and G1 minus L2 at the end and on average over all epochs."""
    found = []
    for letter, runs in zip("abcd", panels.values(), strict=True):
        for condition in dict.fromkeys(run.condition for run in runs):
            mine = [run for run in runs if run.condition == condition]
            both = [[values(curves, run) for run in mine if run.recipe == recipe] for recipe in METHODS]
            last = [[each[-1] for each in group] for group in both]
            row: dict[str, Any] = {"panel": letter, "condition": condition, "runs": len(both[0])}
            for name, group in zip(("g1", "l2"), last, strict=True):
                row[f"{name}_psnr"], row[f"{name}_se"] = mean_and_standard_error(group)
            lead = [g1 - l2 for g1, l2 in zip(*both, strict=True)]
            row["end_lead"], row["end_lead_se"] = mean_and_standard_error([each[-1] for each in lead])
            row["mean_lead"], row["mean_lead_se"] = mean_and_standard_error([each.mean() for each in lead])
            found.append(row)
    return found


def values(curves: Curves, run: Run, which: str = "psnr") -> Floats:
    return np.array([point[which] for point in curves[run]])


# ------------------------------------------------------------------- figure


def draw(panels: Panels, curves: Curves, every: int) -> Any:
    """Draw PSNR against epochs in four panels: one colour a condition, G1 solid, L2 dashed, latest weights pale."""
    from muguet.figures import style

    with style.require_matplotlib().rc_context({**style.STYLE, **common.SMALL}):
        figure = style.canvas(5.6, 4.8, None)
        grid = figure.subplots(2, 2).ravel()
        for number, (axes, (name, runs)) in enumerate(zip(grid, panels.items(), strict=True)):
            (_seeds if number == 3 else _conditions)(axes, runs, curves)
            axes.set_title(name)
            axes.set_xlabel(f"Epoch ({every} steps)" if number > 1 else "")
            axes.set_ylabel("PSNR (dB)" if number % 2 == 0 else "")
            _from_where_it_rises(axes, [values(curves, run) for run in runs])
        common.letter(grid)
        _methods_legend(figure)
        figure.draw_without_rendering()  # computes the layout while the style is active
    return figure


def _conditions(axes: Any, runs: Sequence[Run], curves: Curves) -> None:
    from muguet.figures import style

    colours = dict(zip(dict.fromkeys(run.condition for run in runs), style.SERIES, strict=False))
    for run in runs:
        looks = {"color": colours[run.condition], "ls": DASHES[run.recipe]}
        epochs = np.arange(1, len(curves[run]) + 1)
        axes.plot(epochs, values(curves, run, "psnr_latest"), lw=0.6, alpha=0.35, **looks)
        axes.plot(epochs, values(curves, run), lw=1.2, **looks)
    for condition, colour in colours.items():
        # The label is above the ends of its two curves, where there is no other curve.
        ends = np.stack([values(curves, run) for run in runs if run.condition == condition])
        top = float(ends[:, -len(ends[0]) // 4 :].max())
        place = {"xytext": (0, 2), "textcoords": "offset points", "ha": "right", "va": "bottom"}
        axes.annotate(condition.removeprefix("Speckle × "), (epochs[-1], top), color=colour, **place)


def _seeds(axes: Any, runs: Sequence[Run], curves: Curves) -> None:
    from muguet.figures import style

    for recipe, colour in zip(METHODS, style.SERIES, strict=False):
        group = np.stack([values(curves, run) for run in runs if run.recipe == recipe])
        mean, error = np.transpose([mean_and_standard_error(each) for each in group.T])
        epochs = np.arange(1, len(mean) + 1)
        axes.fill_between(epochs, mean - error, mean + error, color=colour, alpha=0.25, lw=0)
        axes.plot(epochs, mean, color=colour, lw=1.2, ls=DASHES[recipe])


def _methods_legend(figure: Any) -> None:
    """Draw the legend of the methods above all panels."""
    from matplotlib.lines import Line2D

    from muguet.figures import style

    lines = [
        Line2D([], [], color=style.INK, lw=1.2, ls=DASHES[recipe], label=METHODS[recipe])
        for recipe in METHODS
    ]
    lines.append(Line2D([], [], color=style.INK, lw=0.6, alpha=0.35, label="latest weights, not averaged"))
    figure.legend(handles=lines, loc="outside upper center", ncols=3, handlelength=2.4)


def _from_where_it_rises(axes: Any, drawn: Sequence[Floats]) -> None:
    """Start the axis at the lowest PSNR after the first tenth of the epochs, which is far below the others."""
    low = min(float(each[len(each) // 10 :].min()) for each in drawn)
    high = max(float(each.max()) for each in drawn)
    axes.set_ylim(low - 0.05 * (high - low) - 1e-3, high + 0.12 * (high - low) + 1e-3)


if __name__ == "__main__":
    common.run(main)
