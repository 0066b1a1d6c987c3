"""The networks of the two priors, as they are before training."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from prior_patches import SIGHTED, Recipe
from torch import Tensor

from muguet.restoration import FilterBankNet

LEVEL, UNIT = 10.0, 3.0  # the sighted network sees (z − LEVEL) / UNIT


def sighted_estimate(net: FilterBankNet, z: Tensor) -> Tensor:
    """The transform of the clean signal, ``(b, 1, y, x)``, from that of the noisy one: the sighted prior."""
    units = (z - LEVEL) / UNIT
    found = net(units)
    assert found.gate is not None
    return (found.blind + found.gate * (units - found.blind)) * UNIT + LEVEL


def build(recipe: Recipe, start: Mapping[str, Tensor] | None = None) -> FilterBankNet:
    """The network with the weights that training starts from: random, or those of another prior without its gate."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        net = FilterBankNet(2, recipe.widths)
    if start is not None:
        ungated = {name: each.float() for name, each in start.items() if not name.startswith("gate.")}
        net.load_state_dict(ungated, strict=False)
    if recipe.kind == SIGHTED:
        net.open_gate(0.3)
    for weight in net.parameters():
        if weight.ndim == 4:
            weight.data = weight.data.contiguous(memory_format=torch.channels_last)
    return net
