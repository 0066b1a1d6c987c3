"""Padding, blank planes and no-data values are found; clipped, saturated and photon-counting images raise no alarm."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from muguet.image import masked_outside
from muguet.image.valid import unmeasured
from tests.image.camera import recorded, scene


def found(image):
    (mask,) = unmeasured([image])
    return np.zeros(image.shape, bool) if mask is None else mask


def border(shape):
    mask = np.zeros(shape, bool)
    mask[:, :31] = mask[:17] = True
    return mask


def thin(shape):
    mask = np.zeros(shape, bool)
    mask[:2] = mask[:, -1:] = True
    return mask


def triangle(shape):
    y, x = np.indices(shape)
    return y > x + 0.2 * shape[0]


@pytest.mark.parametrize("region", [border, thin, triangle])
@pytest.mark.parametrize("offset", [100.0, 12.0])
@pytest.mark.parametrize("value", [0, 65535, "inside"])
def test_padding_of_any_shape_and_value_is_found(region, offset, value):
    image = recorded(scene(), offset=offset)
    mask = region(image.shape)
    image[mask] = offset + 19 if value == "inside" else value
    assert found(image)[mask].mean() > 0.97
    assert found(image)[~mask].mean() < 0.01


def test_padding_at_the_offset_is_found_because_noise_is_nowhere_so_equal():
    image = recorded(scene())
    mask = border(image.shape)
    image[mask] = 100
    assert found(image)[mask].all()


def test_padding_beside_photon_counts():
    image = np.random.default_rng(0).poisson(scene(background=6.0)).astype(np.uint8)
    mask = border(image.shape)
    image[mask] = 0
    assert found(image)[mask].all()
    assert found(image)[~mask].mean() < 0.02


def test_a_repeated_no_data_value_is_found_and_an_outlier_is_not():
    image = recorded(scene()).astype(np.float32)
    image[5, 7] = image[80, 3] = image[81, 90] = -1e30
    image[9, 9] = 1e6
    np.testing.assert_array_equal(np.argwhere(found(image)), [[5, 7], [80, 3], [81, 90]])


def test_a_blank_plane_is_found():
    assert found(np.full((32, 32), 7, np.uint16)).all()
    assert not found(np.full((32, 32), np.nan)).any()


def saturated():
    return np.minimum(recorded(scene(peak=300)), 300)


def overexposed():
    """A dark scene with a sharp bright object at the end of the camera's range, which is not far above the scene."""
    image = np.minimum(recorded(scene()), 200)
    image[np.hypot(*(np.indices(image.shape) - 40)) < 15] = 240
    return image


def black_clipped():
    return np.clip(recorded(scene()).astype(float) - 112, 0, 255).astype(np.uint8)


def sharp_black_clipped():
    image = 100.0 * (np.hypot(*(np.indices((128, 128)) - 64)) < 30)
    noise = np.random.default_rng(0).normal(0, 4, image.shape)
    return np.clip(gaussian_filter(image, 1.0) + noise - 14, 0, 255).astype(np.uint8)


def photons(mean):
    return np.random.default_rng(0).poisson(scene(peak=20 * mean, background=mean)).astype(np.uint8)


@pytest.mark.parametrize(
    "image",
    [
        recorded(scene()),
        saturated(),
        overexposed(),
        black_clipped(),
        sharp_black_clipped(),
        photons(0.5),
        photons(0.05),
        photons(0.002),
        (scene() * 3).astype(np.uint8),
    ],
    ids=[
        "camera",
        "saturated",
        "overexposed",
        "black",
        "sharp black",
        "0.5",
        "0.05",
        "0.002",
        "noiseless 8 bits",
    ],
)
def test_no_false_alarm(image):
    assert not found(image).any()


def test_values_outside_a_range_or_of_one_value_are_masked():
    image = np.array([[1, 2], [3, 4]], np.uint16)
    assert masked_outside(image) is image
    np.testing.assert_array_equal(
        np.ma.getmaskarray(masked_outside(image, (2, 3), 3)), [[True, False], [True, True]]
    )
