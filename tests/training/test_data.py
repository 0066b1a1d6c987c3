"""Laws of a training set: what cannot be learned from is refused or left out, and the user is told."""

from __future__ import annotations

import numpy as np
import pytest

from muguet import MuguetError
from muguet.training import Sample, collect, data


def noisy(*shape, level=100.0, dtype="uint16", seed=0):
    return np.random.default_rng(seed).poisson(level, shape).astype(dtype)


def holed(image, *, share=0.25):
    image = image.astype(np.float32)
    image.ravel()[: int(share * image.size)] = np.nan
    return image


@pytest.mark.parametrize(
    ("array", "axes", "dimensions", "words"),
    [
        (noisy(0, 32), "YX", 2, r"is empty \(shape \(0, 32\)\)"),
        (noisy(32, 32).astype(complex), "YX", 2, "complex128.*give real numbers"),
        (noisy(32, 32).astype(str), "YX", 2, "real numbers"),
        (noisy(15, 64), "YX", 2, "15×64 pixels.*at least 16×16"),
        (noisy(64, 3), "YX", 2, "64×3 pixels"),
        (noisy(3, 32, 32), "ZYX", 3, "3 planes in Z.*dimensions=2"),
        (np.full((32, 32), 7, np.uint8), "YX", 2, r"constant \(every pixel is 7\)"),
        (np.full((32, 32), 0.5), "YX", 2, r"constant \(every pixel is 0\.5\)"),
        (holed(np.full((32, 32), 3)), "YX", 2, r"constant \(every pixel is 3\)"),
        (np.full((32, 32), np.nan), "YX", 2, "no finite value"),
        (np.full((32, 32), np.inf, np.float32), "YX", 2, "no finite value"),
        (noisy(32, 32), "TYX", 2, "has 2"),
        (noisy(32, 32), "YX", 3, "Z axis"),
        (np.stack([noisy(32, 32), np.full((32, 32), np.nan)]), "CYX", 2, "channel 2 has no finite value"),
    ],
)
def test_what_nothing_can_be_learned_from(array, axes, dimensions, words):
    with pytest.raises(MuguetError, match=words) as caught:
        collect([Sample(array, axes, "cells.tif")], dimensions)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("array", [noisy(0, 32), noisy(8, 8), np.zeros((32, 32))])
def test_the_image_at_fault_is_named(array):
    with pytest.raises(MuguetError, match=r"^b\.tif "):
        collect([Sample(noisy(32, 32), "YX", "a.tif"), Sample(array, "YX", "b.tif")])


def test_images_of_different_channels_are_refused():
    with pytest.raises(MuguetError, match="1 and 2 channels"):
        collect([Sample(noisy(2, 32, 32), "CYX"), Sample(noisy(32, 32), "YX")])


def test_no_image_at_all_is_refused():
    with pytest.raises(MuguetError, match="at least one"):
        collect([])


@pytest.mark.parametrize(
    "dtype", ["bool", "uint8", "int16", "uint16", ">u2", "int64", "float16", "float32", "float64"]
)
def test_planes_are_the_images_in_units(dtype):
    array = noisy(3, 2, 20, 24, level=60, dtype=dtype if dtype != "bool" else "uint8")
    array = array > 60 if dtype == "bool" else array
    found = collect([Sample(array, "TCYX", "a")])
    assert (found.channels, found.dimensions, found.pixels) == (2, 2, array.size)
    assert [plane.channel for plane in found.planes] == [0, 1] * 3
    for plane, image in zip(found.planes, array.reshape(-1, 20, 24), strict=True):
        assert plane.values.dtype == np.float32
        assert plane.trusted.all()
        assert plane.quantum * found.scalings[plane.channel].scale == pytest.approx(1)
        counts = found.scalings[plane.channel].invert(plane.values)
        np.testing.assert_allclose(counts, image.astype(float), atol=1e-3)
    assert found.notes == ()
    assert found.summary == (
        {"name": "a", "axes": "TCYX", "shape": [3, 2, 20, 24], "dtype": str(array.dtype)},
    )


def test_each_channel_has_its_own_scaling():
    array = np.stack([noisy(64, 64, level=50), noisy(64, 64, level=5000)])
    one, two = collect([Sample(array, "CYX")]).scalings
    assert one.offset == pytest.approx(50, abs=3)
    assert two.offset == pytest.approx(5000, abs=30)
    assert two.scale == pytest.approx(10 * one.scale, rel=0.15)


