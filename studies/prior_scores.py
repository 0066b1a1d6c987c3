"""Scores of the priors on real images, none of which is ever trained on: PSNR as everywhere in the studies.

    python studies/prior_scores.py --weights build/prior/sighted.fp16.safetensors --views 1 8
    python studies/prior_scores.py --weights build/prior/blind.fp16.safetensors --steps 0 60 --learning-rate 5e-4

scores the instant result of the sighted prior, and the blind one as it is and as a start of training.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import common
import numpy as np
import numpy.typing as npt
import tifffile
import torch
from exposures import Anscombe
from prior_nets import sighted_estimate
from prior_patches import SIGHTED
from safetensors import safe_open

from muguet.image import Scaling, clipping_level
from muguet.noise import Variance, fitted_variance, transfer_alone
from muguet.prediction import symmetries
from muguet.quality import psnr
from muguet.restoration import FilterBankNet
from muguet.training import Plan, Sample, Session, collect

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Pair:
    """A noisy image and the truth about it ``(y, x)``, in counts."""

    noisy: Array
    clean: Array


def pairs(data: Path) -> dict[str, Pair]:
    """Frames of W2S and FMD, and mitochondria at 500 electrons in known noise, from a folder of real images."""

    def read(name: str, frame: int | None = None) -> Array:
        image = tifffile.imread(data / f"{name}.tif")
        return (image if frame is None else image[frame]).astype(np.float64)

    found = {f"w2s{c}": Pair(read(f"w2s_ch{c}_noisy", 1), read(f"w2s_ch{c}_clean", 1)) for c in range(3)}
    for name in ("fish", "mice"):
        found[name] = Pair(read(f"fmd_{name}_noisy"), read(f"fmd_{name}_clean"))
    found["bpae"] = Pair(read("fmd_bpae_noisy", 1), read("fmd_bpae_clean"))
    electrons = read("clean_mitochondria")[:512, :512] / 255 * 500 + 2
    rng = np.random.default_rng(7)
    recorded = rng.poisson(electrons) + rng.normal(0, 2, electrons.shape)
    found["mito"] = Pair(np.round(10 * recorded + 100), 10 * electrons + 100)
    return found


# ------------------------------------------------------------------- sighted


def measured_law(noisy: Array, estimate: Array | None = None) -> Anscombe:
    """The transform by the noise law of a single image, from the image alone or with an estimate of it."""
    level = clipping_level(noisy)
    known = noisy if level is None else np.where(noisy >= level, np.nan, noisy)
    points = transfer_alone([known], None if estimate is None else [estimate])
    return straight(fitted_variance(points), points.signal, points.count)


def straight(law: Variance, signal: Array, count: npt.NDArray[np.intp]) -> Anscombe:
    """The straight line nearest to a law over the signals of an image, by the relative error of the variance."""
    variance = law(signal)
    weight = np.sqrt(count) / variance
    design = np.stack([signal, np.ones_like(signal)], 1)
    gain, constant = (law.linear, law.constant)
    if law.quadratic > 0:
        gain, constant = np.linalg.lstsq(design * weight[:, None], variance * weight, rcond=None)[0]
    mean = float(np.average(variance, weights=count))
    least = 1e-3 * np.sqrt(mean)  # noise that does not grow with the signal is that of very many electrons
    if gain < least:
        gain, constant = least, mean - least * float(np.average(signal, weights=count))
    return Anscombe(float(gain), float(constant))


def instant(net: FilterBankNet, noisy: Array, views: int = 1) -> tuple[Array, Anscombe]:
    """The estimate in counts and the law: law, network, law by that estimate, network."""
    first = measured_law(noisy)
    law = measured_law(noisy, denoised(net, noisy, first, 1))
    return denoised(net, noisy, law, views), law


def denoised(net: FilterBankNet, noisy: Array, law: Anscombe, views: int = 1) -> Array:
    """The sighted prior's estimate, in counts, for a given law; the mean over flips and turns."""
    z = torch.from_numpy(law.forward(noisy).astype(np.float32))[None, None]
    turned = [each.undo(_whole(sighted_estimate, net, each.apply(z))) for each in symmetries(max_count=views)]
    mean = torch.stack(turned).mean(0)
    return law.inverse(mean[0, 0].numpy().astype(np.float64))


def blind_estimate(net: FilterBankNet, units: torch.Tensor) -> torch.Tensor:
    """The signal in network units, ``(b, 1, y, x)``, from the noisy image in the same: the blind prior."""
    return net(units).blind


