"""A package for the Model Zoo gives the same pixels as the model, in a program that does not have muguet."""

from __future__ import annotations

import ast
import dataclasses
import importlib.util
import sys
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
import yaml

from muguet import Denoiser, MuguetError
from muguet.export import About, Standalone, export_bioimageio, network
from muguet.export.documentation import CITATIONS
from muguet.image import Scaling
from muguet.pattern import Correction, Maps
from muguet.prediction import Blend
from muguet.recipes import Parts
from muguet.restoration import Net, Prediction

RNG = np.random.default_rng(0)
NOISE = 20.0  # Standard deviation of the noise of `recorded`, in counts.
MAX_DIFFERENCE = 1e-3  # As a share of the noise.


def model_of(parts: Parts, blend: Blend | None = None) -> Denoiser:
    """A model with random weights whose gate is open; every channel has its own scaling."""
    torch.manual_seed(0)
    method = parts.build().eval().requires_grad_(False)
    for name, module in method.net.named_modules():
        if name.split(".")[-1] == "out":  # The last layers of U-Nets start near zero.
            module.weight.mul_(100)
    method.open_gate(0.3)
    scalings = tuple(Scaling(100.0 + 50 * c, 60.0 + 30 * c) for c in range(parts.channels))
    training = {"signal_range": [[s.offset, s.offset + 3 * s.scale] for s in scalings], "steps": 7}
    return Denoiser(parts, method, scalings, (), training, (blend,) * parts.channels if blend else ())


def recorded(*shape: int) -> np.ndarray:
    return (200 + 100 * RNG.random(shape) + RNG.normal(0, NOISE, shape)).astype(np.float32)


def difference(model: Denoiser, function: Callable[[np.ndarray], np.ndarray], image: np.ndarray) -> float:
    """Largest difference of a function of ``(1, c, *space)`` from the model on one tile, as a share of the noise."""
    axes = "C" + "ZYX"[-model.parts.dimensions :]
    return float(np.abs(model(image, axes, symmetries=1) - function(image[None])[0]).max()) / NOISE


MIXED = Blend(0.5, 0.3, 0.2, 1.1)
CASES = {
    "filter bank": (Parts(prior="none"), None, (96, 80)),
    "correlated noise": (Parts(prior="none", reach=(0, 1)), None, (96, 80)),
    "published network": (Parts(net="unet", prior="none"), None, (64, 72)),
    "CARE": (Parts("care", prior="none"), None, (64, 72)),
    "Noise2Void": (Parts("noise2void", prior="none"), None, (64, 72)),
    "N2V2": (Parts("n2v2", prior="none"), None, (64, 72)),
    "Gaussian optics": (Parts("deconoising", prior="none", psf=0.8), None, (64, 72)),
    "optics of a kernel": (
        Parts("deconoising", prior="none", psf=((0.0, 1.0, 0.0), (1.0, 4.0, 2.0), (0.0, 1.0, 0.0))),
        None,
        (64, 72),
    ),
    "volume": (Parts(prior="none", dimensions=3), None, (18, 72, 80)),
    "blend of two channels": (Parts(prior="scenes", channels=2), MIXED, (72, 80)),
    "prior alone": (Parts(prior="scenes"), Blend(0.0, 1.0), (72, 80)),
}


VOLUME = pytest.param("volume", marks=pytest.mark.slow)


@pytest.mark.parametrize("case", [*(case for case in CASES if case != "volume"), VOLUME])
def test_the_network_of_one_file_gives_what_the_model_gives(tiny_prior: None, case: str) -> None:
    parts, blend, space = CASES[case]
    model = model_of(parts, blend)
    model.method.low_precision = False
    network = Standalone.of(model).network
    image = recorded(parts.channels, *space)
    assert np.std(model(image, "C" + "ZYX"[-len(space) :], symmetries=1)) > 1
    assert difference(model, lambda x: network(torch.from_numpy(x)).numpy(), image) < MAX_DIFFERENCE


def test_the_file_of_the_network_imports_only_pytorch_and_the_standard_library() -> None:
    tree = ast.parse(Path(network.__file__).read_text(encoding="utf-8"))
    found = {
        (name.name if isinstance(node, ast.Import) else node.module or "").split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in node.names
    }
    assert found <= {"torch", *sys.stdlib_module_names}


def test_a_network_of_the_users_own_is_refused() -> None:
    model = model_of(Parts(net="unet", prior="none"))

    class Own(Net):
        dims, stride, halo = 2, (1, 1), (0, 0)

        def forward(self, image: torch.Tensor) -> Prediction:
            return Prediction(image)

    model.method.net = Own()
    with pytest.raises(MuguetError, match="network Own, which is not part of muguet"):
        Standalone.of(model)


