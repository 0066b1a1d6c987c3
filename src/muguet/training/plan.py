"""The plan of a run (its length, seed and learning rate), and the progress that it reports."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from muguet.system.limits import check_run

BATCH = 16
"""Number of patches in a step of one process."""


@dataclass(frozen=True)
class Plan:
    """The settings of a run that do not depend on the method.

    Attributes
    ----------
    minutes
        Maximum training time; 0: no training, and the result is that of the prior. The run ends earlier if the
        held-out likelihood stops improving, or if more steps would overfit the noise.
    steps
        Exact number of steps, which overrides `minutes`. The run then gives the same bits whenever it is repeated.
    seed
        Seed of the initial weights, the patches, the masks and the held-out pixels.
    batch
        Number of patches per step, each of 64×64 pixels, or 16×48×48 in 3-D. Several processes share them.
    learning_rate
        Learning rate of Adam for the first 30 % of the run, after which it falls along a cosine towards zero. Methods
        that hide less than 5 % of the pixels in a step (Noise2Void) use half of it, as their gradients are noisier.
    device
        "auto" (a GPU if there is one), "cpu", "cuda", "cuda:1" …
    """

    minutes: float = 5.0
    steps: int | None = None
    seed: int = 0
    batch: int = BATCH
    learning_rate: float = 2e-3
    device: str = "auto"

    def __post_init__(self) -> None:
        check_run(self.minutes, self.steps, self.seed)
        if self.minutes == 0 and self.steps is None:
            object.__setattr__(self, "steps", 0)


@dataclass(frozen=True)
class Progress:
    """The progress of a run after a step.

    Attributes
    ----------
    step
        Number of steps taken.
    total
        Expected number of steps of the whole run.
    seconds
        Wall time so far.
    seconds_left
        Expected time until the end.
    loss
        Mean of −log p of the targets of this step, in nats per pixel. It is on the device: reading it waits for the
        step to be computed.
    held_out
        Mean of −log p of the held-out pixels, every 50th step; None otherwise.
    """

    step: int
    total: int
    seconds: float
    seconds_left: float
    loss: Tensor
    held_out: float | None = None
