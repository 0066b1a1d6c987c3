"""A package of the BioImage Model Zoo: the network as ONNX and for PyTorch, a test image, a cover and documentation."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import torch

from muguet.denoiser.denoiser import Denoiser
from muguet.errors import MuguetError
from muguet.export.documentation import CITATIONS, documentation
from muguet.export.example import Image, cover, test_image
from muguet.export.graph import INPUT, OUTPUT, write_onnx
from muguet.export.packages import check_packages
from muguet.export.standalone import Standalone
from muguet.system.atomic import replacing
from muguet.version import __version__

UNNAMED = "not named"
"""The author of a package for which none was given."""

MAX_DIFFERENCE = 1e-3
"""Largest accepted difference between a package and its model, as a share of the noise."""

_TORCH = "2.4.0"  # The one-file network uses nothing that is newer.


@dataclass(frozen=True)
class About:
    """What the Model Zoo shows of a model.

    Attributes
    ----------
    name
        Letters, digits, spaces, ``_ - ( )``; up to 64 characters.
    authors
        Names of those who made the model.
    licence
        SPDX identifier of the licence under which the model may be used.
    """

    name: str = "Denoiser of muguet"
    authors: Sequence[str] = (UNNAMED,)
    licence: str = "BSD-3-Clause"


@dataclass(frozen=True)
class Exported:
    """A package that was written.

    Attributes
    ----------
    path
        The file.
    sizes
        The sizes of images that it accepts, in words.
    difference
        Largest difference between the package and the model on the test image, as a share of the noise.
    """

    path: Path
    sizes: str
    difference: float


def export_bioimageio(model: Denoiser, path: str | Path, about: About | None = None) -> Exported:
    """Write a model as a package of the BioImage Model Zoo, of the specification 0.5.

    The network takes and returns camera counts, and gives what ``model(image, symmetries=1)`` gives on an image of one
    tile: the mean of the trained network, the prior and the blur with the weights of the model.

    Parameters
    ----------
    model
        The trained model.
    path
        The zip file to write.
    about
        Name, authors and licence.

    Raises
    ------
    MuguetError
        If a package that this needs is not installed, the network is not one of muguet, float32 cannot hold the counts,
        the specification does not accept the name or the licence, or the file cannot be written.
    """
    spec = _specification()
    about, path = about or About(), Path(path)
    standalone = Standalone.of(model)
    # A tile that is cut by its halo on both sides must not be empty.
    smallest = [2 * far + step for far, step in zip(standalone.halo, standalone.stride, strict=True)]
    noisy = test_image(model, tuple(smallest), standalone.stride)
    with torch.inference_mode():
        denoised: Image = standalone.network(torch.from_numpy(noisy)).numpy()
    sizes = _sizes(smallest, standalone.stride)
    difference = _difference(model, noisy, denoised)
    if not difference < MAX_DIFFERENCE:
        counts = ", ".join(f"{each.offset:.10g} ± {each.scale:.3g}" for each in model.scalings)
        raise MuguetError(
            f"a package has float32 numbers, in which the result differs from that of the model by {difference:.2g} of "
            f"the noise at counts of {counts}: subtract a constant from the images and train again"
        )
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        np.save(folder / "test_input.npy", noisy)
        np.save(folder / "test_output.npy", denoised)
        (folder / "cover.png").write_bytes(cover(noisy, denoised))
        text = documentation(model, about.name, sizes, difference)
        (folder / "documentation.md").write_text(text, encoding="utf-8")
        (folder / "network.py").write_bytes(files("muguet.export").joinpath("network.py").read_bytes())
        torch.save(standalone.network.state_dict(), folder / "weights.pt")
        opset = write_onnx(standalone, model.parts.channels, folder / "weights.onnx")
        packed = folder / "package.zip"
        try:
            spec.save_bioimageio_package(
                _description(spec, model, about, standalone, smallest, opset, folder), output_path=packed
            )
        except ValueError as error:  # Also those of pydantic.
            raise MuguetError(
                f"{path}: the specification of the Model Zoo does not accept it: {_first(error)}"
            ) from error
        with replacing(path, "zoo") as file:
            file.write(packed.read_bytes())
    return Exported(path, sizes, difference)


def _specification() -> Any:
    """Return the module bioimageio.spec, which then writes no messages of its own."""
    check_packages()
    import bioimageio.spec
    import loguru

    loguru.logger.disable("bioimageio")
    return bioimageio.spec


def _first(error: ValueError) -> str:
    """Return the first problem of an error in one line."""
    from pydantic import ValidationError

    if isinstance(error, ValidationError):
        problem = error.errors()[0]
        return f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}"
    return " ".join(str(error).split())


def _sizes(smallest: Sequence[int], stride: Sequence[int]) -> str:
    """Return the sizes that the network accepts, in words."""
    letters = "ZYX"[-len(stride) :]
    each = [
        f"{low} + {step} n along {letter}"
        for letter, low, step in zip(letters, smallest, stride, strict=True)
    ]
    return f"Sizes in pixels are {', '.join(each[:-1])} and {each[-1]}, with n = 0, 1, 2 and so on."


def _difference(model: Denoiser, noisy: Image, denoised: Image) -> float:
    """Return the largest difference from the model in float32, as a share of the noise."""
    low_precision, model.method.low_precision = model.method.low_precision, False
    try:
        largest = 0.0
        for channel in range(model.parts.channels):
            own = model.denoise_plane(noisy[0, channel], channel, symmetries=1)
            noise = float(np.std(noisy[0, channel] - own))
            largest = max(largest, float(np.abs(own - denoised[0, channel]).max()) / max(noise, 1e-30))
    finally:
        model.method.low_precision = low_precision
    return largest


def _description(
    spec: Any,
    model: Denoiser,
    about: About,
    standalone: Standalone,
    smallest: Sequence[int],
    opset: int,
    folder: Path,
) -> Any:
    """Return the description of the package, which the specification checks."""
    v = spec.model.v0_5
    letters = "zyx"[-model.parts.dimensions :]
    names = [f"channel{number}" for number in range(model.parts.channels)]
    space_in = [
        v.SpaceInputAxis(id=letter, size=v.ParameterizedSize(min=low, step=step), concatenable=True)
        for letter, low, step in zip(letters, smallest, standalone.stride, strict=True)
    ]
    space_out = [
        v.SpaceOutputAxisWithHalo(id=letter, size=v.SizeReference(tensor_id=INPUT, axis_id=letter), halo=far)
        for letter, far in zip(letters, standalone.halo, strict=True)
    ]

    def file(name: str) -> Any:
        return v.FileDescr(source=folder / name)

    def counts() -> Any:
        return v.IntervalOrRatioDataDescr(type="float32")

    return v.ModelDescr(
        name=about.name,
        description="Removes noise from microscope images; trained on noisy images alone, with muguet.",
        authors=[v.Author(name=each) for each in about.authors],
        cite=[v.CiteEntry(text=text, doi=doi) for text, doi in CITATIONS],
        license=about.licence,
        documentation=file("documentation.md"),
        covers=[file("cover.png")],
        tags=[
            "denoising",
            "self-supervised",
            "image-restoration",
            f"{model.parts.dimensions}d",
            "muguet",
            "pytorch",
        ],
        version="0.1.0",
        inputs=[
            v.InputTensorDescr(
                id=INPUT,
                description="Recorded image in camera counts.",
                axes=[v.BatchAxis(), v.ChannelAxis(channel_names=names), *space_in],
                data=counts(),
                test_tensor=file("test_input.npy"),
            )
        ],
        outputs=[
            v.OutputTensorDescr(
                id=OUTPUT,
                description="Denoised image in camera counts.",
                axes=[v.BatchAxis(), v.ChannelAxis(channel_names=names), *space_out],
                data=counts(),
                test_tensor=file("test_output.npy"),
            )
        ],
        weights=v.WeightsDescr(
            pytorch_state_dict=v.PytorchStateDictWeightsDescr(
                source=folder / "weights.pt",
                pytorch_version=_TORCH,
                architecture=v.ArchitectureFromFileDescr(
                    source=folder / "network.py", callable="Muguet", kwargs=standalone.arguments
                ),
            ),
            onnx=v.OnnxWeightsDescr(
                source=folder / "weights.onnx", opset_version=opset, parent="pytorch_state_dict"
            ),
        ),
        config=v.Config(**{"muguet": {"version": __version__, "recipe": model.parts.recipe}}),
    )
