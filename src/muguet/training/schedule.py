"""The schedule of a run: when the noise is measured, when the learning rate falls, and when the run ends."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from muguet.training.plan import Plan

DECAY_START = 0.3
"""Share of the run after which the learning rate falls."""

NOISE_MEASURED_AT = 0.5
"""Share of the run after which the noise is measured, so that the gate can be learned from then on."""

PLATEAU_SHARE = 0.6
"""Share of the whole run that the steps up to a plateau make up: a plateau in step 3000 ends the run in step 5000."""

WARM_UP = 20
"""Number of steps over which the learning rate rises at the start."""

MAX_VISITS = 100
"""Targets per pixel before a network with random weights at its start overfits the noise."""

MAX_VISITS_FROM_PRIOR = 25
"""Targets per pixel before a network that starts from a prior does: it has little else to learn. W2S channels 0 to 2,
in decibels after 12, 25, 50 and 100 targets: 39.07, 39.06, 39.02, 38.94; 41.53, 41.54, 41.50, 41.38; 39.38, 39.41,
39.39, 39.24."""

MIN_TARGET_SHARE = 0.05
"""With a smaller share of the pixels as targets of a step, the gradient is so noisy that half the rate does better."""

MIN_STEPS = 400
"""Number of steps that a network with random weights needs to learn anything, however small the image."""

MIN_STEPS_FROM_PRIOR = 30
"""The same number for a network that starts from a prior."""

_CHECKPOINT_KEYS = {
    "step": "step",
    "seconds": "seconds",
    "aside": "seconds_outside_steps",
    "measuring": "seconds_measuring",
    "total": "total",
    "decay_from": "decay_from",
}
"""Attribute of the schedule for each key in a checkpoint."""


@dataclass
class Schedule:
    """The progress of a run, and when the noise is measured, the learning rate falls and the run ends.

    A run with a given number of steps depends on its steps alone, so that it gives the same bits whenever it is
    repeated. A run of minutes also depends on the clock: it ends in time, and with a learning rate near zero, whatever
    the speed of the machine.

    The noise is measured when half of the steps or half of the minutes are over; in a run of minutes, also at a
    plateau of the held-out likelihood, if that comes first.

    The learning rate rises linearly over the first 20 steps and is then constant. After 30 % of the steps or of the
    minutes it falls along half a period of a cosine, to 0.001 of its maximum.

    A run of minutes ends when its minutes are over, or when every pixel has been a target so often that the network
    would begin to overfit the noise (`count_useful_steps`). A run with a larger number of steps takes them all, but its
    learning rate has fallen to 0.001 of its maximum by then, so that they change next to nothing. If the held-out
    likelihood reaches a plateau before the learning rate falls, the rate falls from there, and the run ends when the
    steps up to the plateau are 60 % of it.

    Attributes
    ----------
    plan
        The number of steps or of minutes, and the maximum of the learning rate.
    useful_steps
        Number of steps after which the network overfits the noise, see `count_useful_steps`; None: there is no limit.
    target_share
        Mean share of the pixels that are targets in a step.
    rate_share
        Share of the plan's learning rate that is used.
    targets_per_pixel
        Number of times that a pixel is a target in a step, on average.
    step
        Number of steps taken.
    seconds
        Wall time so far, including the preparation, validation and the measurement of the noise.
    seconds_outside_steps
        The part of `seconds` that was spent on the preparation and on the measurement of the noise.
    seconds_measuring
        Time that the measurement of the noise took, which is repeated at the end of the run; None before it.
    total
        Number of the last step; None: the clock alone ends the run.
    decay_from
        Number of the step from which the learning rate falls; None: the clock alone decides.
    """

    plan: Plan
    useful_steps: int | None = None
    target_share: float = 1.0
    rate_share: float = 1.0
    targets_per_pixel: float = 0.0
    step: int = 0
    seconds: float = 0.0
    seconds_outside_steps: float = 0.0
    seconds_measuring: float | None = None
    total: int | None = None
    decay_from: int | None = None

    def __post_init__(self) -> None:
        self.total = self.useful_steps if self.plan.steps is None else self.plan.steps
        if self.total is not None:
            self.decay_from = int(DECAY_START * min(self.total, self.useful_steps or self.total))

    @property
    def visits(self) -> float:
        """Number of times that a pixel was a target so far, on average."""
        return self.step * self.targets_per_pixel

    @property
    def finished(self) -> bool:
        """Whether the steps or the minutes of the run are over."""
        return (self.total is not None and self.step >= self.total) or self._time_share() >= 1

    def remark(self) -> str:
        """Return in brackets why a run ended before its minutes, or why its last steps learned nothing; else empty."""
        if self.plan.steps is not None:
            if self.useful_steps is None or self.step <= self.useful_steps:
                return ""
            return (
                f" (nothing more was learned after step {self.useful_steps}, as that would overfit the noise)"
            )
        if self.total != self.step:
            return ""
        return (
            " (more steps would overfit the noise)"
            if self.total == self.useful_steps
            else " (the held-out likelihood stopped improving)"
        )

    def should_measure_noise(self, history: Sequence[Mapping[str, float]]) -> bool:
        """Return whether half of the run is over or the held-out likelihood in its history has reached a plateau."""
        if self.total is not None and self.step >= NOISE_MEASURED_AT * self.total:
            return True
        return self.plan.steps is None and (self._time_share() >= NOISE_MEASURED_AT or plateaued(history))

    def decay_at_plateau(self, history: Sequence[Mapping[str, float]]) -> None:
        """Start the decay and set the end of a run of minutes if the held-out likelihood has reached a plateau."""
        decays = self._time_share() >= DECAY_START or (
            self.decay_from is not None and self.step >= self.decay_from
        )
        if self.plan.steps is None and not decays and plateaued(history):
            self.total, self.decay_from = math.ceil(self.step / PLATEAU_SHARE), self.step

    def learning_rate(self) -> float:
        """Return the learning rate of this step: a linear rise, a constant, half a period of a cosine."""
        factor = self.rate_share * (0.5 if self.target_share < MIN_TARGET_SHARE else 1.0)
        maximum = self.plan.learning_rate * factor * min(self.step / WARM_UP, 1.0)
        decayed = (self._time_share() - DECAY_START) / (1 - DECAY_START)
        if self.total is not None and self.decay_from is not None:
            end = min(self.total, self.useful_steps or self.total)
            decayed = max(decayed, (self.step - self.decay_from) / max(end - self.decay_from, 1))
        return maximum * max(0.5 * (1 + math.cos(math.pi * min(max(decayed, 0.0), 1.0))), 1e-3)

    def state(self) -> dict[str, float | int | None]:
        """Return all that changes during a run, for a checkpoint."""
        return {key: getattr(self, name) for key, name in _CHECKPOINT_KEYS.items()}

    def restore(self, state: Mapping[str, float | int | None]) -> None:
        """Continue from a `state`.

        Raises
        ------
        KeyError
            If a value is missing.
        """
        for key, name in _CHECKPOINT_KEYS.items():
            setattr(self, name, state[key])

    def expected_steps(self) -> int:
        """Return the number of steps of the whole run, estimated from its speed so far if the clock ends it."""
        if self.plan.steps is not None:
            return self.plan.steps
        left = 60 * self.plan.minutes - self.seconds - (self.seconds_measuring or 0)
        by_time = self.step + max(math.ceil(left / self.seconds_per_step() - 1e-6), 0)
        return by_time if self.total is None else min(self.total, by_time)

    def seconds_left(self) -> float:
        """Return the expected time until the last step is taken and the noise is measured."""
        steps_left = self.expected_steps() - self.step
        return max(steps_left * self.seconds_per_step() + (self.seconds_measuring or 0), 0.0)

    def seconds_per_step(self) -> float:
        """Return the mean time of the steps so far."""
        return max(self.seconds - self.seconds_outside_steps, 1e-6) / max(self.step, 1)

    def _time_share(self) -> float:
        """Share of the minutes that is over, the last measurement of the noise included; 0 for a run of steps."""
        if self.plan.steps is not None:
            return 0.0
        return (self.seconds + (self.seconds_measuring or 0)) / (60 * self.plan.minutes)


def count_useful_steps(targets_per_pixel: float, from_prior: bool) -> int:
    """Return the number of steps after which a network begins to overfit the noise of its training images.

    The held-out likelihood does not show this, and continues to rise: the network memorises the noise of the targets,
    and held-out pixels, whose noise is independent of it, are never targets.

    Parameters
    ----------
    targets_per_pixel
        Number of times that a pixel is a target in a step, on average.
    from_prior
        Whether the network starts from a prior.
    """
    visits, least = (MAX_VISITS_FROM_PRIOR, MIN_STEPS_FROM_PRIOR) if from_prior else (MAX_VISITS, MIN_STEPS)
    return max(math.ceil(visits / targets_per_pixel), least)


def plateaued(history: Sequence[Mapping[str, float]], min_gain: float = 5e-4) -> bool:
    """Return whether the last third of a run improved the held-out likelihood by less than `min_gain` nats per pixel.

    The result is False before step 3000, since early on the likelihood pauses between what is learned quickly and what
    is learned slowly.
    """
    if not history or history[-1]["step"] < 3000:
        return False
    values = [record["held_out"] for record in history]
    split = 2 * len(values) // 3
    return min(values[split:]) > min(values[:split]) - min_gain
