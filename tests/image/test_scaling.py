"""The scaling is inverted exactly, and a few bright pixels do not change it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from muguet.image import Scaling

# Subnormal numbers are left out because they lose digits in any arithmetic.
counts = st.lists(st.floats(-1e6, 1e6, allow_subnormal=False), min_size=1, max_size=40).map(np.array)
scalings = st.builds(Scaling, st.floats(-1e4, 1e4, allow_subnormal=False), st.floats(1e-2, 1e4))


def cells(seed=0, size=128):
    """Return a background of 100 ± 5 with a bright disc of 220 on a tenth of it."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size] - size / 2
    return rng.normal(100, 5, (size, size)) + 120 * (np.hypot(y, x) < 0.18 * size)


@given(scalings, counts)
def test_invert_is_the_inverse_of_apply(scaling, values):
    tolerance = 1e-12 * (np.abs(values).max() + abs(scaling.offset)) + 1e-300
    np.testing.assert_allclose(scaling.invert(scaling.apply(values)), values, atol=tolerance)
    np.testing.assert_allclose(scaling.apply(scaling.invert(values)), values, atol=1e-12 * 1e8)


@given(scalings, counts)
def test_order_is_kept(scaling, values):
    assert (np.diff(scaling.apply(np.sort(values))) >= 0).all()


def test_arrays_and_tensors_keep_their_type():
    scaling = Scaling(100.0, 7.0)
    array = np.linspace(0, 1000, 9, dtype=np.float32)
    for moved in (scaling.apply, scaling.invert):
        assert moved(array).dtype == np.float32
        assert moved(torch.from_numpy(array)).dtype == torch.float32
        np.testing.assert_allclose(moved(torch.from_numpy(array)).numpy(), moved(array))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int32", "float32", "float64"])
def test_background_becomes_zero_and_the_signal_one(dtype):
    image = cells().round().astype(dtype)
    scaling = Scaling.fit(image)
    assert scaling.offset == pytest.approx(100, abs=3)
    assert scaling.scale == pytest.approx(120, rel=0.1)


@pytest.mark.parametrize(
    "image", [cells(), cells()[40:60, :20], 1000 - cells()], ids=["cells", "dark", "bright"]
)
def test_a_few_hot_pixels_do_not_change_the_scaling(image):
    before = Scaling.fit(image)
    hot = image.copy()
    hot.ravel()[np.random.default_rng(1).choice(hot.size, max(hot.size // 1000, 1), replace=False)] = 65535
    after = Scaling.fit(hot)
    assert after.offset == pytest.approx(before.offset, abs=0.05 * before.scale)
    assert after.scale == pytest.approx(before.scale, rel=0.05)


@given(st.floats(1e-3, 1e3), st.floats(-1e3, 1e3))
def test_units_do_not_depend_on_gain_and_offset(gain, offset):
    image = cells(size=32)
    units = Scaling.fit(image).apply(image)
    other = gain * image + offset
    np.testing.assert_allclose(Scaling.fit(other).apply(other), units, atol=1e-6)


@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=30))
def test_any_values_get_a_positive_scale(values):
    scaling = Scaling.fit(np.array(values))
    assert np.isfinite([scaling.offset, scaling.scale]).all()
    assert scaling.scale > 0
    assert min(values) - 1e-3 <= scaling.offset <= max(values) + 1e-3


@pytest.mark.parametrize(
    ("image", "scale"),
    [
        (np.full((20, 20), 7), 1.0),
        # A bright field, whose mode equals its 95th percentile.
        (np.arange(400) >= 36, np.std(np.arange(400) >= 36)),
        (
            np.arange(40000) < 4,
            np.std(np.arange(40000) < 4),
        ),  # The signal is brighter than the 99th percentile.
    ],
    ids=["constant", "bright", "sparse"],
)
def test_the_standard_deviation_is_the_scale_if_percentiles_coincide(image, scale):
    assert Scaling.fit(image.astype(np.float32)).scale == pytest.approx(scale)


def test_a_large_image_has_the_scaling_of_a_part_of_it():
    image = np.tile(cells(), (8, 8))
    assert Scaling.fit(image).offset == pytest.approx(Scaling.fit(cells()).offset, abs=1)
    assert Scaling.fit(image).scale == pytest.approx(Scaling.fit(cells()).scale, rel=0.02)


@pytest.mark.parametrize(("share", "sets"), [(0.07, True), (0.03, False)])
def test_a_signal_on_more_than_a_twentieth_of_the_pixels_is_the_scale(share, sets):
    image = np.random.default_rng(0).normal(100, 5, 40_000)
    image[: int(share * image.size)] += 120
    scale = Scaling.fit(image).scale
    assert scale == pytest.approx(120, rel=0.1) if sets else scale < 30


def test_saturated_pixels_do_not_take_part_in_the_common_scaling():
    from muguet.training.common_scaling import common_scaling

    rng = np.random.default_rng(0)
    known = rng.gamma(2.0, 400.0, 60_000).clip(max=4094).round()
    image = np.concatenate([known, np.full(40_000, 4095.0)]).astype(np.uint16).reshape(1, 1, 250, 400)
    found = common_scaling([image], [image], 0)
    wanted = Scaling.fit(known[known < 4095].astype(np.float32))
    assert found.offset == pytest.approx(wanted.offset, rel=0.05)
    assert found.scale == pytest.approx(wanted.scale, rel=0.05)


@given(scalings, scalings, counts)
def test_a_scaling_then_another_is_one(first, second, values):
    tolerance = 1e-9 * (1 + np.abs(second.apply(first.apply(values))).max())
    np.testing.assert_allclose(
        first.then(second).apply(values), second.apply(first.apply(values)), atol=tolerance
    )
