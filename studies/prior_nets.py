"""The networks of the two priors, as they are before training."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from prior_patches import SIGHTED, Recipe
from torch import Tensor

from muguet.restoration import FilterBankNet

LEVEL, UNIT = 10.0, 3.0  # the sighted network sees (z − LEVEL) / UNIT


class Stabilised(FilterBankNet):
    """The network of the sighted prior: image and estimate are z of the Anscombe transform."""

    def forward(self, image: Tensor, sighted: Tensor | float | None = None) -> Tensor:
        """Estimate of the transform of the clean signal, ``(b, 1, y, x)``."""
        return super().forward((image - LEVEL) / UNIT, sighted) * UNIT + LEVEL


def build(recipe: Recipe, start: Mapping[str, Tensor] | None = None) -> FilterBankNet:
    """The network with the weights that training starts from: random, or those of another prior without its gate."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        net = (Stabilised if recipe.kind == SIGHTED else FilterBankNet)(2, recipe.widths)
    if start is not None:
        gate = ("gate.", "sighted")
        net.load_state_dict({k: v.float() for k, v in start.items() if not k.startswith(gate)}, strict=False)
    if recipe.kind == SIGHTED:
        net.open_gate(0.3)
    for weight in net.parameters():
        if weight.ndim == 4:
            weight.data = weight.data.contiguous(memory_format=torch.channels_last)
    return net
