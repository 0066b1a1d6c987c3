"""Training and denoising with pixels that are no measurements, large offsets and masked arrays."""

from __future__ import annotations

import numpy as np
import pytest

from muguet.training import Sample, collect, fit
from tests.image.camera import recorded, scene

PHOTONS = scene(64, peak=80)

pytestmark = pytest.mark.usefixtures("tiny_prior", "small_steps")


def learned(image, axes="YX", steps=6):
    return fit(image, axes, steps=steps, device="cpu")


def test_padding_changes_neither_what_is_learned_nor_the_other_pixels_by_its_value():
    image = recorded(PHOTONS).astype(np.float32)
    padded, missing = image.copy(), image.copy()
    padded[:, :20], missing[:, :20] = 0, np.nan
    denoiser = learned(padded)
    assert (denoiser(padded, "YX")[:, :20] == 0).all()
    np.testing.assert_array_equal(denoiser(padded, "YX")[:, 20:], learned(missing)(missing, "YX")[:, 20:])


def test_blank_frames_are_neither_used_nor_changed():
    frames = np.stack([recorded(scene(64, seed=s), s) for s in range(3)])
    with_blank = np.concatenate([frames, np.zeros((2, 64, 64), np.uint16)])
    one, other = learned(frames, "TYX"), learned(with_blank, "TYX")
    result = other(with_blank, "TYX")
    np.testing.assert_array_equal(result[:3], one(frames, "TYX"))
    assert (result[3:] == 0).all()


def test_a_blank_channel_is_returned_as_it_is():
    image = np.stack([recorded(PHOTONS), np.full((64, 64), 3, np.uint16)])
    result = learned(image, "CYX")(image, "CYX")
    assert (result[1] == 3).all()
    assert np.isfinite(result).all()


def test_a_masked_array_keeps_its_mask_and_its_values():
    image = np.ma.masked_array(recorded(PHOTONS), np.zeros((64, 64), bool))
    image[10:30, 5:25] = np.ma.masked
    result = learned(image)(image, "YX")
    assert isinstance(result, np.ma.MaskedArray)
    np.testing.assert_array_equal(result.mask, image.mask)
    np.testing.assert_array_equal(result.data[image.mask], image.data[image.mask])


@pytest.mark.parametrize(
    ("offset", "factor", "dtype"),
    [
        (-(2**31), 1, np.int32),
        (0.0, 1e-302, np.float64),
        (0.0, 1e290, np.float64),
    ],
)
def test_counts_with_a_large_offset_or_scale_keep_their_noise(offset, factor, dtype):
    image = recorded(PHOTONS)
    far = (image.astype(np.float64) * factor + offset).astype(dtype)
    expected = learned(image)(image, "YX")
    denoiser = learned(far)
    result = denoiser(far, "YX")
    assert result.dtype == np.float64
    np.testing.assert_allclose((result / factor - offset / factor), expected, atol=0.3)


def test_the_law_of_counts_with_a_large_offset_is_that_of_the_others():
    image = recorded(PHOTONS)
    signal = np.array([110.0, 150.0])
    expected = learned(image).noise.std(signal)
    found = learned(image + 1e9).noise.std(signal + 1e9)
    np.testing.assert_allclose(found, expected, rtol=1e-2)


def test_one_absurd_pixel_changes_little():
    image = recorded(PHOTONS).astype(np.float32)
    image[30, 30] = 1e6
    result = learned(image)(image, "YX")
    assert result.max() < 1000


def test_defective_pixels_are_no_targets_and_are_counted():
    image = recorded(scene(128))
    image[40, 50] = image[90, 91] = 5000
    found = collect([Sample(image, "YX")])
    assert not found.planes[0].trusted[[40, 90], [50, 91]].any()
    assert found.planes[0].trusted.sum() == image.size - 2
    assert any(note.startswith("2 pixels of the camera are defective") for note in found.notes)


def test_clipping_at_zero_is_said_and_not_learned_from():
    image = recorded(scene(128), offset=-6.0)
    found = collect([Sample(image, "YX")])
    np.testing.assert_array_equal(found.planes[0].saturated, image == 0)
    assert any("clipped at 0" in note for note in found.notes)


def test_images_that_are_not_alike_are_named():
    images = [recorded(scene(128, seed=s) * a, s) for s, a in enumerate((1, 1, 9, 1))]
    found = collect([Sample(image, "YX", f"{i}.tif") for i, image in enumerate(images)])
    (note,) = [note for note in found.notes if "Not alike" in note]
    assert "2.tif" in note
    assert "0.tif" not in note
    small = np.clip(images[0] / 2, 0, 255).astype(np.uint8)
    found = collect([Sample(image, "YX", f"{i}.tif") for i, image in enumerate([*images[:2], small])])
    assert any("2.tif: 8 bits" in note for note in found.notes)
