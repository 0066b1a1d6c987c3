"""Layers of napari's model without a window: results lie where their noisy layers lie."""

from __future__ import annotations

import time

import numpy as np
import pytest

pytest.importorskip("napari")

from napari.components import ViewerModel

from muguet import MuguetError
from muguet.interactive import runs
from muguet.interactive.messages import Better, Complete
from muguet.napari.layers import pixel_size, shown_sample, sources
from muguet.napari.result import Result
from tests.conftest import blobs, recorded


def settled(result: Result) -> None:
    while result.busy:
        time.sleep(0.001)


@pytest.fixture
def viewer() -> ViewerModel:
    return ViewerModel()


def run(viewer, *layers, **given) -> Result:
    result = Result(viewer, layers, sources(layers), lambda view: None)
    for message in runs.denoise(result.levels, **{"steps": 0} | given):
        if isinstance(message, Better):
            result.update(message.denoiser, message.levels, message.words)
        if isinstance(message, Complete):
            result.complete(message)
    return result


def test_a_result_has_the_place_units_and_colours_of_its_layer(viewer, tiny_prior):
    layer = viewer.add_image(
        recorded(blobs(64)),
        name="cells",
        scale=(0.1, 0.2),
        translate=(3, 4),
        units=("um", "um"),
        colormap="green",
        contrast_limits=(100, 300),
        blending="additive",
    )
    (found,) = run(viewer, layer).layers
    assert found.name == "cells denoised"
    for name in ("scale", "translate", "units", "contrast_limits", "blending"):
        np.testing.assert_array_equal(getattr(found, name), getattr(layer, name))
    assert found.colormap.name == "green"
    assert isinstance(found.data, np.ndarray)
    assert viewer.layers.selection == {layer}
    assert pixel_size(layer) == pytest.approx(0.2)


def test_channels_are_denoised_together_into_a_layer_each(viewer, tiny_prior):
    layers = viewer.add_image(
        np.stack([recorded(blobs(64)), recorded(blobs(64, 1))]), channel_axis=0, name=["a", "b"]
    )
    assert [each.name for each in run(viewer, *layers).layers] == ["a denoised", "b denoised"]


def test_a_lazy_multiscale_movie_is_denoised_where_it_is_looked_at(viewer, tiny_prior):
    array = pytest.importorskip("dask.array")
    movie = np.stack([recorded(blobs(64, seed)) for seed in range(3)])
    levels = [array.from_array(movie, chunks=(1, 64, 64)), array.from_array(movie[:, ::2, ::2])]
    layer = viewer.add_image(levels, multiscale=True, contrast_limits=(100, 300))
    viewer.dims.set_point(0, 1)
    assert shown_sample(sources([layer])[0], layer, viewer.dims.point) == 1
    result = run(viewer, layer)
    (found,) = result.layers
    assert found.multiscale
    assert len(found.data) == 2
    settled(result)
    found.refresh()
    settled(result)
    assert np.isfinite(found.data[0].part(1)).all()


def test_layers_of_different_kinds_are_refused(viewer):
    plane = recorded(blobs(64))
    flat = viewer.add_image(plane)
    scaled = viewer.add_image([plane, plane[::2, ::2]], multiscale=True)
    with pytest.raises(MuguetError, match="different kinds"):
        sources([flat, scaled])
    with pytest.raises(MuguetError, match="no layer"):
        sources([])
