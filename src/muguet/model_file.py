"""Model files: reading a denoiser that this version or an earlier one has written with `Denoiser.save`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from muguet.denoiser import Denoiser
from muguet.errors import MuguetError
from muguet.image.scaling import Scaling
from muguet.noise.transfer.curve import MeanVariance
from muguet.prediction.blend import Blend
from muguet.prediction.error_scale import ErrorScale
from muguet.recipes.parts import Parts
from muguet.restoration.memory_format import kernels_channels_last
from muguet.system import tensor_file
from muguet.system.device import find_device
from muguet.system.memory import keep_freed_memory


def load(path: str | Path, device: str = "auto") -> Denoiser:
    """Read a denoiser from a file that `Denoiser.save` has written.

    Parameters
    ----------
    path
        The model file.
    device
        "auto" (a GPU if there is one), "cpu", "cuda" or "cuda:1".

    Raises
    ------
    MuguetError
        If the file is missing, damaged or not a model file, its recipe is not installed, or the device does not exist.
    """
    place = find_device(device)
    keep_freed_memory()
    tensors, header = tensor_file.read(Path(path), "model")
    try:
        parts = Parts.of(header)
        scalings = tuple(Scaling(**each) for each in header["scalings"])
        transfers = tuple(each and MeanVariance.of(each) for each in header.get("transfers", ()))
        blends = tuple(Blend.of(each) for each in header.get("blends", ()))
        scales = tuple(ErrorScale.of(each) for each in header.get("error_scales", ()))
        method = parts.build()
        method.load_state_dict(
            {name: torch.from_numpy(value) for name, value in _renamed(tensors, header).items()}
        )
    except (KeyError, TypeError, RuntimeError) as error:
        raise MuguetError(f"{path} does not hold a complete model: save or train it again") from error
    kernels_channels_last(method.eval().requires_grad_(False))
    return Denoiser(parts, method, scalings, transfers, header["training"], blends, scales).to(place)


def _renamed(
    tensors: Mapping[str, npt.NDArray[np.generic]], header: Mapping[str, Any]
) -> dict[str, npt.NDArray[np.generic]]:
    """The tensors under their current names: in format 3 the state of the gate was a tensor of the network."""
    found = dict(tensors)
    if header["format"] == 3:
        found["gate_open"] = found.pop("net.sighted", np.zeros((), np.float32))
        found.pop("net.net.sighted", None)
    return found
