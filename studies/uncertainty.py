"""Whether the predicted error of every pixel is right: coverage of intervals and rank correlation, on known truth.

    python studies/uncertainty.py --steps 0 300

For every image: the share of pixels whose true value lies within 1.96 predicted standard deviations of the estimate,
among all pixels and in each octile of the predicted error (the smallest and the largest share), the ratio of the
predicted to the actual root mean square error, and the rank correlation of predicted and absolute error. The truth of
W2S and FMD is a mean of 400, 50 or 21 captures: its own variance, that of the noise divided by their number, is added
to the predicted one. It also differs a little in brightness from the frame; `--matched` removes the straight line
between estimate and truth first.
"""

from __future__ import annotations

import argparse
import itertools
import os
from pathlib import Path

import common
import numpy as np
import numpy.typing as npt
from prior_scores import Pair, pairs, session
from scenes import scene
from scipy.stats import spearmanr

Array = npt.NDArray[np.float64]

LIGHTS = 10, 100, 1000  # photo-electrons at the brightest part of the simulated scenes
GAIN, OFFSET, READ = 2.0, 100.0, 1.5  # counts an electron, counts, electrons
SEED = 20_000_003  # Scenes of another seed than those that the prior was trained on.
WITHIN = 1.96


def simulated(scenes: int) -> dict[str, Pair]:
    """Scenes of procedural objects, each at three levels of light."""
    found = {}
    for light, number in itertools.product(LIGHTS, range(scenes)):
        electrons = light * scene(SEED, number, 384).astype(np.float64) + 0.05 * light
        rng = np.random.default_rng(number)
        recorded = rng.poisson(electrons) + rng.normal(0, READ, electrons.shape)
        found[f"scene {number}, {light} e⁻"] = Pair(
            np.round(OFFSET + GAIN * recorded), OFFSET + GAIN * electrons
        )
    return found


def judged(mean: Array, std: Array, truth: Array) -> dict[str, float]:
    """Coverage, ratio and rank correlation."""
    error = np.abs(mean - truth)
    covered = error <= WITHIN * std
    octiles = [covered.ravel()[part].mean() for part in np.array_split(np.argsort(std, axis=None), 8)]
    every = slice(None, None, max(error.size // 100_000, 1))
    return {
        "covered": float(covered.mean()),
        "least octile": float(min(octiles)),
        "largest octile": float(max(octiles)),
        "predicted / actual": float(np.sqrt(np.mean(std**2) / np.mean(error**2))),
        "rank correlation": float(spearmanr(std.ravel()[every], error.ravel()[every]).statistic),
    }


def matched(mean: Array, truth: Array) -> Array:
    """The truth on the scale of the estimate: the straight line of least squared error."""
    slope, level = np.polyfit(truth.ravel(), mean.ravel(), 1)
    return np.asarray(slope * truth + level)


def main(arguments: list[str] | None = None) -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--steps", type=int, nargs="+", default=[0])
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--device", default="cpu")
    options.add_argument("--images", nargs="+", help="instead of all")
    options.add_argument("--scenes", type=int, default=6, help="number of simulated scenes")
    options.add_argument("--matched", action="store_true", help="compare after a straight-line fit")
    options.add_argument("--data", type=Path, default=os.environ.get("MUGUET_DATA", "../shared/data"))
    choices = options.parse_args(arguments)
    rows = []
    for name, pair in {**pairs(choices.data), **simulated(choices.scenes)}.items():
        if choices.images and name not in choices.images:
            continue
        for steps in choices.steps:
            run = session(pair.noisy, steps, seed=choices.seed, device=choices.device)
            while not run.finished:
                run.advance()
            model = run.denoiser()
            mean, std = (np.asarray(each, np.float64) for each in model.estimate(pair.noisy))
            if pair.captures:
                std = np.hypot(std, model.noise.std(mean) / np.sqrt(pair.captures))
            truth = matched(mean, pair.clean) if choices.matched else pair.clean
            found = judged(mean, std, truth)
            rows.append(
                {"image": name, "steps": steps, **{key: f"{value:.3f}" for key, value in found.items()}}
            )
            print(*rows[-1].values(), flush=True)
    print(common.markdown(rows))


if __name__ == "__main__":
    common.run(main)
