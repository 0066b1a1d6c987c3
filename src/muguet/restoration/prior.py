"""The prior: a network that was trained on procedural scenes, and denoises images before it learns anything of them."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import torch

from muguet.errors import MuguetError
from muguet.restoration.filterbank import FilterBankNet
from muguet.restoration.stabilised import LEVEL, UNIT, Stabilised

BRIGHTEST = 400.0
"""Effective photo-electrons above which the prior treats all levels alike, as Poisson noise is then Gaussian."""


SCENES = "scenes"
"""The prior that was trained on procedural scenes."""

PRIORS = {SCENES: "prior.safetensors"}
"""File of the weights of each prior in this package."""


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


def load_prior(name: str = SCENES, predicts_error: bool = True) -> Stabilised:
    """Return a prior with its weights.

    Parameters
    ----------
    name
        A name of `PRIORS`, whose weights the package ships, or the path of a safetensors file that `studies/prior.py`
        has written.
    predicts_error
        Whether it predicts the variance of its error.

    Raises
    ------
    MuguetError
        If there is no such prior, or the file does not hold the weights of one.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        weights = load(_bytes(name))
        with torch.random.fork_rng(
            devices=[]
        ):  # Random weights must not change the state of the global generator.
            net = prior_net(predicts_error=predicts_error)
        kept = net.state_dict()
        net.load_state_dict({key: value.float() for key, value in weights.items() if key in kept})
    except (SafetensorError, RuntimeError, ValueError) as error:
        raise MuguetError(
            f"{name} does not hold the weights of a prior: give a file of studies/prior.py"
        ) from error
    return net


def _bytes(name: str) -> bytes:
    """The content of the file of a prior."""
    if name in PRIORS:
        return files("muguet.restoration").joinpath(PRIORS[name]).read_bytes()
    if not Path(name).is_file():
        raise MuguetError(
            f"the prior {name} is not known: choose {', '.join(PRIORS)} or none, or give a safetensors file"
        )
    return Path(name).read_bytes()
