"""Pixel values: saturation, quantisation, missing pixels, and conversion to a data type."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muguet.image import clipping_level, fill_missing, quantum, to_dtype

# --- Saturation ------------------------------------------------------------------------------------------


@given(st.integers(0, 2**32 - 1), st.floats(0.01, 300))
@settings(max_examples=50)
def test_a_poisson_tail_is_not_saturation(seed, signal):
    assert clipping_level(np.random.default_rng(seed).poisson(signal, (100, 100)).astype(np.uint16)) is None


def test_tails_and_ramps_are_not_saturation():
    rng = np.random.default_rng(0)
    assert clipping_level(np.tile(np.arange(256, dtype=np.uint8), (64, 1))) is None
    assert clipping_level(rng.normal(100, 5, (100, 100))) is None
    assert clipping_level(rng.exponential(50, (200, 200)).astype(np.uint16)) is None
    assert clipping_level(np.minimum(np.arange(100.0), 91)) is None  # nine pixels have the largest value


@pytest.mark.parametrize("value", [0, 255])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_a_constant_image_is_not_saturated(dtype, value):
    assert clipping_level(np.full((30, 30), value, dtype)) is None


@given(st.integers(0, 2**32 - 1), st.floats(0.01, 0.5), st.sampled_from(["uint16", "float32", "float64"]))
@settings(max_examples=50)
def test_the_level_of_a_clipped_image_is_found(seed, share, dtype):
    image = np.random.default_rng(seed).normal(1000, 100, (100, 100)).astype(dtype)
    level = np.quantile(image, 1 - share).astype(dtype)
    assert clipping_level(np.minimum(image, level)) == level


def test_missing_pixels_do_not_hide_saturation():
    image = np.minimum(np.random.default_rng(0).normal(1000, 100, (50, 50)), 1100)
    image[:5] = np.nan
    image[5:10] = np.inf
    image[10:15] = -np.inf
    assert clipping_level(image) == 1100
    assert clipping_level(np.full((5, 5), np.nan)) is None


# --- Quantisation ----------------------------------------------------------------------------------------


@given(st.integers(0, 2**32 - 1), st.integers(1, 16), st.sampled_from(["uint16", "int32", "float32"]))
@settings(max_examples=50)
def test_the_step_of_a_quantised_image_is_found(seed, step, dtype):
    image = (np.random.default_rng(seed).poisson(50, (64, 64)) * step).astype(dtype)
    assert quantum(image) == step


def test_a_rescaled_8_bit_image_is_still_quantised():
    image = np.random.default_rng(0).integers(0, 256, (64, 64)).astype(np.float32) / 255
    assert quantum(image) == pytest.approx(1 / 255, rel=1e-3)
    image[3:5] = np.nan
    assert quantum(image) == pytest.approx(1 / 255, rel=1e-3)


def test_continuous_values_have_no_step():
    assert quantum(np.random.default_rng(0).normal(size=(64, 64))) == 0
    assert quantum(np.full((8, 8), np.nan)) == 0
    assert quantum(np.full((8, 8), 1.5)) == 0


@pytest.mark.parametrize("image", [np.zeros((4, 4), np.uint8), np.eye(4, dtype=np.int16), np.eye(4) > 0])
def test_integers_have_a_step_of_at_least_one(image):
    assert quantum(image) == 1


# --- Missing pixels --------------------------------------------------------------------------------------


@st.composite
def planes_with_holes(draw):
    """Draw a plane in 2-D or 3-D with missing pixels; some of its axes have one pixel."""
    shape = tuple(draw(st.lists(st.integers(1, 13), min_size=2, max_size=3)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    plane = rng.normal(draw(st.sampled_from((0, 1000))), 10, shape).astype(draw(st.sampled_from("fd")))
    holes = rng.random(shape) < draw(st.floats(0, 1))
    holes.flat[rng.integers(holes.size)] = False  # At least one pixel is valid.
    plane[holes] = rng.choice([np.nan, np.inf, -np.inf], int(holes.sum()))
    return plane, holes


@given(planes_with_holes())
@settings(deadline=None, max_examples=200)
def test_valid_pixels_keep_their_bits_and_holes_get_values_in_between(case):
    plane, holes = case
    filled = fill_missing(plane)
    assert filled.dtype == np.float32
    assert filled.shape == plane.shape
    known = plane[~holes].astype(np.float32)
    assert filled[~holes].tobytes() == known.tobytes()
    margin = 1e-6 * np.abs(known).max()
    assert (filled >= known.min() - margin).all()
    assert (filled <= known.max() + margin).all()


def test_a_hole_continues_its_surroundings():
    y, x = np.mgrid[:64, :64].astype(np.float32)
    ramp = y + 2 * x
    plane = ramp.copy()
    plane[20:24, 30:34] = np.nan
    assert np.abs(fill_missing(plane) - ramp).max() < 10  # The whole image spans 189.


@pytest.mark.parametrize("shape", [(63, 65), (64, 65), (63, 64)])
def test_a_lone_hole_is_filled_from_its_neighbours(shape):
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    ramp = y + 2 * x
    for start in (0, 1):
        plane = ramp.copy()
        plane[start::4, start::4] = np.nan
        assert np.abs(fill_missing(plane) - ramp).max() <= 3  # One row and one column away.


def test_values_beyond_float32_are_missing():
    plane = np.ones((4, 5))
    plane[1, 2], plane[3, 3] = 1e300, -1e300
    np.testing.assert_array_equal(fill_missing(plane), np.ones((4, 5), np.float32), strict=True)


def test_a_plane_without_valid_pixels_becomes_zero_and_the_input_is_unchanged():
    plane = np.full((5, 6), np.nan, np.float32)
    np.testing.assert_array_equal(fill_missing(plane), np.zeros((5, 6), np.float32))
    assert np.isnan(plane).all()


DTYPES = [
    *("bool", "uint8", "uint16", "uint32", "int8", "int16", "int32"),
    *("float16", "float32", "float64"),
]


# --- Conversion to a data type -----------------------------------------------------------------------------


@given(
    st.lists(st.floats(width=32), max_size=20),
    st.sampled_from([*DTYPES, "int64", "uint64"]),
)
def test_counts_are_rounded_and_clipped(values, dtype):
    values = np.array(values, dtype=np.float32)
    result = to_dtype(values, dtype)
    assert result.dtype == dtype
    if result.dtype.kind == "f":
        with np.errstate(over="ignore"):
            np.testing.assert_array_equal(result, values.astype(dtype))
        return
    low, high = (0, 1) if dtype == "bool" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    for value, count in zip(values.tolist(), result.tolist(), strict=True):
        if np.isnan(value):
            assert count == 0
        elif low < value < high:
            assert abs(count - value) <= 0.5 or dtype.endswith("64")
        else:
            assert count == pytest.approx(low if value <= low else high, rel=1e-15)


@given(st.sampled_from(DTYPES[:-3]), st.data())
def test_counts_come_back_from_floats(dtype, draws):
    low, high = (0, 1) if dtype == "bool" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    counts = np.array(draws.draw(st.lists(st.integers(low, high), max_size=9)), dtype).reshape(-1, 1)
    np.testing.assert_array_equal(to_dtype(counts.astype(np.float64).T, dtype), counts.T, strict=True)


@pytest.mark.parametrize(("ratio", "saturated"), [(2, False), (2.9, False), (3.5, True)])
def test_an_image_is_saturated_where_its_brightest_value_is_thrice_as_frequent_as_the_next(ratio, saturated):
    image = np.concatenate([np.arange(100.0), np.full(100, 100.0), np.full(int(100 * ratio), 101.0)])
    assert (clipping_level(image) == 101) is saturated
    assert clipping_level(np.repeat([1.0, 2.0, 3.0], [50, 1, 9])) is None
    assert clipping_level(np.repeat([1.0, 2.0, 3.0], [50, 1, 10])) == 3


@pytest.mark.parametrize("dtype", [np.uint8, np.int16])
def test_fractions_go_to_the_nearest_whole_number(dtype):
    values = np.array([0.4, 0.6, 1.2, 1.8, 41.51, 99.49])
    np.testing.assert_array_equal(to_dtype(values, dtype), np.array([0, 1, 1, 2, 42, 99], dtype))
    if dtype == np.int16:
        np.testing.assert_array_equal(to_dtype(-values, dtype), [0, -1, -1, -2, -42, -99])


def test_random_rounding_gives_the_two_neighbours_only():
    values = np.full(1000, 7.25)
    found, counts = np.unique(to_dtype(values, np.uint8, np.random.default_rng(0)), return_counts=True)
    np.testing.assert_array_equal(found, [7, 8])
    assert 180 < counts[1] < 320
