"""A session: all there is to know about a run of training, and how it takes one step."""

from __future__ import annotations

import copy
import math
import time
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from muguet.denoiser import Denoiser
from muguet.noise.transfer.variance import fitted_variance
from muguet.recipes import NOISY, RECIPES, Parts, choose
from muguet.restoration.memory_format import kernels_channels_last
from muguet.restoration.optics import BehindOptics
from muguet.system.device import bfloat16_pays, find_device
from muguet.system.memory import keep_freed_memory
from muguet.training.correlated_noise import correlation, hidden
from muguet.training.data import Dataset
from muguet.training.evidence import Evidence
from muguet.training.optimiser import Adam
from muguet.training.patches import HELD_OUT, SATURATED, TARGET, Patches, PatchSource
from muguet.training.plan import Plan, Progress
from muguet.training.schedule import Schedule, enough
from muguet.training.sharpening import sharpened
from muguet.training.starting_values import darkest, first_error
from muguet.version import __version__

PATCH = {2: (64, 64), 3: (16, 48, 48)}
MULTIPLE = {2: (8, 8), 3: (4, 8, 8)}  # of the patch sizes: the stride of every network divides it
EVALUATE_EVERY = 50  # steps


class Session:
    """A run in the making: the method, its average, the optimiser, the data and the chance they draw on.

    All of it goes into a checkpoint, so a run that was killed continues to the same bits.

    Parameters
    ----------
    dataset
        What to learn from, see `muguet.training.data.collect`.
    parts
        What the method is made of; channels and dimensions follow the data.
    plan
        How long, and how.
    """

    def __init__(self, dataset: Dataset, parts: Parts | None = None, plan: Plan | None = None) -> None:
        started = time.monotonic()
        keep_freed_memory()
        self.plan = plan or Plan()
        wanted = parts or Parts()
        recipe = choose(RECIPES, wanted.recipe, "--recipe")
        recipe.check(dataset.planes[0].target is not None if dataset.planes else False)
        self.correlation = correlation(dataset.planes)
        reach = wanted.reach
        if reach is None:
            reach = hidden(self.correlation if recipe.widens else None, dataset.dimensions)
        self.parts = replace(
            wanted,
            net=wanted.net or recipe.net,
            dimensions=dataset.dimensions,
            channels=dataset.channels,
            # A turned image would have its noise correlated along the other axis.
            quarter_turns=dataset.quarter_turns and reach[-1] == reach[-2],
            reach=reach,
        )
        self.scalings, self.summary = dataset.scalings, dataset.summary
        self.device = find_device(self.plan.device)
        self.host = torch.Generator().manual_seed(self.plan.seed)
        self.chance = torch.Generator(self.device).manual_seed(self.plan.seed + 1)
        self.source = PatchSource.of(
            dataset.planes, _patch(dataset), self.plan.seed, self.parts.quarter_turns, self.device
        )
        self.quantised = bool((self.source.quanta > 0).any())
        std = first_error(self.source)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.plan.seed)
            method = self.parts.build(std, bfloat16_pays(self.device, dataset.dimensions))
        if isinstance(method.net, BehindOptics):
            method.net.dark = darkest(self.source)
        self.method = method.to(self.device)
        kernels_channels_last(self.method)
        self.weighs_pixels = recipe.weighs_pixels and self.method.can_see and not any(reach)
        self.evidence: Evidence | None = None
        # Of a run by minutes also to know how long it will take at the end.
        self.measures = self.weighs_pixels or (recipe.learns_law and self.plan.steps is None)
        if recipe.target != NOISY and self.method.can_see:  # nothing to hide
            self.method.open_gate(0.5)
        self.averaged = copy.deepcopy(self.method).requires_grad_(False)
        self.parameters: list[Tensor] = list(self.method.parameters())
        self.averages: list[Tensor] = list(self.averaged.parameters())
        share = self.method.blind.share(dataset.dimensions)
        self.schedule = Schedule(self.plan, self._enough(share) if recipe.target == NOISY else None, share)
        self.optimiser = Adam(self.parameters)
        self.history: list[dict[str, float]] = []
        self.loss_sum = torch.zeros((), device=self.device)
        self._fixed = self._draw_fixed()
        self.schedule.seconds = self.schedule.aside = time.monotonic() - started

    # ------------------------------------------------------------- one step

    def advance(self) -> Progress:
        """Take one step of training."""
        started = time.monotonic()
        schedule = self.schedule
        schedule.step += 1
        patches = self.source.draw(self.plan.batch, self.chance)
        full = patches.role == SATURATED
        weight = full | (patches.role == TARGET)
        batch = patches.noisy, self._target(patches), weight, patches.channel, self.host, full
        if self.evidence is None:
            loss = surprise = self.method(*batch)
        else:
            loss, surprise = self.evidence.loss(self.method, *batch)
        self.optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimiser.step(schedule.rate())
        with torch.no_grad():
            # Over the last tenth of the run at first, so that the random start is soon forgotten, then over 100 steps.
            torch._foreach_lerp_(self.averages, self.parameters, max(0.01, 9 / (9 + self.step)))
            self.loss_sum += surprise.detach()
        held_out = None
        if self.step % EVALUATE_EVERY == 0:
            held_out = self.held_out()
            mean = float(self.loss_sum) / EVALUATE_EVERY
            self.loss_sum.zero_()
            self.history.append({"step": self.step, "loss": mean, "held_out": held_out})
        if self.measures and schedule.measuring is None and schedule.half_way(self.history):
            self._measure()
        schedule.seconds += time.monotonic() - started
        schedule.look(self.history)
        return Progress(
            self.step,
            schedule.expected_steps(),
            self.seconds,
            schedule.seconds_left(),
            surprise.detach(),
            held_out,
        )

    def _measure(self) -> None:
        """Measure the noise; if the images tell its variance, learn from now on what a pixel itself is worth."""
        started = time.monotonic()
        denoiser = sharpened(Denoiser(self.parts, self.averaged, self.scalings), self.source)
        known = [fitted_variance(points) for points in denoiser.transfers if points is not None]
        if self.weighs_pixels and len(known) == len(denoiser.transfers):
            self.evidence = Evidence.of(known, self.device)
            share = self._share(self.evidence)
            for method in (self.method, self.averaged):
                method.open_gate(share)
        self.schedule.measuring = time.monotonic() - started
        self.schedule.aside += self.schedule.measuring

    def _share(self, evidence: Evidence) -> float:
        """Where the gate starts: τ² / (τ² + σ²), as N-net's variance is that of the noise and of the estimate."""
        batch = self._fixed[0][0]
        with torch.no_grad():
            signal = self.averaged.estimate(batch.noisy)
            both = self.averaged.variance(signal, batch.channel)
            share = float((1 - evidence.variance(signal, batch.channel) / both).mean())
        return min(max(share, 0.03), 0.7)

    @property
    def step(self) -> int:
        """Steps taken."""
        return self.schedule.step

    @property
    def seconds(self) -> float:
        """That they took, with all that was done before and between."""
        return self.schedule.seconds

    @property
    def finished(self) -> bool:
        """Whether the planned steps are done, or the minutes over."""
        return self.schedule.over

    def _enough(self, share: float) -> int:
        """Steps after which these images have no more to teach, if such a share of them are targets in one."""
        return enough(self.pixels, self.plan.batch * math.prod(self.source.size) * share)

    def _target(self, patches: Patches) -> Tensor:
        """What the hidden pixels are compared with: the image, its values spread over the step they stand for.

        Repeated values of a quantised image are point masses, which a density would chase.
        """
        if patches.target is not None:
            return patches.target
        if not self.quantised:
            return patches.noisy
        jitter = torch.rand(patches.noisy.shape, generator=self.chance, device=self.device) - 0.5
        return patches.noisy + jitter * patches.quantum.view(-1, *(1,) * (patches.noisy.ndim - 1))

    # ------------------------------------------------------------ held out

    def _draw_fixed(self) -> list[tuple[Patches, Tensor, tuple[Tensor, ...]]]:
        """Fixed batches with the fixed mask of their held-out pixels, and their targets."""
        chance = torch.Generator(self.device).manual_seed(self.plan.seed + 2)
        keep, self.chance = self.chance, chance
        batches = [self.source.draw(self.plan.batch, chance, augment=False) for _ in range(4)]
        fixed = [(b, self._target(b), (b.role == HELD_OUT).nonzero(as_tuple=True)) for b in batches]
        self.chance = keep
        return fixed

    def held_out(self) -> float:
        """Negative log-likelihood of held-out pixels (never a target) in fixed patches, averaged weights."""
        host = torch.Generator().manual_seed(self.plan.seed + 3)
        with torch.no_grad():
            losses = [
                self.averaged.loss(b.noisy, target, b.role == HELD_OUT, b.channel, mask, host)
                for b, target, mask in self._fixed
            ]
        return float(torch.stack(losses).mean())

    def signal_range(self) -> list[list[float]]:
        """For every channel the 0.1th and 99.9th percentile of the estimated signal, in counts."""
        found = []
        with torch.no_grad():
            estimates = [(self.averaged.estimate(b.noisy).flatten(1), b.channel) for b, _, _ in self._fixed]
        for c, scaling in enumerate(self.scalings):
            values = torch.cat([e[channel == c].flatten() for e, channel in estimates]).cpu().numpy()
            ends = np.percentile(values, [0.1, 99.9]) if values.size else np.array([0.0, 1.0])
            found.append([float(v) for v in scaling.invert(ends)])
        return found

    # -------------------------------------------------------------- results

    @property
    def pixels(self) -> int:
        """Number of pixels of the training set."""
        return self.source.values.numel()

    def rehearse(self) -> tuple[float, float]:
        """Seconds for a step of training, and for a pixel to be seen once, here; the run itself is untouched."""
        chance, host = torch.Generator(self.device).manual_seed(0), torch.Generator().manual_seed(0)
        patches = self.source.draw(self.plan.batch, chance, augment=False)
        weight = patches.role == TARGET
        both: list[tuple[float, float]] = []
        for _ in range(3):
            started = _now(self.device)
            loss = self.method(patches.noisy, patches.noisy, weight, patches.channel, host)
            torch.autograd.grad(loss, self.parameters)
            stepped = _now(self.device)
            with torch.inference_mode():
                self.method.estimate(patches.noisy, 0.0)
            both.append((stepped - started, _now(self.device) - stepped))
        step, forward = (min(each) for each in zip(*both, strict=True))
        overlap = 1.5  # tiles are read with a halo
        return 1.2 * step, overlap * forward / patches.noisy.numel()

    def denoiser(self) -> Denoiser:
        """The best so far: the averaged weights, as a denoiser."""
        method = copy.deepcopy(self.averaged).eval()
        plain = Denoiser(self.parts, method, self.scalings, training=self.record())
        if self.correlation is not None and any(self.correlation.reach):
            return plain  # the variance that neighbours show is not that of a pixel
        return sharpened(plain, self.source)

    def record(self) -> dict[str, Any]:
        """What happened, for the model file."""
        return {
            "steps": self.step,
            "planned_steps": self.plan.steps,
            "seconds": round(self.seconds, 1),
            "plan": asdict(self.plan),
            "data": list(self.summary),
            "signal_range": self.signal_range(),
            "held_out": self.history[-1]["held_out"] if self.history else None,
            "history": self.history,
            "versions": {"muguet": __version__, "torch": torch.__version__, "numpy": np.__version__},
            "device": str(self.device),
            "noise_correlation": self.correlation.as_dict() if self.correlation else None,
        }


def _now(device: torch.device) -> float:
    """Seconds on a clock, once the device has done what was asked of it."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.monotonic()


def _patch(dataset: Dataset) -> list[int]:
    """Size of the patches: what the smallest plane holds of `PATCH`, as multiples of every network's stride."""
    smallest = np.min([plane.values.shape for plane in dataset.planes], axis=0).tolist()
    sizes = zip(PATCH[dataset.dimensions], smallest, MULTIPLE[dataset.dimensions], strict=True)
    return [min(want, size) // multiple * multiple for want, size, multiple in sizes]
