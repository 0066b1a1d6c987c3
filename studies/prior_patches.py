"""What the prior is trained by, and the patches of each step: recordings of scenes, drawn without end from a seed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
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
    scenes, size, every
        Scenes in the pool, their pixels a side, and steps after which one of them is replaced by a new one.
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
    every: int = 4
    decay: float = 0.998

    def rate(self, step: int) -> float:
        """Learning rate of a step: a warm-up of 200 steps, a plateau, a cosine."""
        left = (self.steps - step) / max((1 - self.constant) * self.steps, 1)
        cosine = 0.5 - 0.5 * math.cos(math.pi * min(max(left, 0.0), 1.0))
        return self.learning_rate * cosine * min(1.0, (step + 1) / 200)


class Pool:
    """The scenes of a step: a window that moves along the endless row of scenes of a seed."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.numbers = [-1] * recipe.scenes
        self.scenes = np.zeros((recipe.scenes, recipe.size, recipe.size), np.float32)

    def at(self, step: int) -> npt.NDArray[np.float32]:
        """Scenes ``(scenes, y, x)`` of a step; only those that are new are drawn."""
        first = step // self.recipe.every
        for number in range(first, first + self.recipe.scenes):
            place = number % self.recipe.scenes
            if self.numbers[place] != number:
                self.scenes[place] = scene(self.recipe.seed, number, self.recipe.size)
                self.numbers[place] = number
        return self.scenes


def draw(pool: Pool, step: int) -> tuple[Tensor, Tensor]:
    """Noisy patches ``(b, 1, y, x)`` and the clean ones, in effective electrons."""
    recipe = pool.recipe
    scenes = pool.at(step)
    rng = np.random.default_rng([recipe.seed, 1, step])
    noisy, clean = zip(*(_recorded(recipe, scenes, rng) for _ in range(recipe.batch)), strict=True)
    return torch.from_numpy(np.stack(noisy))[:, None], torch.from_numpy(np.stack(clean))[:, None]


Pair = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]


def _recorded(recipe: Recipe, scenes: npt.NDArray[np.float32], rng: np.random.Generator) -> Pair:
    exposure = Exposure.draw(rng)
    signal = exposure.signal(_patch(recipe, scenes, rng))
    scaling = exposure.scaling(rng)
    noisy, clean = (scaling.apply(each) for each in (exposure.record(signal, rng), exposure.mean(signal)))
    return noisy.astype(np.float32), clean.astype(np.float32)


def _patch(
    recipe: Recipe, scenes: npt.NDArray[np.float32], rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    """A random patch of a scene, flipped and turned."""
    whole = scenes[rng.integers(len(scenes))]
    top, left = rng.integers(0, whole.shape[0] - recipe.patch + 1, 2)
    patch = whole[top : top + recipe.patch, left : left + recipe.patch]
    flips = rng.integers(0, 2, 3)
    patch = patch[:: 1 - 2 * flips[0], :: 1 - 2 * flips[1]]
    return np.ascontiguousarray(patch.T if flips[2] else patch)