def test_images_of_different_sizes_and_axes_go_together():
    samples = [Sample(noisy(20, 30), "YX"), Sample(noisy(40, 16, 3), "YXT"), Sample(noisy(1, 17, 17), "CYX")]
    found = collect(samples)
    assert [plane.values.shape for plane in found.planes] == [(20, 30), *[(40, 16)] * 3, (17, 17)]
    assert len(found.summary) == 3
    assert len(set(found.scalings)) == 1


def test_a_stack_is_one_volume_in_three_dimensions():
    array = noisy(2, 5, 20, 24)
    assert [p.values.shape for p in collect([Sample(array, "TZYX")], 3).planes] == [(5, 20, 24)] * 2
    assert [p.values.shape for p in collect([Sample(array, "TZYX")], 2).planes] == [(20, 24)] * 10


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf, 1e300])
def test_missing_pixels_are_filled_and_never_trusted(odd):
    array = noisy(40, 50).astype(np.float64)
    array[3:8, 10:20] = odd
    found = collect([Sample(array, "YX")])
    (plane,) = found.planes
    missing = np.zeros(array.shape, bool)
    missing[3:8, 10:20] = True
    np.testing.assert_array_equal(plane.trusted, ~missing)
    assert np.isfinite(plane.values).all()
    assert np.abs(found.scalings[0].offset - 100) < 5
    kind = "are NaN or infinite" if not np.isfinite(odd) else "are padding"
    assert len(found.notes) == 1
    assert found.notes[0].startswith(f"2.5 % of the pixels {kind}")


def test_an_image_of_which_little_is_known():
    array = np.full((1200, 1200), np.nan)
    array[1, 1], array[7, 3] = 5, 9  # where a coarse look does not find them
    found = collect([Sample(array, "YX")])
    assert found.planes[0].trusted.sum() == 2
    assert found.notes == ("100 % of the pixels are NaN or infinite: treated as missing.",)
    array = noisy(200, 200).astype(float)
    array[0, 0] = np.nan
    assert "less than 0.01 %" in collect([Sample(array, "YX")]).notes[0]


def test_planes_without_a_value_are_left_out():
    array = noisy(3, 20, 20).astype(np.float32)
    array[1] = np.nan
    found = collect([Sample(array, "TYX")])
    assert len(found.planes) == 2
    assert "33.3 %" in found.notes[0]


def test_saturated_pixels_are_seen_but_not_trusted():
    array = np.minimum(noisy(50, 50), 110)
    found = collect([Sample(array, "YX")])
    (plane,) = found.planes
    np.testing.assert_array_equal(plane.trusted, array < 110)
    np.testing.assert_array_equal(plane.saturated, array == 110)
    counts = found.scalings[0].invert(plane.values)
    np.testing.assert_allclose(counts, array, atol=1e-3)
    assert len(found.notes) == 1
    assert "saturated" in found.notes[0]


def test_missing_and_saturated_pixels_are_counted_apart():
    array = np.minimum(noisy(50, 50), 110).astype(np.float32)
    array[:5] = np.nan
    array[5:10] = np.inf
    found = collect([Sample(array, "YX")])
    share = 100 * np.mean(array == 110)
    assert found.notes[0].startswith("20 % of the pixels are NaN")
    assert found.notes[1].startswith(f"{share:.3g} % of the pixels are saturated")
    np.testing.assert_array_equal(found.planes[0].trusted, np.isfinite(array) & (array < 110))
    np.testing.assert_array_equal(found.planes[0].saturated, array == 110)


def test_a_few_hot_pixels_do_not_move_the_units():
    array = noisy(64, 64)
    before = collect([Sample(array, "YX")]).scalings[0]
    array[::20, ::20] = 65535
    after = collect([Sample(array, "YX")]).scalings[0]
    assert after.offset == pytest.approx(before.offset, abs=0.1 * before.scale)
    assert after.scale == pytest.approx(before.scale, rel=0.1)


def test_of_too_many_planes_some_are_used(monkeypatch):
    monkeypatch.setattr(data, "MAX_PIXELS", 4 * 20 * 20)
    array = noisy(10, 20, 20)
    found = collect([Sample(array, "TYX"), Sample(noisy(20, 20), "YX")])
    assert len(found.planes) == 5
    assert found.notes == ("5 of 11 planes (one in 3) are used for training: all would not fit into memory.",)
    np.testing.assert_allclose(found.scalings[0].invert(found.planes[1].values), array[3], atol=1e-3)
    assert len(collect([Sample(noisy(60, 60), "YX")]).planes) == 1  # one plane is never cut


def test_the_input_is_left_alone():
    array = holed(noisy(32, 32))
    before = array.copy()
    found = collect([Sample(array, "YX")])
    np.testing.assert_array_equal(array, before)
    assert not np.shares_memory(found.planes[0].values, array)
