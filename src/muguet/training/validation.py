"""Validation: fixed patches whose held-out pixels, never targets, give a likelihood that steps can be compared by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from muguet.image.scaling import Scaling
from muguet.method import MAX_SQUARE, Method
from muguet.restoration.blind import Mask
from muguet.system import processes
from muguet.training.patches import HELD_OUT, Patches, PatchSource

_N_BATCHES = 4  # Number of fixed batches.


@dataclass(frozen=True, eq=False)
class Batch:
    """Fixed patches, the values that estimates are compared with, and the index of the held-out pixels."""

    patches: Patches
    target: Tensor
    mask: Mask


@dataclass(frozen=True, eq=False)
class Validation:
    """Fixed batches of patches, drawn once for a run.

    Attributes
    ----------
    batches
        The patches with their held-out pixels.
    seed
        Seed of the replacements of hidden pixels, the same at every evaluation.
    """

    batches: tuple[Batch, ...]
    seed: int

    @classmethod
    def draw(cls, source: PatchSource, size: int, seed: int) -> Validation:
        """Draw batches of `size` patches of a training set."""
        chance = torch.Generator(source.device).manual_seed(seed + 2)
        patches = [source.draw(size, chance, augment=False) for _ in range(_N_BATCHES)]
        batches = [
            Batch(each, source.target(each, chance), (each.role == HELD_OUT).nonzero(as_tuple=True))
            for each in patches
        ]
        return cls(tuple(batches), seed + 3)

    def likelihood(self, method: Method) -> float:
        """Return the mean of −log p(held-out pixel | estimate), in nats per pixel."""
        host = torch.Generator().manual_seed(self.seed)
        with torch.no_grad():
            losses = [
                method(
                    batch.patches.noisy,
                    batch.target,
                    batch.patches.role == HELD_OUT,
                    batch.patches.channel,
                    host,
                    mask=batch.mask,
                ).likelihood
                for batch in self.batches
            ]
        return float(processes.mean(torch.stack(losses).mean()))

    def signal_range(self, method: Method, scalings: Sequence[Scaling]) -> list[list[float]]:
        """Return the 0.1th and 99.9th percentile of the estimated signal of each channel, in counts."""
        found = []
        with torch.no_grad():
            estimates = [
                (method.estimate(batch.patches.noisy).flatten(1), batch.patches.channel)
                for batch in self.batches
            ]
        for c, scaling in enumerate(scalings):
            values = torch.cat([e[channel == c].flatten() for e, channel in estimates]).cpu().numpy()
            ends = np.percentile(values, [0.1, 99.9]) if values.size else np.array([0.0, 1.0])
            found.append([float(v) for v in scaling.invert(ends)])
        return found

    def gate_start(self, method: Method) -> float:
        """Return the initial value of the gate: τ² / (τ² + σ²), limited to 0.03 … 0.7.

        The mean of (y − b)²/σ² over held-out pixels, which are hidden, is (τ² + σ²)/σ², with the measured variance σ².
        """
        host = torch.Generator().manual_seed(self.seed)
        squares = []
        with torch.no_grad():
            for batch in self.batches:
                hidden = method.blind.hide(batch.patches.noisy, batch.mask, host)
                blind = method.estimate(hidden, own=False)
                variance = method.measured_variance(blind, batch.patches.channel)
                squares.append(((batch.target - blind).square() / variance)[batch.mask])
            mean = float(torch.cat(squares).clamp(max=MAX_SQUARE).mean())
        return min(max(1 - 1 / max(mean, 1e-6), 0.03), 0.7)
