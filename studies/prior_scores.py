"""Scores of the prior on real images, none of which it was trained on: PSNR as everywhere in the studies.

    python studies/prior_scores.py --weights build/prior/prior.fp16.safetensors --steps 0 --views 1 8
    python studies/prior_scores.py --steps 0 30 100 300

Without `--weights` the prior is the one that the package ships. Besides the result, the table has the trained network
and the prior alone, whose weighted mean the result is.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import common
import numpy as np
import numpy.typing as npt
import tifffile
import torch

from muguet.image import Scaling
from muguet.prediction import Blend
from muguet.quality import psnr
from muguet.recipes import Parts
from muguet.restoration import SCENES, Stabilised, best_blur
from muguet.training import Plan, Sample, Session, collect

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Pair:
    """A noisy image and the truth about it ``(y, x)``, in counts, which is the mean of `captures` images (0: exact)."""

    noisy: Array
    clean: Array
    captures: int = 0


def pairs(data: Path) -> dict[str, Pair]:
    """Frames of W2S and FMD, and mitochondria at 500 electrons in known noise, from a folder of real images."""

    def read(name: str, frame: int | None = None) -> Array:
        image = tifffile.imread(data / f"{name}.tif")
        return (image if frame is None else image[frame]).astype(np.float64)

    found = {f"w2s{c}": Pair(read(f"w2s_ch{c}_noisy", 1), read(f"w2s_ch{c}_clean", 1), 400) for c in range(3)}
    for name in ("fish", "mice"):
        found[name] = Pair(read(f"fmd_{name}_noisy"), read(f"fmd_{name}_clean"), 50)
    found["bpae"] = Pair(read("fmd_bpae_noisy", 1), read("fmd_bpae_clean"), 21)
    electrons = read("clean_mitochondria")[:512, :512] / 255 * 500 + 2
    rng = np.random.default_rng(7)
    recorded = rng.poisson(electrons) + rng.normal(0, 2, electrons.shape)
    found["mito"] = Pair(np.round(10 * recorded + 100), 10 * electrons + 100)
    return found


def session(noisy: Array, steps: int, prior: str = SCENES, seed: int = 0, device: str = "cpu") -> Session:
    """A training run on one image that starts from a prior, before its first step."""
    parts, plan = Parts(prior=prior), Plan(steps=steps, seed=seed, device=device)
    return Session(collect([Sample(noisy, "YX")]), parts, plan)


class Monitor:
    """Scores during the training of a prior: PSNR on crops, the laws measured once with the shipped prior."""

    def __init__(self, data: Path, crop: int = 256) -> None:
        self.crop = crop
        self.pairs = pairs(data)
        self.scalings = {name: session(pair.noisy, 0).scalings[0] for name, pair in self.pairs.items()}

    def __call__(self, net: Stabilised) -> Mapping[str, float]:
        """PSNR in decibels of every crop, and the mean."""
        found = {}
        corner = slice(128, 128 + self.crop)
        for name, pair in self.pairs.items():
            estimate = estimated(net, pair.noisy[corner, corner], self.scalings[name])
            found[name] = round(psnr(estimate, pair.clean[corner, corner]), 3)
        return {**found, "mean": round(float(np.mean(list(found.values()))), 3)}


def estimated(net: Stabilised, noisy: Array, scaling: Scaling) -> Array:
    """The estimate of one image, of sides that the network's stride divides, for a known law."""
    units = torch.from_numpy(scaling.apply(noisy).astype(np.float32))[None, None]
    with torch.inference_mode():
        found = net(units)
        assert found.gate is not None
        estimate = found.blind + found.gate * (units - found.blind)
    return np.asarray(scaling.invert(estimate[0, 0].numpy().astype(np.float64)))


def main(arguments: list[str] | None = None) -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--weights", default=SCENES, help="a prior of the package, or a file of prior.py")
    options.add_argument("--views", type=int, nargs="+", default=[8], help="flips and turns")
    options.add_argument("--steps", type=int, nargs="+", default=[0], help="of training from the prior")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--device", default="cpu")
    options.add_argument("--images", nargs="+", help="instead of all")
    options.add_argument("--data", type=Path, default=os.environ.get("MUGUET_DATA", "../shared/data"))
    choices = options.parse_args(arguments)
    rows = []
    for name, pair in pairs(choices.data).items():
        if choices.images and name not in choices.images:
            continue
        blur = psnr(best_blur(pair.noisy, pair.clean)[0], pair.clean)
        for steps in choices.steps:
            before = time.process_time()
            run = session(pair.noisy, steps, choices.weights, choices.seed, choices.device)
            while not run.finished:
                run.advance()
            model = run.denoiser()
            trained = time.process_time() - before
            for views in choices.views:
                before = time.process_time()
                estimate = model(pair.noisy, symmetries=views)
                seconds = trained + time.process_time() - before
                alone = [
                    psnr(replace(model, blends=(blend,))(pair.noisy, symmetries=views), pair.clean)
                    for blend in (Blend(), Blend(0.0, 1.0))
                ]
                blend = model.blends[0]
                rows.append(
                    {
                        "image": name,
                        "steps": steps,
                        "views": views,
                        "best blur": f"{blur:.2f}",
                        "PSNR": f"{psnr(estimate, pair.clean):.2f}",
                        "trained alone": f"{alone[0]:.2f}",
                        "prior alone": f"{alone[1]:.2f}",
                        "weights": f"{blend.trained:.2f} {blend.prior:.2f} {blend.blur:.2f}",
                        "gain": f"{model.scalings[0].scale:.3g}",
                        "CPU-seconds": f"{seconds:.1f}",
                    }
                )
                print(*rows[-1].values(), flush=True)
    print(common.markdown(rows))


if __name__ == "__main__":
    common.run(main)
