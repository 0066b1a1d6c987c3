"""A session: the state of a training run, and the computation of one step."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from muguet.denoiser.denoiser import Denoiser
from muguet.image.scaling import Scaling
from muguet.method import Method
from muguet.recipes.parts import Parts
from muguet.recipes.recipe import NOISY
from muguet.system import processes
from muguet.system.device import find_device
from muguet.system.memory import keep_freed_memory
from muguet.training.calibration import noise_variances
from muguet.training.data import Dataset
from muguet.training.exchange import Exchange
from muguet.training.first_law import FirstLaw
from muguet.training.optimiser import Adam
from muguet.training.patches import SATURATED, TARGET, PatchSource, patch_size
from muguet.training.plan import Plan, Progress
from muguet.training.preparation import Preparation
from muguet.training.prior_start import PRIOR_RATE, start_from_prior
from muguet.training.rehearsal import rehearse
from muguet.training.result import Conditions, require_finite, result_of
from muguet.training.run_state import RunState
from muguet.training.schedule import Schedule, count_useful_steps
from muguet.training.starting_values import build_method
from muguet.training.together import join_processes
from muguet.training.validation import Validation
from muguet.version import __version__

PATCH = {2: (64, 64), 3: (16, 48, 48)}  # Shape of a patch by the number of spatial dimensions.
# Patch sizes are multiples of these, which every network's stride divides.
MULTIPLE = {2: (8, 8), 3: (4, 8, 8)}
EVALUATE_EVERY = 50  # The held-out likelihood is computed once in this number of steps.


class Session:
    """A training run: the method, the average of its weights, the optimiser, the data and the random generators.

    `state` returns all that changes, so that an interrupted run continues and gives the same bits.

    Parameters
    ----------
    dataset
        The training set, see `muguet.training.collect`.
    parts
        Parts of the method; channels and dimensions are taken from the data.
    plan
        Length, seed and learning rate of the run.

    Attributes
    ----------
    averaged
        The method with the average of its weights over the last steps, which is the result of a run.
    correlation
        Correlation of the noise between neighbours, measured before training; None where it cannot be measured.
    whitenings
        The whitening of each channel in the units of the data, see `muguet.noise.Whitening`; empty: there is none.
    history
        Mean loss and held-out likelihood of every 50 steps.
    """

    def __init__(self, dataset: Dataset, parts: Parts | None = None, plan: Plan | None = None) -> None:
        started = time.monotonic()
        keep_freed_memory()
        self.plan = plan or Plan()
        prepared = Preparation.of(dataset, parts or Parts())
        prepared.require_result(self.plan.steps)
        dataset, recipe, self.parts = prepared.dataset, prepared.recipe, prepared.parts
        self.correlation, self.whitenings = prepared.correlation, prepared.whitenings
        self.white, self._whitenings_of_counts = prepared.white, prepared.whitenings_of_counts
        self.summary, self.content = dataset.summary, dataset.content
        self.correction, self.patterns, self.series = dataset.correction, dataset.patterns, dataset.series
        self.device = find_device(self.plan.device)
        self.host = torch.Generator().manual_seed(self.plan.seed)
        self.chance = torch.Generator(self.device).manual_seed(self.plan.seed + 1)
        size = patch_size(dataset.planes, PATCH[dataset.dimensions], MULTIPLE[dataset.dimensions])
        self.source = PatchSource.of(
            dataset.planes, size, self.plan.seed, self.parts.quarter_turns, self.device
        )
        self.method = build_method(self.parts, self.source, self.plan.seed)
        self.scalings = dataset.scalings
        # The map from `dataset.scalings` to `scalings`.
        self.units = tuple(Scaling(0.0, 1.0) for _ in dataset.scalings)
        self.first_laws = () if self.method.prior is None else self._start_from_prior(recipe.gated)
        self.learns_gate = recipe.gated and self.method.has_gate and not any(self.parts.reach or ())
        # A run of minutes also measures the noise to predict how long this takes at the end.
        self.measures_noise = self.learns_gate or (self.method.learns_law and self.plan.steps is None)
        if recipe.target != NOISY:  # No pixel is hidden: estimates use its own value from the start.
            self.method.open_gate(None if self.first_laws else 0.5)
        self.averaged = copy.deepcopy(self.method).requires_grad_(False)
        self.trained: nn.Module = self.method  # The same module, or its wrapper for several processes.
        self.parameters: list[Tensor] = _learned(self.method)
        self.averages: list[Tensor] = _learned(self.averaged)
        share = self.method.blind.share(dataset.dimensions)
        pixels = self.plan.batch * math.prod(self.source.size)  # in one step
        visits = pixels * share / self.pixels
        limit = count_useful_steps(visits, bool(self.first_laws)) if recipe.target == NOISY else None
        rate = PRIOR_RATE if self.first_laws else 1.0
        self.schedule = Schedule(self.plan, limit, share, rate, visits)
        self.optimiser = Adam(self.parameters)
        self.history: list[dict[str, float]] = []
        self.loss_sum = torch.zeros((), device=self.device)
        self.exchange = Exchange(dataset.supplies, self.plan.seed, pixels, self.source)
        fixed = self.source.only(self.exchange.kept) if self.exchange else self.source
        self.validation = Validation.draw(fixed, self.plan.batch, self.plan.seed)
        self.schedule.seconds = self.schedule.seconds_outside_steps = time.monotonic() - started

    def _start_from_prior(self, gated: bool) -> tuple[FirstLaw, ...]:
        """Load the prior, measure the noise law with it, and convert the images to effective photo-electrons."""
        laws = start_from_prior(self.method, self.parts.prior, self.source, gated, self.whitenings)
        self.units = to_electrons = tuple(law.electrons for law in laws)
        self.source = self.source.rescale(to_electrons)
        pairs = zip(self.scalings, to_electrons, strict=True)
        self.scalings = tuple(scaling.then(inner) for scaling, inner in pairs)
        return laws

    def join(self) -> None:
        """Train together with the other processes of this run, which have the same data, parts and plan.

        Every process draws the same batches and computes its part of the patches of each, so that the run is that of
        one process. No effect if there is one.

        Raises
        ------
        MuguetError
            If there are more processes than patches in a step, or the processes read different images.
        """
        self.trained = join_processes(self.method, self.plan.batch, self.content)
        self.schedule.seconds = processes.longest(self.schedule.seconds)

    # ------------------------------------------------------------- one step

    def advance(self) -> Progress:
        """Take one step of training."""
        started, schedule = time.monotonic(), self.schedule
        self.exchange.advance(schedule.step + 1, self.source, self.units)
        schedule.step += 1
        patches = self.source.draw(self.plan.batch, self.chance)
        saturated = patches.role == SATURATED
        weight = saturated | (patches.role == TARGET)
        target = self.source.target(patches, self.chance)
        with processes.watched():
            loss = self.trained(patches.noisy, target, weight, patches.channel, self.host, saturated)
            self.optimiser.zero_grad()
            loss.total.backward()
            likelihood = processes.mean(loss.likelihood.detach())
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimiser.step(schedule.learning_rate())
        with torch.no_grad():
            # The average spans about a tenth of the steps so far, so that it soon forgets the start, and at most 100.
            torch._foreach_lerp_(self.averages, self.parameters, max(0.01, 9 / (9 + self.step)))
            self.loss_sum += likelihood
        held_out = None
        if self.step % EVALUATE_EVERY == 0:
            held_out = self.validation.likelihood(self.averaged)
            mean = float(self.loss_sum) / EVALUATE_EVERY
            self.loss_sum.zero_()
            self.history.append({"step": self.step, "loss": mean, "held_out": held_out})
        measures = self.measures_noise and schedule.seconds_measuring is None
        if measures and schedule.should_measure_noise(self.history):
            self._measure_noise()
        schedule.seconds = processes.longest(schedule.seconds + time.monotonic() - started)
        schedule.decay_at_plateau(self.history)
        return Progress(
            self.step,
            schedule.expected_steps(),
            self.seconds,
            schedule.seconds_left(),
            likelihood,
            held_out,
        )

    def _measure_noise(self) -> None:
        """Measure the variance of the noise; if this succeeds in every channel, learn the gate from now on."""
        started = time.monotonic()
        denoiser = Denoiser(self.parts, self.averaged, self.scalings)  # The training set is white already.
        variances = processes.from_first(lambda: noise_variances(denoiser, self.source))
        if self.learns_gate and variances:
            for method in (self.method, self.averaged):
                method.learn_gate(variances)
            # The gate of the prior is learned from the first step.
            start = None if self.first_laws else self.validation.gate_start(self.averaged)
            for method in (self.method, self.averaged):
                method.open_gate(start)
        self.schedule.seconds_measuring = processes.longest(time.monotonic() - started)
        self.schedule.seconds_outside_steps += self.schedule.seconds_measuring

    @property
    def step(self) -> int:
        """Number of steps taken."""
        return self.schedule.step

    @property
    def seconds(self) -> float:
        """Wall time so far, including preparation and validation."""
        return self.schedule.seconds

    @property
    def finished(self) -> bool:
        """Whether the run is over, see `Schedule`."""
        return self.schedule.finished

    @property
    def pixels(self) -> int:
        """Number of pixels of the training set."""
        return self.source.values.numel()

    def rehearse(self) -> tuple[float, float]:
        """Return the time of a training step and of one estimate of a pixel, in seconds; the run does not change."""
        return rehearse(self.method, self.source, self.parameters, self.plan.batch)

    # -------------------------------------------------------------- results

    def denoiser(self) -> Denoiser:
        """Return the denoiser with the averaged weights, the best so far.

        Its record of the training holds the `Outcome` of the run under "outcome".

        Raises
        ------
        MuguetError
            If a weight is not finite.
        """
        require_finite(self.averages)
        plain = Denoiser(
            self.parts,
            copy.deepcopy(self.averaged).eval(),
            self.scalings,
            training=self.record(),
            whitenings=self._whitenings_of_counts,
            correction=self.correction,
        )
        conditions = Conditions(self.source, self.first_laws, self.white, self.learns_gate, self.series)
        return result_of(plain, conditions, self.step, self.schedule.visits, self.history)

    def record(self) -> dict[str, Any]:
        """Return the facts about the run for the model file."""
        return {
            "steps": self.step,
            "planned_steps": self.plan.steps,
            "seconds": round(self.seconds, 1),
            "plan": asdict(self.plan),
            "data": list(self.summary),
            "signal_range": self.validation.signal_range(self.averaged, self.scalings),
            "held_out": self.history[-1]["held_out"] if self.history else None,
            "history": self.history,
            "versions": {"muguet": __version__, "torch": torch.__version__, "numpy": np.__version__},
            "device": str(self.device),
            "patterns": list(self.patterns),
            "noise_correlation": self.correlation.as_dict() if self.correlation else None,
        }

    # ---------------------------------------------------------------- state

    def state(self) -> tuple[dict[str, npt.NDArray[Any]], dict[str, Any]]:
        """Return all that changes during a run: arrays by name, and values that JSON can hold."""
        header = {"schedule": self.schedule.state(), "history": self.history}
        return self._state.arrays(), header | ({"exchange": self.exchange.state()} if self.exchange else {})

    @property
    def _state(self) -> RunState:
        generators = {"host": self.host, "chance": self.chance}
        methods = {"method": self.method, "averaged": self.averaged}
        return RunState(generators, methods, self.optimiser, self.loss_sum)

    def restore(self, arrays: Mapping[str, npt.NDArray[Any]], header: Mapping[str, Any]) -> None:
        """Continue from the `state` of a session with the same data, parts and plan.

        The arrays and the header are those that `state` returns in name, shape and type.

        Raises
        ------
        RuntimeError
            If the state of a random generator is not valid. The session has not changed then.
        MuguetError
            If a block of an image that is larger than memory cannot be read.
        """
        self._state.restore(arrays)
        self.history = header["history"]
        self.schedule.restore(header["schedule"])
        if self.exchange and header.get("exchange"):
            self.exchange.restore(header["exchange"], self.source, self.units)


def _learned(method: Method) -> list[Tensor]:
    """The parameters that are learned: all but those of the prior."""
    return [value for name, value in method.named_parameters() if not name.startswith("prior.")]
