"""The prior: a network that was trained on procedural scenes, and denoises images before it learns anything of them."""

from __future__ import annotations

from muguet.restoration.filterbank import FilterBankNet
from muguet.restoration.stabilised import LEVEL, UNIT, Stabilised

BRIGHTEST = 400.0
"""Effective photo-electrons above which the prior treats all levels alike, as Poisson noise is then Gaussian."""


def prior_net(widths: tuple[int, ...] = (32, 64, 96), predicts_error: bool = True) -> Stabilised:
    """Return the network of the prior, for planes, with random weights.

    Parameters
    ----------
    widths
        Number of channels of each level.
    predicts_error
        Whether it predicts the variance of its error.
    """
    brightest = (2 * BRIGHTEST**0.5 - LEVEL) / UNIT
    return Stabilised(FilterBankNet(2, widths, brightest=brightest, predicts_error=predicts_error))
