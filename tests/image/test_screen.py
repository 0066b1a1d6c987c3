"""Screening separates measurements from other pixels, whatever the axes, and writes the others back."""

from __future__ import annotations

import numpy as np
import pytest

from muguet.image import Layout, floor_level, screen, unsaturated
from muguet.image.spikes import spikes
from tests.image.camera import recorded, scene


def test_a_sound_image_is_returned_itself():
    image = recorded(scene())
    found = screen(image, Layout("YX", image.shape))
    assert found.values is image
    assert (found.missing, found.defects, found.notes) == (None, None, ())


@pytest.mark.parametrize("axes", ["CTYX", "TYXC"])
def test_blank_planes_and_channels_are_missing_and_restored(axes):
    image = np.stack(
        [np.stack([recorded(scene(seed=s), s) for s in range(3)]), np.zeros((3, 128, 128), np.uint16)]
    )
    image[0, 1] = 5
    image = image if axes == "CTYX" else np.moveaxis(image, 0, -1)
    found = screen(image, Layout(axes, image.shape))
    missing = found.missing if axes == "CTYX" else np.moveaxis(found.missing, -1, 0)
    assert missing[1].all()
    assert [bool(m.all()) for m in missing[0]] == [False, True, False]
    assert any("1 of 3 planes is blank" in note for note in found.notes)
    assert any("Channel 1: blank" in note for note in found.notes)
    out = np.full(image.shape, 9.0, np.float32)
    found.restore(out)
    np.testing.assert_array_equal(out[found.missing], image[found.missing])
    assert (out[~found.missing] == 9).all()


def test_a_masked_array_keeps_its_mask():
    image = np.ma.masked_array(recorded(scene()), np.zeros((128, 128), bool))
    image[3:9, 4:20] = np.ma.masked
    found = screen(image, Layout("YX", image.shape))
    np.testing.assert_array_equal(found.missing, image.mask)
    np.testing.assert_array_equal(np.isnan(found.values), image.mask)
    assert "masked" in found.notes[0]


def test_large_integers_are_exact():
    image = recorded(scene()).astype(np.uint32) + 2**31
    image[:, :20] = 0
    found = screen(image, Layout("YX", image.shape))
    assert found.values.dtype == np.float64
    np.testing.assert_array_equal(found.values[:, 20:], image[:, 20:])


def test_defects_are_replaced_and_counted():
    image = recorded(scene())
    image[30, 40] = image[90, 11] = 4000
    found = screen(image, Layout("YX", image.shape))
    assert np.argwhere(found.defects).tolist() == [[30, 40], [90, 11]]
    assert found.values[30, 40] < 300
    assert found.notes[0].startswith("2 pixels of the camera are defective")
    assert np.isnan(unsaturated(image)[[30, 90], [40, 11]]).all()


def test_clipping_at_zero_is_found_and_photon_counting_is_none():
    clipped = recorded(scene(), offset=-6.0)
    assert floor_level(clipped) == 0
    assert (np.isnan(unsaturated(clipped)) == (clipped == 0)).all()
    for mean in (0.01, 0.1, 0.4):
        assert floor_level(np.random.default_rng(0).poisson(scene(peak=10 * mean, background=mean))) is None
    assert floor_level(recorded(scene())) is None


@pytest.mark.parametrize("value", [1e6, -1e30, 1e4])
@pytest.mark.parametrize("width", [1, 2])
def test_wild_pixels_in_a_frame_are_not_used_and_kept(value, width):
    image = np.stack([recorded(scene(seed=0), s) for s in range(3)]).astype(np.float32)
    image[1, 60 : 60 + width, 70 : 70 + width] = value
    found = screen(image, Layout("TYX", image.shape))
    assert np.isnan(found.values[1, 60 : 60 + width, 70 : 70 + width]).all()
    assert found.missing.sum() == width**2
    assert found.notes[-1].endswith("kept as they are." if width > 1 else "kept as it is.")
    out = np.zeros(image.shape, np.float32)
    found.restore(out)
    assert (out[1, 60 : 60 + width, 70 : 70 + width] == np.float32(value)).all()


@pytest.mark.parametrize("sigma", [1.0, 1.5, 4.0])
@pytest.mark.parametrize("peak", [1e4, 1e6])
def test_bright_points_of_light_belong_to_the_image(sigma, peak):
    y, x = np.mgrid[:128, :128]
    light = peak * np.exp(-((y - 60) ** 2 + (x - 70) ** 2) / (2 * sigma**2))
    image = recorded(scene()) + np.random.default_rng(0).poisson(light)
    assert spikes(image) is None
