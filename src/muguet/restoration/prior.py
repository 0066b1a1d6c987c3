"""The prior: a network that was trained on procedural scenes, and denoises images before it learns anything of them."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from muguet.errors import MuguetError
from muguet.restoration.filterbank import FilterBankNet
from muguet.restoration.stabilised import LEVEL, UNIT, Stabilised
from muguet.system import tensor_file

BRIGHTEST = 400.0
"""Effective photo-electrons above which the prior treats all levels alike, as Poisson noise is then Gaussian."""


SCENES = "scenes"
"""The prior that was trained on procedural scenes."""

PRIORS = {SCENES: "prior.safetensors"}
"""File of the weights of each prior in this package."""

_MAX_BYTES = 2**28  # A file is read as a whole; that of the package has less than a megabyte.


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
    # Random weights must not change the state of the global generator.
    with torch.random.fork_rng(devices=[]):
        net = prior_net(predicts_error=predicts_error)
    expected = {key: value.numpy() for key, value in net.state_dict().items()}
    tensors = {key: value for key, value in _weights(name).items() if key in expected}
    tensor_file.check_tensors(name, "prior", tensors, expected)
    net.load_state_dict({key: torch.from_numpy(value) for key, value in tensors.items()})
    return net


def _weights(name: str) -> dict[str, npt.NDArray[np.float32]]:
    """The weights in the file of a prior, which may hold them in half precision."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        weights = {key: value.astype(np.float32) for key, value in load(_bytes(name)).items()}
    except (SafetensorError, KeyError, TypeError, ValueError):
        tensor_file.refuse(name, "prior", "it is no safetensors file of real numbers")
    for key, value in weights.items():
        if not tensor_file.is_finite(value):
            tensor_file.refuse(name, "prior", f"the tensor {key} holds numbers that are not finite")
    return weights


def _bytes(name: str) -> bytes:
    """The content of the file of a prior."""
    if name in PRIORS:
        return files("muguet.restoration").joinpath(PRIORS[name]).read_bytes()
    if not Path(name).is_file():
        raise MuguetError(
            f"the prior {name} is not known: choose {', '.join(PRIORS)} or none, or give a safetensors file"
        )
    if Path(name).stat().st_size > _MAX_BYTES:
        tensor_file.refuse(name, "prior", "it is larger than a prior can be")
    return Path(name).read_bytes()
