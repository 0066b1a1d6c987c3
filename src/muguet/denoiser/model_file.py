"""Model files: reading a denoiser that this version or an earlier one has written with `Denoiser.save`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from msgspec.structs import asdict

from muguet.denoiser.denoiser import Denoiser
from muguet.denoiser.model import MAPS, arrays_of
from muguet.errors import MuguetError
from muguet.headers import Curve, KernelRecord, ModelHeader, WhiteningRecord
from muguet.image.scaling import Scaling
from muguet.method import Method
from muguet.noise.correlated.whitening import Whitening
from muguet.noise.kernel import Kernel
from muguet.noise.transfer.curve import MeanVariance
from muguet.pattern.correction import Correction
from muguet.pattern.maps import Maps
from muguet.prediction.blend import Blend
from muguet.prediction.error_scale import ErrorScale
from muguet.recipes.find import find_recipe
from muguet.recipes.parts import Parts
from muguet.restoration.memory_format import kernels_channels_last
from muguet.system import tensor_file
from muguet.system.device import find_device
from muguet.system.memory import keep_freed_memory

_ID_LENGTH = (
    16  # Hexadecimal digits: of 10⁹ models, no two have the same identifier with a probability of 97 %.
)


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
        If the file is missing, damaged, not a model file or inconsistent, its recipe is not installed, or the device
        does not exist.
    """
    place, path = find_device(device), Path(path)
    keep_freed_memory()
    tensors, header = tensor_file.read(path, "model", ModelHeader)
    tensors = _renamed(tensors, header.format)
    correction = Correction(header.lines, _maps(path, tensors, header))
    tensors = {name: value for name, value in tensors.items() if not name.startswith(MAPS)}
    parts = Parts.of(header)
    method = _built(path, parts, tensors)
    method.load_state_dict({name: torch.from_numpy(value) for name, value in tensors.items()})
    kernels_channels_last(method.eval().requires_grad_(False))
    if method.learns_law and not header.training.get("signal_range"):
        # A model that was not made by a training: from the background to the 95th percentile of its images.
        ends = [[each.offset, each.offset + each.scale] for each in header.scalings]
        header.training["signal_range"] = ends
    model = Denoiser(
        parts,
        method,
        tuple(Scaling(each.offset, each.scale) for each in header.scalings),
        tuple(None if each is None else _curve(each) for each in header.transfers),
        header.training,
        tuple(Blend.of(asdict(each)) for each in header.blends),
        tuple(ErrorScale.of(asdict(each)) for each in header.error_scales),
        tuple(None if each is None else _whitening(each) for each in header.whitenings),
        correction,
        tuple(None if each is None else _kernel(each) for each in header.correlations),
    )
    model.to(place)
    _check_numbers(path, model)
    return model


def _maps(path: Path, tensors: tensor_file.Tensors, header: ModelHeader) -> Maps:
    """The maps of the camera in a file, which are those that its header names."""
    given = {name.removeprefix(MAPS): value for name, value in tensors.items() if name.startswith(MAPS)}
    if given.keys() != header.maps.keys():
        tensor_file.refuse(path, "model", "it lacks maps of the camera, or has others than its header names")
    try:
        return Maps.of(**given)
    except MuguetError as error:
        tensor_file.refuse(path, "model", str(error))


def _curve(curve: Curve) -> MeanVariance:
    return MeanVariance.of({name: values for name, values in asdict(curve).items() if values is not None})


def _whitening(record: WhiteningRecord) -> Whitening:
    return Whitening(_kernel(record.kernel), record.slope, record.constant, record.least, record.clear)


def _kernel(record: KernelRecord) -> Kernel:
    return Kernel.of(asdict(record))


def _built(path: Path, parts: Parts, tensors: tensor_file.Tensors) -> Method:
    """The method of a file, whose tensors are those of the file in name, shape and data type."""
    try:
        n_laws = len({name.split(".")[1] for name in tensors if name.startswith("laws.")})
        if find_recipe(parts.recipe).learns_law and n_laws != parts.channels:
            tensor_file.refuse(path, "model", f"it has {n_laws} noise laws for {parts.channels} channels")
        method = parts.build()
    except MuguetError as error:
        raise MuguetError(str(error) if str(path) in str(error) else f"{path}: {error}") from error
    tensor_file.check_tensors(path, "model", tensors, arrays_of(method))
    return method


def _check_numbers(path: Path, model: Denoiser) -> None:
    """Raise an error if the numbers of a model are finite, and those that it computes are not."""
    if any(blend.prior for blend in model.blends) and model.method.prior is None:
        tensor_file.refuse(path, "model", "its estimate needs a prior, and it has none")
    if not model.method.learns_law:
        return
    for law, (low, high) in zip(model.laws, model.training["signal_range"], strict=True):
        std = law.std(np.linspace(low, high, 5))
        if not (np.isfinite(std).all() and (std > 0).all()):
            tensor_file.refuse(path, "model", "its noise law has no standard deviation")


def _renamed(tensors: Mapping[str, npt.NDArray[np.generic]], file_format: int) -> tensor_file.Tensors:
    """The tensors under their current names: in format 3 the state of the gate was a tensor of the network."""
    found = dict(tensors)
    if file_format == 3:
        found["gate_open"] = found.pop("net.sighted", np.zeros((), np.float32))
        found.pop("net.net.sighted", None)
    return found


def model_id(denoiser: Denoiser) -> str:
    """Return a short hash of all that determines the results of a model: parts, weights and scalings.

    The duration of its training and the names of its images do not count, so that two equal runs have one identifier.
    """
    header = {name: value for name, value in denoiser.header().items() if name != "training"}
    found = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
    for name, value in sorted(denoiser.method.state_dict().items()):
        array = value.detach().cpu().contiguous().numpy()
        found.update(f"{name} {array.dtype} {array.shape}".encode())
        found.update(array.tobytes())
    return found.hexdigest()[:_ID_LENGTH]
