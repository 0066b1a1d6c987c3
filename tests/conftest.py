"""What several rooms of tests share."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from pathlib import Path

# One thread for each test process, and threads that sleep while they wait: others have the cores.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OMP_WAIT_POLICY"] = "PASSIVE"

import numpy as np
import pytest


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real images: $MUGUET_DATA, or the one beside the repository."""
    folder = Path(os.environ.get("MUGUET_DATA") or Path(__file__).parents[2] / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there: set MUGUET_DATA to the folder of the real images")
    return folder


def blobs(size: int = 96, seed: int = 0, brightest: float = 200.0) -> np.ndarray:
    """Smooth bright spots of many sizes on a dark ground, in photons."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size]
    image = np.full((size, size), 10.0)
    for _ in range(size // 3):
        at, width, height = rng.uniform(0, size, 2), rng.uniform(2, 8), rng.uniform(0.1, 0.5)
        image += brightest * height * np.exp(-((y - at[0]) ** 2 + (x - at[1]) ** 2) / (2 * width**2))
    return image


def recorded(photons: np.ndarray, seed: int = 0) -> np.ndarray:
    """Photons as a camera records them: Poisson, 2 counts a photon, read noise of 4 counts, offset 100."""
    rng = np.random.default_rng(seed)
    counts = 100 + 2 * rng.poisson(photons) + rng.normal(0, 4, photons.shape)
    return np.clip(np.rint(counts), 0, 65535).astype(np.uint16)


@pytest.fixture(scope="session")
def clean() -> np.ndarray:
    """128×128 pixels of signal, in counts of the camera in `recorded`."""
    return 100 + 2 * blobs(128)


@pytest.fixture(scope="session")
def noisy(clean: np.ndarray) -> np.ndarray:
    """`clean` as it is recorded; its noise has the variance 2 (clean − 100) + 16."""
    return recorded((clean - 100) / 2)


@pytest.fixture
def tiny_prior(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the prior by a small network with random weights, for time."""
    import torch

    from muguet.recipes import parts
    from muguet.restoration import FilterBankNet, Stabilised
    from muguet.training import prior_start

    def build(predicts_error: bool = True) -> Stabilised:
        net = Stabilised(FilterBankNet(2, (8, 8), brightest=10.0, predicts_error=predicts_error))
        net.open_gate(0.3)
        return net

    def load(name: str) -> Stabilised:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return build()

    monkeypatch.setattr(parts, "prior_net", build)
    monkeypatch.setattr(prior_start, "load_prior", load)


def make_nets_small(patch: pytest.MonkeyPatch) -> None:
    """Replace the networks of the published methods by those of few channels and a small halo, for time."""
    from muguet import recipes
    from muguet.restoration import CareUNet, FilterBankNet, UNet

    def care(dims: int) -> CareUNet:
        return CareUNet(dims, residual=True, width=4)

    def n2v2(dims: int) -> CareUNet:
        return CareUNet(dims, blur_pool=True, top_skip=False, width=4)

    patch.setitem(recipes.NETS, "filterbank", lambda dims, reach: FilterBankNet(dims, (8, 8), reach))
    patch.setitem(recipes.NETS, "unet", lambda dims, reach: UNet(dims, 8, 4 - dims))
    patch.setitem(recipes.NETS, "care", lambda dims, reach: care(dims))
    patch.setitem(recipes.NETS, "n2v2", lambda dims, reach: n2v2(dims))


@pytest.fixture
def small_nets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use networks of few channels in a test."""
    make_nets_small(monkeypatch)


@pytest.fixture(scope="module")
def small_nets_of_module() -> Iterator[None]:
    """Use networks of few channels in all tests of a module, and in models that they share."""
    with pytest.MonkeyPatch.context() as patch:
        make_nets_small(patch)
        yield


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take two small patches in each step instead of sixteen, and one batch for validation, for time."""
    from muguet.training import Plan, fitting, session, validation

    monkeypatch.setattr(fitting, "Plan", functools.partial(Plan, batch=2))
    monkeypatch.setattr(validation, "_N_BATCHES", 1)
    monkeypatch.setattr(session, "PATCH", {2: (16, 16), 3: (4, 16, 16)})


@pytest.fixture
def quick_charts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the charts of reports empty, as drawing takes seconds; `tests/report/test_assembly.py` looks at them."""
    pytest.importorskip("matplotlib")
    from muguet.report import assembly, charts

    def empty(figure: object, name: str, label: str) -> str:
        return f'<svg role="img" aria-label="{label}"></svg>'

    monkeypatch.setattr(charts, "svg", empty)
    monkeypatch.setattr(assembly, "svg", empty)
