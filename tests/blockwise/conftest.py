"""A model and a store of several planes and shards, small enough for many runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import zarr
from scipy import ndimage

from muguet import Denoiser, fit, load
from muguet.prediction import Cut


def save_model(path: Path) -> Path:
    """Train a model in one step, and return its file."""
    image = np.random.default_rng(0).poisson(50, (40, 52)).astype(np.uint16)
    fit(image, "YX", steps=1, recipe="l2", device="cpu").save(path)
    return path


@pytest.fixture(scope="session")
def model(tmp_path_factory) -> Path:
    """The file of a model."""
    return save_model(tmp_path_factory.mktemp("model") / "model.muguet")


@pytest.fixture
def network(model, monkeypatch) -> Denoiser:
    """The model with regions so small that images of few pixels have many."""
    monkeypatch.setattr("muguet.denoiser.planes.CORE", {2: (16, 16), 3: (4, 16, 16)})
    return load(model)


@pytest.fixture
def denoiser(network, monkeypatch) -> Denoiser:
    """The model with a mean over neighbours in the place of its network, wherever it is loaded in this process."""
    monkeypatch.setattr(Denoiser, "cut", Cut((16, 16), (2, 2), (1, 1)))
    monkeypatch.setattr(Denoiser, "region_function", lambda *_: mean)
    return network


def mean(values: np.ndarray, channel: int) -> np.ndarray:
    return ndimage.uniform_filter(values.astype(np.float32), 5)


def write_store(path: Path, shards: tuple[int, ...] | None = (1, 32, 32), shape=(2, 44, 40)) -> np.ndarray:
    """Write noise with two levels to an OME-Zarr, and return its pixels."""
    data = np.random.default_rng(1).poisson(50, shape).astype(np.uint16)
    group = zarr.open_group(path, mode="w", zarr_format=3)
    sizes = ("0", shape), ("1", (shape[0], -(-shape[1] // 2), -(-shape[2] // 2)))
    for name, size in sizes:
        array = group.create_array(name, shape=size, dtype="uint16", chunks=(1, 16, 16), shards=shards)
        array[...] = data[:, :: 1 + int(name), :: 1 + int(name)]
    group.attrs["ome"] = {
        "version": "0.5",
        "multiscales": [
            {
                "axes": [{"name": "z", "type": "space"}, *({"name": n, "type": "space"} for n in "yx")],
                "datasets": [
                    {
                        "path": name,
                        "coordinateTransformations": [
                            {"type": "scale", "scale": [1.0, *[1.0 + int(name)] * 2]}
                        ],
                    }
                    for name, _ in sizes
                ],
            }
        ],
    }
    return data
