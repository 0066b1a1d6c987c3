"""Numerical methods that several laws need: roots and quantiles by bisection, Gauss and Legendre's quadrature."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from muguet.errors import MuguetError

# The bracket of a quantile is doubled at most this often: 10⁷ standard deviations, further than any law here needs.
_MAX_DOUBLINGS = 24
_MAX_HALVINGS = 100
_TOLERANCE = 1e-13  # A quantile's bracket is narrow enough at this part of its first width.
_CROSSING_HALVINGS = 40  # These leave 10⁻¹² of the first bracket.
_EXTREME = 1e70  # Fourth powers of larger values, and of values below the inverse, are no numbers in float64.


def extreme(values: npt.ArrayLike) -> bool:
    """Return whether the squares of most finite values overflow or underflow, so that their variance is unknown."""
    array = np.asarray(values, dtype=np.float64)
    sizes = np.abs(array[np.isfinite(array) & (array != 0)])
    return sizes.size > 0 and not 1 / _EXTREME < float(np.median(sizes)) < _EXTREME


def require_moderate(values: npt.ArrayLike) -> None:
    """Raise a MuguetError if values are `extreme`."""
    if extreme(values):
        raise MuguetError(
            "the noise of such large or small values cannot be measured, as their squares are no numbers: multiply the "
            "images by one factor that brings their values near 1"
        )


def power_of_two(*arrays: npt.NDArray[np.float64]) -> int:
    """Return k such that the largest finite absolute value of all arrays is 2ᵏ to 2ᵏ⁺¹; 0 if there is none."""
    largest = max(float(np.abs(each).max(initial=0.0, where=np.isfinite(each))) for each in arrays)
    return int(np.frexp(largest)[1]) - 1 if largest > 0 else 0


def quantile(cdf: Callable[[Tensor], Tensor], centre: Tensor, width: Tensor, p: Tensor) -> Tensor:
    """Return the value y with cdf(y) = p, by bisection; −∞ for p = 0, ∞ for p = 1, NaN outside [0, 1].

    Parameters
    ----------
    cdf
        A function that never falls, of values of the broadcast shape below.
    centre, width
        Middle and half width of the first bracket, such as a mean and a standard deviation.
    p
        Probabilities. The three shapes broadcast; the result is in float64.
    """
    shape = (p + centre + width).shape
    p, centre, width = (part.double().expand(shape) for part in (p, centre, width))
    inside = (p > 0) & (p < 1)
    target = torch.where(inside, p, 0.5)
    low, high = centre - width, centre + width
    reach = width
    for _ in range(_MAX_DOUBLINGS):
        over, under = cdf(low) > target, cdf(high) < target
        if not bool((over | under).any()):
            break
        reach = 2 * reach
        low, high = torch.where(over, centre - reach, low), torch.where(under, centre + reach, high)
    for _ in range(_MAX_HALVINGS):
        middle = 0.5 * (low + high)
        under = cdf(middle) < target
        low, high = torch.where(under, middle, low), torch.where(under, high, middle)
        if bool((high - low <= _TOLERANCE * width).all()):
            break
    value = 0.5 * (low + high)
    value = torch.where(p == 0, -math.inf, torch.where(p == 1, math.inf, value))
    return value.masked_fill(~((p >= 0) & (p <= 1)), math.nan)


def crossing(function: Callable[[Tensor], Tensor], outside: Tensor, inside: Tensor) -> Tensor:
    """Return the place where a function falls to zero, by bisection between two ends.

    Parameters
    ----------
    function
        A function of values of the ends' shape, with one change of sign between the ends at most.
    outside, inside
        The end at which the function is below zero, and the one at which it is above. If it is above zero everywhere
        between them, the result is `outside`; if it is below zero everywhere, `inside`.
    """
    for _ in range(_CROSSING_HALVINGS):
        middle = 0.5 * (outside + inside)
        above = function(middle) > 0
        inside, outside = torch.where(above, middle, inside), torch.where(above, outside, middle)
    return outside


def gauss_legendre(start: Tensor, stop: Tensor, order: int) -> tuple[Tensor, Tensor]:
    """Return nodes and weights ``(*start.shape, order)`` of Gauss and Legendre's rule between two ends.

    ∫ f from start to stop is Σ weight · f(node), exact for polynomials of degree 2 · order − 1.
    """
    nodes, weights = (torch.as_tensor(part).to(start) for part in np.polynomial.legendre.leggauss(order))
    half = 0.5 * (stop - start).unsqueeze(-1)
    return start.unsqueeze(-1) + half * (1 + nodes), half * weights


def window_sums(planes: npt.NDArray[np.float64], box: int) -> npt.NDArray[np.float64]:
    """Return sums over all windows of box×box pixels of planes ``(..., Y, X)``; NaN where a pixel of a window is.

    Returns
    -------
    numpy.ndarray
        ``(..., Y − box + 1, X − box + 1)``, empty along both axes for planes smaller than a window.
    """
    if min(planes.shape[-2:]) < box:
        return np.empty((*planes.shape[:-2], 0, 0))
    for axis in (-2, -1):
        planes = np.lib.stride_tricks.sliding_window_view(planes, box, axis=axis).sum(-1)
    return planes
