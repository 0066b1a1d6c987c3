"""Trains the prior, the network that gives a first result before any training, on procedural scenes.

    python studies/prior.py --out build/prior
    python studies/prior.py --out build/prior --device cuda --workers 14 --batch 512 --patch 96 --scenes 1536
        --fresh 1.25 --decay 0.999 --steps 15900

The first takes hours on a CPU; the second, with which the weights of the package were made, six minutes on a large GPU
with 16 cores.
The prior works in effective photo-electrons, in which the variance of the noise is equal to the signal. It learns to
denoise images of which it sees every pixel, and to predict the variance of its error. A run that was killed continues
to the same bits when it is started again. If `--data` names a folder of real images, scores on them are logged, and
change nothing.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import common
import torch
from prior_patches import Pool, Recipe, draw
from safetensors.torch import save_file
from scenes import PHOTOGRAPHS
from torch import Tensor

from muguet.restoration import SHIFT, Stabilised, prior_net

FLAT = 0.03  # of the error before: patches that are left with less than this weigh less than others
COUNTS = 0.7  # share of the loss that is measured in electrons; the rest is in units of the noise
PATIENCE = 100  # steps between lines of the log


# ---------------------------------------------------------------------- loss


def loss_of(net: Stabilised, noisy: Tensor, clean: Tensor) -> Tensor:
    """Squared error of every patch relative to its own, in electrons and in units of the noise; and of its prediction.

    The slope of the first is that of the mean logarithm of the error, the mean PSNR, except for patches that are almost
    flat. The second is −log p of the error under a Gaussian of the predicted variance.
    """
    found = net(noisy)
    assert found.gate is not None
    assert found.error is not None
    estimate = found.blind + found.gate * (noisy - found.blind)
    loss = _relative_error(estimate, clean, noisy - clean)
    with torch.no_grad():
        error = (estimate - clean).square() / (found.blind + SHIFT).clamp(min=SHIFT)
    # The two have no parameter in common, so that they need no weights.
    return loss + 0.5 * (error / found.error + found.error.log()).mean()


def _relative_error(estimate: Tensor, clean: Tensor, before: Tensor) -> Tensor:
    error, std = estimate - clean, (clean + SHIFT).clamp(min=SHIFT).sqrt()
    return COUNTS * _relative(error, before) + (1 - COUNTS) * _relative(error / std, before / std)


def _relative(error: Tensor, before: Tensor) -> Tensor:
    squared, first = (each.square().flatten(1).mean(1) for each in (error, before))
    return (squared / (squared.detach() + FLAT * first + 1e-12)).mean()


# ------------------------------------------------------------------ training


def build(recipe: Recipe) -> Stabilised:
    """The network with random weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        net = prior_net(recipe.widths)
    net.open_gate(0.3)
    for weight in net.parameters():
        if weight.ndim == 4:
            weight.data = weight.data.contiguous(memory_format=torch.channels_last)
    return net


class Training:
    """Weights, their average, the optimiser and the step; all else follows from the recipe's seed and the step."""

    def __init__(self, recipe: Recipe, device: str = "cpu", workers: int = 0) -> None:
        self.recipe, self.device = recipe, device
        self.net = build(recipe).to(device)
        self.average = copy.deepcopy(self.net).requires_grad_(False)
        self.optimiser = torch.optim.Adam(self.net.parameters(), betas=(0.9, 0.95), fused=True)
        self.pool = Pool(recipe, device, workers)
        self.step, self.seconds, self.cpu_seconds = 0, 0.0, 0.0
        self.scores: list[dict[str, Any]] = []

    def advance(self) -> Tensor:
        """Take one step; the loss, on the device."""
        started, cpu = time.monotonic(), time.process_time()
        noisy, clean = draw(self.pool, self.step)
        with torch.autocast(self.device, torch.bfloat16, enabled=self.device == "cuda"):
            loss = loss_of(self.net, noisy, clean)
        self.optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        for group in self.optimiser.param_groups:
            group["lr"] = self.recipe.rate(self.step)
        self.optimiser.step()
        with torch.no_grad():
            weight = max(1 - self.recipe.decay, 9 / (9 + self.step))
            torch._foreach_lerp_(list(self.average.parameters()), list(self.net.parameters()), weight)
        self.step += 1
        self.seconds += time.monotonic() - started
        self.cpu_seconds += time.process_time() - cpu
        return loss.detach()

    def save(self, path: Path) -> None:
        """Write a checkpoint, beside its place first and then renamed."""
        state = {
            "recipe": json.dumps(asdict(self.recipe)),
            "net": self.net.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
            "cpu_seconds": self.cpu_seconds,
            "scores": self.scores,
        }
        partial = path.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(path)

    @classmethod
    def resume(
        cls, path: Path, recipe: Recipe | None = None, device: str = "cpu", workers: int = 0
    ) -> Training:
        """A training as a checkpoint left it; with a recipe of another length if one is given."""
        state = torch.load(path, weights_only=True, map_location=device)
        kept = json.loads(state["recipe"])
        found = cls(recipe or Recipe(**{**kept, "widths": tuple(kept["widths"])}), device, workers)
        found.net.load_state_dict(state["net"])
        found.average.load_state_dict(state["average"])
        found.optimiser.load_state_dict(state["optimiser"])
        found.step, found.scores = state["step"], state["scores"]
        found.seconds, found.cpu_seconds = state["seconds"], state.get("cpu_seconds", 0.0)
        return found


