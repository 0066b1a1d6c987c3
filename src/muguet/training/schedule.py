"""When a run weighs pixels, when its learning rate falls, and when it ends: by its steps or by its minutes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from muguet.training.plan import Plan

DECAY_FROM = 0.3  # of the run at full learning rate, over the rest it falls to nothing
WEIGHED_FROM = 0.5  # of the run: the noise is measured then, and pixels are weighed from then on
PLATEAU = 0.6  # of a run that has come to a plateau before it decays
WARM_UP = 20  # steps
VISITS = 100  # of a noisy pixel as a target, after which its noise begins to be learned by heart
FEW = 0.05  # of all pixels, targets of a step: with fewer its slope is so noisy that half the learning rate does better
LEAST = 400  # steps that a network needs to learn anything, however small the image
_STATE = ("step", "seconds", "aside", "measuring", "total", "decay_from")


@dataclass
class Schedule:
    """How far a run has come.

    A run of so many steps goes by its steps alone, so that it gives the same bits whenever it is repeated. A run of
    minutes goes by the clock, so that it ends in time, and with a learning rate of nothing, however fast the machine
    is just then. It ends before if its images were seen often enough, or at a plateau of the held-out likelihood.

    Attributes
    ----------
    plan
        How long it may take.
    enough
        Steps after which the images have no more to teach, see `enough`.
    share
        Of all pixels, how many are targets in a step.
    step
        Steps taken.
    seconds
        That they took, with all that was done between.
    aside
        Of these, what no step took.
    measuring
        Seconds that it took to measure the noise, once it has been: it will be once more at the end.
    total, decay_from
        The last step, and the one from which the learning rate falls, where steps tell.
    """

    plan: Plan
    enough: int | None = None
    share: float = 1.0
    step: int = 0
    seconds: float = 0.0
    aside: float = 0.0
    measuring: float | None = None
    total: int | None = None
    decay_from: int | None = None

    def __post_init__(self) -> None:
        self.total = self.enough if self.plan.steps is None else self.plan.steps
        if self.total is not None:
            self.decay_from = int(DECAY_FROM * self.total)

    @property
    def over(self) -> bool:
        """Whether the run is."""
        return (self.total is not None and self.step >= self.total) or self._time() >= 1

    def why_early(self) -> str:
        """Why a run of minutes ended before they were over, in brackets; nothing if it did not."""
        if self.plan.steps is not None or self.total != self.step:
            return ""
        return (
            " (every pixel was seen often enough)"
            if self.total == self.enough
            else " (nothing improved any more)"
        )

    def half_way(self, history: Sequence[Mapping[str, float]]) -> bool:
        """Whether it is time to weigh pixels, given the held-out likelihoods so far."""
        if self.total is not None and self.step >= WEIGHED_FROM * self.total:
            return True
        return self.plan.steps is None and (self._time() >= WEIGHED_FROM or plateaued(history))

    def look(self, history: Sequence[Mapping[str, float]]) -> None:
        """Let a run of minutes fall and end from here if nothing improves any more."""
        falls = self._time() >= DECAY_FROM or (self.decay_from is not None and self.step >= self.decay_from)
        if self.plan.steps is None and not falls and plateaued(history):
            self.total, self.decay_from = math.ceil(self.step / PLATEAU), self.step

    def rate(self) -> float:
        """The learning rate of this step: a short rise, a constant, a cosine to nothing."""
        top = self.plan.learning_rate * (0.5 if self.share < FEW else 1.0) * min(self.step / WARM_UP, 1.0)
        fallen = (self._time() - DECAY_FROM) / (1 - DECAY_FROM)
        if self.total is not None and self.decay_from is not None:
            fallen = max(fallen, (self.step - self.decay_from) / max(self.total - self.decay_from, 1))
        return top * max(0.5 * (1 + math.cos(math.pi * min(max(fallen, 0.0), 1.0))), 1e-3)

    def state(self) -> dict[str, float | int | None]:
        """Return all that changes during a run, for a checkpoint."""
        return {name: getattr(self, name) for name in _STATE}

    def restore(self, state: Mapping[str, float | int | None]) -> None:
        """Continue from a `state`.

        Raises
        ------
        KeyError
            If a value is missing.
        """
        for name in _STATE:
            setattr(self, name, state[name])

    def expected_steps(self) -> int:
        """Steps of the whole run, as far as can be told."""
        if self.plan.steps is not None:
            return self.plan.steps
        left = 60 * self.plan.minutes - self.seconds - (self.measuring or 0)
        by_time = self.step + max(math.ceil(left / self.pace() - 1e-6), 0)
        return by_time if self.total is None else min(self.total, by_time)

    def seconds_left(self) -> float:
        """Until the run is over and the noise measured."""
        return max((self.expected_steps() - self.step) * self.pace() + (self.measuring or 0), 0.0)

    def pace(self) -> float:
        """Seconds a step."""
        return max(self.seconds - self.aside, 1e-6) / max(self.step, 1)

    def _time(self) -> float:
        """The share of its minutes that is over, the last measurement of the noise being part of them."""
        if self.plan.steps is not None:
            return 0.0
        return (self.seconds + (self.measuring or 0)) / (60 * self.plan.minutes)


def enough(pixels: int, targets: float) -> int:
    """Steps after which a network begins to learn the noise of so many pixels by heart, with so many targets a step.

    The likelihood of held-out pixels goes on rising all the while: their own noise is not what is learned.
    """
    return max(math.ceil(VISITS * pixels / targets), LEAST)


def plateaued(history: Sequence[Mapping[str, float]], least: float = 5e-4) -> bool:
    """Whether the last third of a run improved the held-out likelihood by less than `least` nats a pixel.

    Never before 3000 steps: early on the likelihood pauses between what is learned quickly and slowly.
    """
    if not history or history[-1]["step"] < 3000:
        return False
    values = [record["held_out"] for record in history]
    split = 2 * len(values) // 3
    return min(values[split:]) > min(values[:split]) - least
