"""What the prior is trained by, and the patches of each step: recordings of scenes, drawn without end from a seed."""

from __future__ import annotations

import math
import multiprocessing
from collections import deque
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from canvas import Floats
from exposures import Exposure
from scenes import scene
from torch import Tensor


@dataclass(frozen=True)
class Recipe:
    """What the prior is trained by; the same recipe gives the same weights on the same machine.

    Attributes
    ----------
    widths
        Channels of each level of the network.
    steps
        In all; the learning rate is constant for `constant` of them, then falls to zero by a cosine.
    learning_rate, batch, patch
        Of Adam; patches a step, and their pixels a side.
    scenes, size, fresh
        Scenes in the pool, their pixels a side, and how many of them are replaced by new ones at each step; of less
        than one, one is replaced every 1 / `fresh` steps.
    decay
        Of the exponential moving average of the weights, which is what is kept.
    """

    widths: tuple[int, ...] = (32, 64, 96)
    steps: int = 12_500
    seed: int = 0
    learning_rate: float = 2e-3
    constant: float = 0.4
    batch: int = 8
    patch: int = 64
    scenes: int = 192
    size: int = 192
    fresh: float = 0.25
    decay: float = 0.998

    def rate(self, step: int) -> float:
        """Learning rate of a step: a warm-up of 200 steps, a plateau, a cosine."""
        left = (self.steps - step) / max((1 - self.constant) * self.steps, 1)
        cosine = 0.5 - 0.5 * math.cos(math.pi * min(max(left, 0.0), 1.0))
        return self.learning_rate * cosine * min(1.0, (step + 1) / 200)


class Pool:
    """The scenes of a step: a window that moves along the endless row of scenes of a seed.

    Parameters
    ----------
    recipe
        Gives the seed, the number of scenes and how fast the window moves.
    device
        That holds the scenes.
    workers
        Processes that draw scenes ahead of the training; with none the training draws them itself.
    """

    def __init__(self, recipe: Recipe, device: torch.device | str = "cpu", workers: int = 0) -> None:
        self.recipe, self.device = recipe, torch.device(device)
        self.scenes = torch.zeros((recipe.scenes, recipe.size, recipe.size), device=device)
        self._next: int | None = None  # number of the scene to be drawn next
        self._ahead: deque[Future[Floats]] = deque()
        # New processes, as a process that uses a GPU cannot be forked.
        context = multiprocessing.get_context("spawn")
        self._workers: Executor | None = ProcessPoolExecutor(workers, context) if workers else None
        self._wanted = 4 * workers + 2 * math.ceil(recipe.fresh)

    def at(self, step: int) -> Tensor:
        """Scenes ``(scenes, y, x)`` of a step; only those that are new are drawn."""
        first = int(step * self.recipe.fresh)
        end = first + self.recipe.scenes
        if self._next is None or not first <= self._next <= end:
            self._next = first
            self._ahead.clear()
        while self._next < end:
            self.scenes[self._next % self.recipe.scenes] = torch.from_numpy(self._drawn(end))
            self._next += 1
        return self.scenes

    def _drawn(self, end: int) -> Floats:
        assert self._next is not None
        seed, size = self.recipe.seed, self.recipe.size
        if self._workers is None:
            return scene(seed, self._next, size)
        for number in range(self._next + len(self._ahead), end + self._wanted):
            self._ahead.append(self._workers.submit(scene, seed, number, size))
        return self._ahead.popleft().result()

    def close(self) -> None:
        """End the processes that draw scenes."""
        if self._workers is not None:
            self._workers.shutdown(cancel_futures=True)


def draw(pool: Pool, step: int) -> tuple[Tensor, Tensor]:
    """Noisy patches ``(b, 1, y, x)`` and the clean ones, in effective electrons."""
    recipe = pool.recipe
    scenes = pool.at(step)
    rng = np.random.default_rng([recipe.seed, 1, step])
    exposure = Exposure.draw(rng, recipe.batch, pool.device)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(rng.integers(2**62)))
        signal = exposure.signal(_patches(recipe, scenes, rng))
        noisy, clean = exposure.units(exposure.record(signal)), exposure.units(exposure.mean(signal))
    return noisy[:, None], clean[:, None]


def _patches(recipe: Recipe, scenes: Tensor, rng: np.random.Generator) -> Tensor:
    """Random patches ``(b, y, x)`` of scenes, flipped and turned."""
    number, side = recipe.batch, recipe.patch
    starts = rng.integers(0, recipe.size - side + 1, (2, number, 1))
    along = np.arange(side)
    flipped = rng.integers(0, 2, (2, number, 1))
    rows, columns = starts + np.where(flipped, side - 1 - along, along)
    turned = rng.integers(0, 2, (number, 1)).astype(bool)
    # Of pixel (i, j) of a patch: row i and column j of the scene, or the other way round.
    steps_down = np.where(turned, columns, rows * recipe.size)
    steps_across = np.where(turned, rows * recipe.size, columns)
    whole = rng.integers(0, len(scenes), (number, 1)) * recipe.size**2
    places = torch.from_numpy(np.stack([whole + steps_down, steps_across]))
    if scenes.device.type == "cuda":
        places = places.pin_memory().to(scenes.device, non_blocking=True)
    return scenes.view(-1)[places[0][:, :, None] + places[1][:, None, :]]