def test_a_model_with_maps_of_the_camera_is_refused() -> None:
    model = model_of(Parts(net="unet", prior="none"))
    corrected = dataclasses.replace(model, correction=Correction(maps=Maps.of(offset=np.ones((64, 72)))))
    with pytest.raises(MuguetError, match="maps of the camera, which a package does not hold"):
        Standalone.of(corrected)


def test_the_citations_are_those_of_the_repository() -> None:
    cited = yaml.safe_load((Path(__file__).parents[2] / "CITATION.cff").read_text(encoding="utf-8"))
    assert {doi for _, doi in CITATIONS} == {each["doi"] for each in cited["references"]}
    for text, doi in CITATIONS:
        (title,) = (each["title"] for each in cited["references"] if each["doi"] == doi)
        assert title in text


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bioimageio.spec", None)
    with pytest.raises(MuguetError, match=r"pip install 'muguet\[export\]'"):
        export_bioimageio(model_of(Parts(net="unet", prior="none")), tmp_path / "zoo.zip")
    assert not list(tmp_path.iterdir())


# ------------------------------------------------------- with the extra `export` and onnxruntime


@pytest.fixture
def spec() -> ModuleType:
    for name in ("onnx", "onnxscript", "onnxruntime", "bioimageio.spec"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pytest.importorskip(name, reason=f"the packages of the Model Zoo need {name}")
    return sys.modules["bioimageio.spec"]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", ["filter bank", "N2V2", VOLUME, "blend of two channels"])
def test_other_programs_get_the_same_pixels(
    spec: ModuleType, tiny_prior: None, tmp_path: Path, case: str
) -> None:
    import onnxruntime

    parts, blend, _ = CASES[case]
    model, path = model_of(parts, blend), tmp_path / "zoo.zip"
    model.method.low_precision = False
    exported = export_bioimageio(model, path, About("Cells (test)", ["A. Nonymous"], "CC-BY-4.0"))
    assert exported.difference < MAX_DIFFERENCE

    description = spec.load_description(path, format_version="latest")
    assert isinstance(description, spec.model.v0_5.ModelDescr), description
    assert description.validation_summary.status != "failed"
    assert str(description.license) == "CC-BY-4.0"

    folder = tmp_path / "unpacked"
    zipfile.ZipFile(path).extractall(folder)
    # Another size and another number of images than those of the export.
    (axes,) = ([a for a in each.axes if a.type == "space"] for each in description.inputs)
    images = recorded(3, parts.channels, *(axis.size.min + 2 * axis.size.step for axis in axes))
    session = onnxruntime.InferenceSession(folder / "weights.onnx", providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"noisy": images})
    for image, denoised in zip(images, found, strict=True):
        assert difference(model, lambda _, result=denoised: result[None], image) < MAX_DIFFERENCE

    before, after = (np.load(folder / f"test_{name}.npy") for name in ("input", "output"))
    (again,) = session.run(None, {"noisy": before})
    np.testing.assert_allclose(again, after, rtol=1e-4, atol=1e-3)

    architecture = description.weights.pytorch_state_dict.architecture
    module = importlib.util.module_from_spec(
        importlib.util.spec_from_file_location("network", folder / "network.py")
    )
    module.__spec__.loader.exec_module(module)
    plain = getattr(module, str(architecture.callable))(**architecture.kwargs).eval()
    plain.load_state_dict(torch.load(folder / "weights.pt", weights_only=True))
    with torch.inference_mode():
        np.testing.assert_allclose(plain(torch.from_numpy(before)).numpy(), after, rtol=1e-5, atol=1e-3)


@pytest.mark.filterwarnings("ignore")
def test_a_name_that_the_specification_refuses_is_an_error_of_one_sentence(
    spec: ModuleType, tmp_path: Path
) -> None:
    with pytest.raises(MuguetError, match="specification of the Model Zoo does not accept it: name"):
        export_bioimageio(model_of(Parts(net="unet", prior="none")), tmp_path / "zoo.zip", About("cells/one"))
    assert not list(tmp_path.iterdir())


@pytest.mark.filterwarnings("ignore")
def test_counts_that_float32_cannot_hold_are_refused(spec: ModuleType, tmp_path: Path) -> None:
    model = model_of(Parts(net="unet", prior="none"))
    wide = Denoiser(model.parts, model.method, (Scaling(1e9, 10.0),))
    with pytest.raises(MuguetError, match="subtract a constant from the images"):
        export_bioimageio(wide, tmp_path / "zoo.zip")