def export(training: Training, stem: Path) -> None:
    """Write the averaged weights in float32 and in float16, and the card."""
    weights = {name: each.cpu().contiguous() for name, each in training.average.state_dict().items()}
    for name, dtype in (("fp32", torch.float32), ("fp16", torch.float16)):
        cast = {key: each.to(dtype) for key, each in weights.items()}
        save_file(cast, stem.with_name(f"{stem.name}.{name}.safetensors"))
    card = {
        "recipe": asdict(training.recipe),
        "step": training.step,
        "seconds": round(training.seconds),
        "cpu_seconds": round(training.cpu_seconds),
        "parameters": sum(each.numel() for each in training.net.parameters()),
        "data": {
            "procedural": "studies/scenes.py: dead leaves, filaments, puncta, rings, tissue, random fields, gratings, "
            "simulated cells (muguet.samples)",
            "photographs": [f"skimage.data.{name} (CC0 or public domain)" for name in PHOTOGRAPHS],
            "never": "no image that a microscope took",
        },
        "machine": {"processor": common.machine(), "flags": _flags(), "device": _device(training.device)},
        "commit": common.commit(),
        "scores": training.scores,
    }
    stem.with_name(f"{stem.name}.json").write_text(
        json.dumps(card, indent=1, ensure_ascii=False), encoding="utf-8"
    )


def _flags() -> list[str]:
    """The processor's instruction sets that matter here."""
    information = Path("/proc/cpuinfo")
    words = set(information.read_text().split()) if information.is_file() else set()
    return sorted(words & {"avx2", "fma", "avx512f", "avx512_bf16", "amx_bf16", "avx512_vnni"})


def _device(name: str) -> str:
    return torch.cuda.get_device_name() if name == "cuda" else name


def train(
    training: Training,
    folder: Path,
    score: Callable[[Stabilised], Mapping[str, float]] | None,
    every: int,
) -> None:
    """Train to the end of the recipe or until asked to end, with a checkpoint and scores every so many steps."""
    recipe, losses = training.recipe, torch.zeros((), device=training.device)
    asked: list[int] = []  # signals
    before = signal.signal(signal.SIGTERM, lambda number, _: asked.append(number))
    checkpoint = folder / "prior.pt"
    while training.step < recipe.steps and not asked:
        losses += training.advance()
        if training.step % PATIENCE == 0:
            print(f"{training.step} {float(losses) / PATIENCE:.4f} {training.seconds:.0f} s", flush=True)
            losses.zero_()
        if training.step % every == 0 or training.step == recipe.steps or asked:
            if score is not None:
                training.scores.append({"step": training.step, **score(training.average)})
                print(json.dumps(training.scores[-1]), flush=True)
            training.save(checkpoint)
            export(training, folder / "prior")
        if training.step == int(recipe.constant * recipe.steps):  # from here a longer run may branch off
            training.save(folder / "prior-plateau.pt")
    signal.signal(signal.SIGTERM, before)


def main(arguments: list[str] | None = None) -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--steps", type=int, default=12_500)
    options.add_argument("--widths", type=int, nargs="+", default=[32, 64, 96])
    options.add_argument("--batch", type=int, default=8, help="patches a step")
    options.add_argument("--patch", type=int, default=64, help="their pixels a side")
    options.add_argument("--scenes", type=int, default=192, help="scenes to cut them from")
    options.add_argument("--fresh", type=float, default=0.25, help="scenes that a step replaces by new ones")
    options.add_argument("--learning-rate", type=float, default=2e-3)
    options.add_argument("--decay", type=float, default=0.998, help="of the average of the weights")
    options.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    options.add_argument("--workers", type=int, default=0, help="processes that draw scenes")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--every", type=int, default=1500, help="steps between checkpoints")
    options.add_argument(
        "--data", type=Path, default=os.environ.get("MUGUET_DATA"), help="real images, to score on"
    )
    options.add_argument("--out", type=Path, default=common.HERE.parent / "build" / "prior")
    choices = options.parse_args(arguments)
    choices.out.mkdir(parents=True, exist_ok=True)
    recipe = Recipe(
        tuple(choices.widths),
        choices.steps,
        choices.seed,
        choices.learning_rate,
        batch=choices.batch,
        patch=choices.patch,
        scenes=choices.scenes,
        fresh=choices.fresh,
        decay=choices.decay,
    )
    checkpoint = choices.out / "prior.pt"
    if checkpoint.is_file():
        training = Training.resume(checkpoint, recipe, choices.device, choices.workers)
    else:
        training = Training(recipe, choices.device, choices.workers)
    score = None
    if choices.data is not None:
        import prior_scores

        score = prior_scores.Monitor(Path(choices.data))
    try:
        train(training, choices.out, score, choices.every)
    finally:
        training.pool.close()


if __name__ == "__main__":
    common.run(main)
