"""What several rooms of tests share."""

from __future__ import annotations

import functools
import os
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


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take two patches in each step instead of sixteen, and one batch for validation, for time."""
    from muguet.training import Plan, fitting, validation

    monkeypatch.setattr(fitting, "Plan", functools.partial(Plan, batch=2))
    monkeypatch.setattr(validation, "_N_BATCHES", 1)
