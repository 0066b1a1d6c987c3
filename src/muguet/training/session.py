"""A session: the state of a training run, and the computation of one step."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from muguet.denoiser.denoiser import Denoiser
from muguet.errors import MuguetError
from muguet.image.scaling import Scaling
from muguet.method import Method
from muguet.noise.correlated.whitening import Whitening
from muguet.noise.transfer.variance import Variance, fitted_variance
from muguet.recipes.find import find_recipe
from muguet.recipes.parts import NO_PRIOR, Parts
from muguet.recipes.recipe import NOISY, Recipe
from muguet.restoration.memory_format import kernels_channels_last
from muguet.restoration.optics import BehindOptics
from muguet.system import processes
from muguet.system.device import bfloat16_pays, find_device, seconds_on
from muguet.system.memory import keep_freed_memory
from muguet.training.calibration import calibrated, variance_alone
from muguet.training.correlated_noise import correlation, mask_reach
from muguet.training.data import Dataset
from muguet.training.exchange import Exchange
from muguet.training.first_law import FirstLaw
from muguet.training.optimiser import Adam
from muguet.training.outcome import Outcome
from muguet.training.patches import SATURATED, TARGET, PatchSource
from muguet.training.plan import Plan, Progress
from muguet.training.prior_start import PRIOR_RATE, chosen_prior, start_from_prior
from muguet.training.schedule import Schedule, count_useful_steps
from muguet.training.starting_values import dark_level, std_from_neighbours
from muguet.training.validation import Validation
from muguet.training.weighing import weigh
from muguet.training.whiten import measure_whitenings, whitened
from muguet.version import __version__

PATCH = {2: (64, 64), 3: (16, 48, 48)}  # Shape of a patch by the number of spatial dimensions.
MULTIPLE = {
    2: (8, 8),
    3: (4, 8, 8),
}  # Patch sizes are multiples of these, which every network's stride divides.
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
        wanted = parts or Parts()
        recipe = find_recipe(wanted.recipe)
        recipe.check(dataset.planes[0].target is not None if dataset.planes else False)
        self.correlation = correlation(dataset.planes)
        self.whitenings: tuple[Whitening | None, ...] = ()
        reach = wanted.reach
        if reach is None:
            if recipe.gated and recipe.target == NOISY:
                self.whitenings = measure_whitenings(dataset)
                dataset = whitened(dataset, self.whitenings)
            hides = recipe.widens and not self.whitenings
            reach = mask_reach(self.correlation if hides else None, dataset.dimensions)
        self.parts = _completed(wanted, recipe, dataset, reach)
        if self.plan.steps == 0 and self.parts.prior == NO_PRIOR:
            raise MuguetError(
                f"without training (--minutes 0) the recipe {self.parts.recipe} has no result here, as it does not "
                "start from a prior: give more minutes or steps"
            )
        self.summary, self.content = dataset.summary, dataset.content
        self.correction, self.patterns = dataset.correction, dataset.patterns
        self.device = find_device(self.plan.device)
        self.host = torch.Generator().manual_seed(self.plan.seed)
        self.chance = torch.Generator(self.device).manual_seed(self.plan.seed + 1)
        self.source = PatchSource.of(
            dataset.planes, _patch(dataset), self.plan.seed, self.parts.quarter_turns, self.device
        )
        self.method = self._build_method(dataset.dimensions)
        self.scalings = self._data_scalings = dataset.scalings
        self.units = tuple(
            Scaling(0.0, 1.0) for _ in dataset.scalings
        )  # From `dataset.scalings` to `scalings`.
        self.white = bool(self.whitenings) or self.correlation is None or not any(self.correlation.reach)
        self.first_laws = () if self.method.prior is None else self._start_from_prior()
        self.learns_gate = recipe.gated and self.method.has_gate and not any(reach)
        # A run of minutes also measures the noise to predict how long this takes at the end.
        self.measures_noise = self.learns_gate or (self.method.learns_law and self.plan.steps is None)
        if recipe.target != NOISY:  # No pixel is hidden: estimates use its own value from the start.
            self.method.open_gate(None if self.first_laws else 0.5)
        self.averaged = copy.deepcopy(self.method).requires_grad_(False)
        self.trained: nn.Module = self.method  # The same module, or its wrapper for several processes.
        self.parameters: list[Tensor] = _learned(self.method)
        self.averages: list[Tensor] = _learned(self.averaged)
        share = self.method.blind.share(dataset.dimensions)
        targets = self.plan.batch * math.prod(self.source.size) * share  # in one step
        limit = count_useful_steps(self.pixels, targets) if recipe.target == NOISY else None
        rate = PRIOR_RATE if self.first_laws else 1.0
        self.schedule = Schedule(self.plan, limit, share, rate, targets / self.pixels)
        self.optimiser = Adam(self.parameters)
        self.history: list[dict[str, float]] = []
        self.loss_sum = torch.zeros((), device=self.device)
        pixels = self.plan.batch * math.prod(self.source.size)
        self.exchange = Exchange(dataset.supplies, self.plan.seed, pixels, self.source)
        fixed = self.source.only(self.exchange.kept) if self.exchange else self.source
        self.validation = Validation.draw(fixed, self.plan.batch, self.plan.seed)
        self.schedule.seconds = self.schedule.seconds_outside_steps = time.monotonic() - started

    def _build_method(self, dimensions: int) -> Method:
        """The method on the device, with random weights."""
        std = std_from_neighbours(self.source)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.plan.seed)
            method = self.parts.build(std, bfloat16_pays(self.device, dimensions))
        if isinstance(method.net, BehindOptics):
            method.net.dark = dark_level(self.source)
        method.to(self.device)
        kernels_channels_last(method)
        return method

    def _start_from_prior(self) -> tuple[FirstLaw, ...]:
        """Load the prior, measure the noise law with it, and convert the images to effective photo-electrons."""
        laws = start_from_prior(self.method, self.parts.prior, self.source)
        self.units = to_electrons = tuple(law.electrons for law in laws)
        self.source = self.source.rescale(to_electrons)
        self.scalings = tuple(
            scaling.then(inner) for scaling, inner in zip(self.scalings, to_electrons, strict=True)
        )
        if find_recipe(self.parts.recipe).gated:
            self.method.learn_gate([law.in_electrons.variance for law in laws])
            self.method.open_gate(None)
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
        if processes.number() > self.plan.batch:
            raise MuguetError(
                f"a step of this training has {self.plan.batch} patches, which {processes.number()} processes cannot "
                f"share: start at most {self.plan.batch} (--nproc-per-node)"
            )
        processes.require_same(
            self.content,
            "the processes of the training read different images: give all of them the same files and options",
        )
        self.trained = processes.parallel(self.method)
        self.schedule.seconds = processes.longest(self.schedule.seconds)

    # ------------------------------------------------------------- one step

    def advance(self) -> Progress:
        """Take one step of training."""
        started = time.monotonic()
        schedule = self.schedule
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
        transfers = processes.from_first(lambda: calibrated(denoiser, self.source).transfers)
        variances = [fitted_variance(points) for points in transfers if points is not None]
        if self.learns_gate and len(variances) == len(transfers):
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
        chance, host = torch.Generator(self.device).manual_seed(0), torch.Generator().manual_seed(0)
        share = processes.rows(self.plan.batch)
        patches = self.source.draw(share.stop - share.start, chance, augment=False)
        weight = patches.role == TARGET
        times: list[tuple[float, float]] = []
        for _ in range(3):
            started = seconds_on(self.device)
            with processes.alone():  # The other processes do not rehearse.
                loss = self.method(patches.noisy, patches.noisy, weight, patches.channel, host).total
            torch.autograd.grad(loss, self.parameters, allow_unused=True)
            stepped = seconds_on(self.device)
            with torch.inference_mode():
                self.method.estimate(patches.noisy, own=False)
            times.append((stepped - started, seconds_on(self.device) - stepped))
        step, forward = (min(each) for each in zip(*times, strict=True))
        overlap = 1.5  # Tiles are computed with their halo, so that pixels are computed 1.5 times.
        return 1.2 * step, overlap * forward / patches.noisy.numel()

    # -------------------------------------------------------------- results

    def denoiser(self) -> Denoiser:
        """Return the denoiser with the averaged weights, the best so far.

        Its record of the training holds the `Outcome` of the run under "outcome".

        Raises
        ------
        MuguetError
            If a weight is not finite.
        """
        if not all(bool(torch.isfinite(weights).all()) for weights in self.averages):
            raise MuguetError(
                "the training failed, because its weights are no longer finite: train again with another --seed, or "
                "leave extreme values out with --valid-range"
            )
        found, weighed = self._calibrated(), []
        # Differences of correlated neighbours do not show the variance of a pixel.
        if self.white:
            gated = self.learns_gate
            weighed = weigh(found, self.source, self._variances(found), self.step > 0, gated)
            if gated:
                blends, scales = (
                    tuple(getattr(each, name) for each in weighed) for name in ("blend", "scale")
                )
                found = replace(found, blends=blends, error_scales=scales)
        result = Outcome.of(self.step, self.schedule.visits, self.history, weighed)
        return replace(found, training={**found.training, "outcome": result.as_dict()})

    def _calibrated(self) -> Denoiser:
        """The denoiser with its calibrated noise law."""
        method = copy.deepcopy(self.averaged).eval()
        plain = Denoiser(
            self.parts,
            method,
            self.scalings,
            training=self.record(),
            whitenings=self._whitenings_of_counts(),
            correction=self.correction,
        )
        if not self.white:
            return plain
        if self.step == 0 and self.first_laws:
            return replace(plain, transfers=tuple(law.in_electrons.points for law in self.first_laws))
        earlier = [law.in_electrons.points for law in self.first_laws]
        return calibrated(plain, self.source, earlier)

    def _whitenings_of_counts(self) -> tuple[Whitening | None, ...]:
        """The whitening of each channel of images in counts."""
        return tuple(
            each and each.in_units(-data.offset / data.scale, 1 / data.scale)
            for each, data in zip(self.whitenings, self._data_scalings, strict=False)
        )

    def _variances(self, found: Denoiser) -> list[Variance | None]:
        """The variance of the noise of each channel in network units, from the best measurement there is."""
        stride = self.method.net.stride
        if not found.transfers:
            return [variance_alone(self.source, c, stride) for c in range(len(self.scalings))]
        variances = [None if points is None else fitted_variance(points) for points in found.transfers]
        if self.first_laws:
            first = [law.in_electrons.variance for law in self.first_laws]
            return [known or law for known, law in zip(variances, first, strict=True)]
        return variances

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
        tensors: dict[str, Tensor] = {
            "generator.host": self.host.get_state(),
            "generator.chance": self.chance.get_state(),
            "loss_sum": self.loss_sum,
        }
        for name, method in (("method", self.method), ("averaged", self.averaged)):
            tensors |= {f"{name}.{key}": value for key, value in method.state_dict().items()}
        if self.method.noise_variance is not None:
            tensors["noise_variance"] = self.method.noise_variance
        for index, moments in enumerate(self.optimiser.state):
            tensors |= {f"optimiser.{index}.{key}": value for key, value in moments.items()}
        arrays = {name: value.detach().cpu().numpy() for name, value in tensors.items()}
        header = {"schedule": self.schedule.state(), "history": self.history}
        return arrays, header | ({"exchange": self.exchange.state()} if self.exchange else {})

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
        tensors = {name: torch.from_numpy(value) for name, value in arrays.items()}
        self.host.set_state(tensors["generator.host"])
        self.chance.set_state(tensors["generator.chance"])
        for name, method in (("method.", self.method), ("averaged.", self.averaged)):
            method.load_state_dict(
                {k.removeprefix(name): v for k, v in tensors.items() if k.startswith(name)}
            )
            if "noise_variance" in tensors:
                method.noise_variance = tensors["noise_variance"].to(self.device)
        for index, moments in enumerate(self.optimiser.state):
            for key, value in moments.items():
                value.copy_(tensors[f"optimiser.{index}.{key}"])
        self.loss_sum.copy_(tensors["loss_sum"])
        self.history = header["history"]
        self.schedule.restore(header["schedule"])
        if self.exchange and header.get("exchange"):
            self.exchange.restore(header["exchange"], self.source, self.units)


def _learned(method: Method) -> list[Tensor]:
    """The parameters that are learned: all but those of the prior."""
    return [value for name, value in method.named_parameters() if not name.startswith("prior.")]


def _completed(wanted: Parts, recipe: Recipe, dataset: Dataset, reach: tuple[int, ...]) -> Parts:
    """The parts that the user asked for, completed from the recipe and the data."""
    return replace(
        wanted,
        net=wanted.net or (recipe.net if isinstance(recipe.net, str) else None),
        dimensions=dataset.dimensions,
        channels=dataset.channels,
        # A quarter turn would move the correlation of the noise to the other axis.
        quarter_turns=dataset.quarter_turns and reach[-1] == reach[-2],
        reach=reach,
        prior=chosen_prior(wanted, recipe, dataset.dimensions, reach),
    )


def _patch(dataset: Dataset) -> list[int]:
    """Shape of the patches: `PATCH`, or less if the smallest plane is smaller, in multiples of `MULTIPLE`."""
    smallest = np.min([plane.values.shape for plane in dataset.planes], axis=0).tolist()
    sizes = zip(PATCH[dataset.dimensions], smallest, MULTIPLE[dataset.dimensions], strict=True)
    return [min(want, size) // multiple * multiple for want, size, multiple in sizes]
