"""How long and how to train, and how far a run has come."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from muguet.errors import MuguetError


@dataclass(frozen=True)
class Plan:
    """How long and how to train.

    Attributes
    ----------
    minutes
        Time to train at most; the run ends before if the held-out likelihood stops improving.
    steps
        An exact number of steps instead: the run then gives the same bits whenever it is repeated.
    seed
        Of the weights, the patches, the masks and the held-out pixels.
    batch
        Patches a step (64×64 pixels; 16×48×48 in 3-D).
    learning_rate
        Of Adam, constant for 30 % of the run, then a cosine to zero; half of it for methods that hide fewer than one
        pixel of twenty in a step (Noise2Void), whose steps are noisier.
    device
        "auto" (a GPU if there is one), "cpu", "cuda", "cuda:1" …
    """

    minutes: float = 5.0
    steps: int | None = None
    seed: int = 0
    batch: int = 16
    learning_rate: float = 2e-3
    device: str = "auto"

    def __post_init__(self) -> None:
        if self.steps is not None and self.steps < 1:
            raise MuguetError(f"--steps is {self.steps}: give at least 1")
        if not self.minutes > 0:
            raise MuguetError(f"--minutes is {self.minutes:g}: give more than 0")


@dataclass(frozen=True)
class Progress:
    """One step of a run; `total` is an estimate until the learning rate decays.

    `loss` stays on the device: reading it waits for the step. `held_out` is there every fifty steps.
    """

    step: int
    total: int
    seconds: float
    seconds_left: float
    loss: Tensor
    held_out: float | None = None