def _whole(
    estimate: Callable[[FilterBankNet, torch.Tensor], torch.Tensor], net: FilterBankNet, image: torch.Tensor
) -> torch.Tensor:
    """The estimate of an image of any size, which is continued by reflection to a multiple of the network's stride."""
    height, width = image.shape[-2:]
    more = [-size % stride for size, stride in zip((height, width), net.stride, strict=True)]
    with torch.inference_mode():
        found = estimate(net, torch.nn.functional.pad(image, (0, more[1], 0, more[0]), mode="reflect"))
    return found[..., :height, :width]


# --------------------------------------------------------------------- blind


def blind_start(net: FilterBankNet, noisy: Array) -> Array:
    """The blind prior's estimate in counts, without a step of training."""
    scaling = Scaling.fit(noisy)
    units = torch.from_numpy(scaling.apply(noisy).astype(np.float32))[None, None]
    return np.asarray(scaling.invert(_whole(blind_estimate, net, units)[0, 0].numpy().astype(np.float64)))


def started(net: FilterBankNet, noisy: Array, steps: int, learning_rate: float, seed: int = 0) -> Array:
    """The estimate after training on the image itself, as `muguet.fit` does, from the blind prior's weights."""
    plan = Plan(steps=steps, learning_rate=learning_rate, seed=seed, device="cpu")
    session = Session(collect([Sample(noisy, "YX")]), plan=plan)
    for method in (session.method, session.averaged):
        method.net.load_state_dict(net.state_dict())
    while not session.finished:
        session.advance()
    return np.asarray(session.denoiser()(noisy), np.float64)


# -------------------------------------------------------------------- scores


class Monitor:
    """Scores during a training: PSNR on crops, the laws measured once."""

    def __init__(self, data: Path, crop: int = 256) -> None:
        self.crop = crop
        self.pairs = pairs(data)
        self.laws = {name: measured_law(pair.noisy) for name, pair in self.pairs.items()}

    def __call__(self, kind: str, net: FilterBankNet) -> Mapping[str, float]:
        """PSNR in decibels of every crop, and the mean."""
        found = {}
        corner = slice(128, 128 + self.crop)
        for name, pair in self.pairs.items():
            noisy = pair.noisy[corner, corner]
            estimate = denoised(net, noisy, self.laws[name]) if kind == SIGHTED else blind_start(net, noisy)
            found[name] = round(psnr(estimate, pair.clean[corner, corner]), 3)
        return {**found, "mean": round(float(np.mean(list(found.values()))), 3)}


def load(path: Path) -> tuple[str, FilterBankNet]:
    """The kind and the network of a file that `prior.export` wrote."""
    with safe_open(path, "pt") as file:
        weights = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
        kind = file.metadata()["kind"]
    widths = [
        each
        for name, each in sorted(weights.items())
        if name.startswith("down.") and name.endswith(".0.bias")
    ]
    net = FilterBankNet(2, tuple(len(each) for each in widths))
    net.load_state_dict(weights)
    return kind, net.eval()


def main(arguments: list[str] | None = None) -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--weights", type=Path, required=True)
    options.add_argument(
        "--views", type=int, nargs="+", default=[1, 8], help="flips and turns, of a sighted prior"
    )
    options.add_argument("--steps", type=int, nargs="+", default=[0], help="of training, of a blind prior")
    options.add_argument("--learning-rate", type=float, default=5e-4)
    options.add_argument("--images", nargs="+", help="instead of all")
    options.add_argument("--data", type=Path, default=os.environ.get("MUGUET_DATA", "../shared/data"))
    choices = options.parse_args(arguments)
    kind, net = load(choices.weights)
    rows = []
    for name, pair in pairs(choices.data).items():
        if choices.images and name not in choices.images:
            continue
        for number in choices.views if kind == SIGHTED else choices.steps:
            before = time.process_time()
            about: dict[str, object] = {"image": name}
            if kind == SIGHTED:
                estimate, law = instant(net, pair.noisy, number)
                about |= {"views": number, "gain": law.gain}
            else:
                rate = choices.learning_rate
                estimate = started(net, pair.noisy, number, rate) if number else blind_start(net, pair.noisy)
                about |= {"steps": number}
            seconds = time.process_time() - before
            rows.append(
                {**about, "PSNR": f"{psnr(estimate, pair.clean):.2f}", "CPU-seconds": f"{seconds:.1f}"}
            )
            print(*rows[-1].values(), flush=True)
    print(common.markdown(rows))


if __name__ == "__main__":
    common.run(main)
