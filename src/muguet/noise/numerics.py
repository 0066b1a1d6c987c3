"""Quantiles of any distribution that has a cumulative distribution function."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

_DOUBLINGS = (
    24  # of the bracket: no law here has a quantile 10⁷ standard deviations off that a float can tell
)
_HALVINGS = 100
_CLOSE = 1e-13  # of the bracket's first width


def quantile(cdf: Callable[[Tensor], Tensor], centre: Tensor, width: Tensor, p: Tensor) -> Tensor:
    """The value y with cdf(y) = p, by bisection; −∞ for p = 0, ∞ for p = 1, NaN outside [0, 1].

    Parameters
    ----------
    cdf
        A function that never falls, of values of the broadcast shape below.
    centre, width
        Where to begin, and how far to look at first: a mean and a standard deviation.
    p
        Probabilities. The three shapes broadcast; the result is in float64.
    """
    shape = (p + centre + width).shape
    p, centre, width = (part.double().expand(shape) for part in (p, centre, width))
    inside = (p > 0) & (p < 1)
    target = torch.where(inside, p, 0.5)
    low, high = centre - width, centre + width
    reach = width
    for _ in range(_DOUBLINGS):
        over, under = cdf(low) > target, cdf(high) < target
        if not bool((over | under).any()):
            break
        reach = 2 * reach
        low, high = torch.where(over, centre - reach, low), torch.where(under, centre + reach, high)
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        under = cdf(middle) < target
        low, high = torch.where(under, middle, low), torch.where(under, high, middle)
        if bool((high - low <= _CLOSE * width).all()):
            break
    value = 0.5 * (low + high)
    value = torch.where(p == 0, -math.inf, torch.where(p == 1, math.inf, value))
    return value.masked_fill(~((p >= 0) & (p <= 1)), math.nan)
