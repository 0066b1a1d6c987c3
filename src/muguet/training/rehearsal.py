"""How long a training step and an estimate take on this machine, from a few trials."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from muguet.method import Method
from muguet.system import processes
from muguet.system.device import seconds_on
from muguet.training.patches import TARGET, PatchSource

_TRIALS = 3
_STEP = 1.2  # A step takes as much longer than its loss and gradient.
_OVERLAP = 1.5  # Tiles are computed with their halo, so that pixels are computed 1.5 times.


def rehearse(
    method: Method, source: PatchSource, parameters: Sequence[Tensor], batch: int
) -> tuple[float, float]:
    """Return the time of a training step and of one estimate of a pixel, in seconds; nothing is learned.

    Parameters
    ----------
    method, source
        The method and the training set.
    parameters
        The tensors that are learned.
    batch
        Number of patches in a step, of which each process computes its part.
    """
    device = parameters[0].device
    chance, host = torch.Generator(device).manual_seed(0), torch.Generator().manual_seed(0)
    share = processes.rows(batch)
    patches = source.draw(share.stop - share.start, chance, augment=False)
    weight = patches.role == TARGET
    times: list[tuple[float, float]] = []
    for _ in range(_TRIALS):
        started = seconds_on(device)
        with processes.alone():  # The other processes do not rehearse.
            loss = method(patches.noisy, patches.noisy, weight, patches.channel, host).total
        torch.autograd.grad(loss, parameters, allow_unused=True)
        stepped = seconds_on(device)
        with torch.inference_mode():
            method.estimate(patches.noisy, own=False)
        times.append((stepped - started, seconds_on(device) - stepped))
    step, forward = (min(each) for each in zip(*times, strict=True))
    return _STEP * step, _OVERLAP * forward / patches.noisy.numel()
