"""Named axes: an array is split into planes and joined again without loss."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from muguet import MuguetError
from muguet.image import Layout
from muguet.image.axes import LETTERS, guess, named, parse


@st.composite
def layouts(draw):
    others = draw(st.sets(st.sampled_from("TCZS")))
    axes = "".join(draw(st.permutations(sorted(others | {"Y", "X"}))))
    shape = tuple(draw(st.lists(st.integers(1, 4), min_size=len(axes), max_size=len(axes))))
    return Layout(axes, shape, draw(st.sampled_from((2, 3) if "Z" in axes else (2,))))


def counted(shape, dtype=np.int64):
    return np.arange(np.prod(shape), dtype=dtype).reshape(shape)


@given(layouts(), st.sampled_from([np.uint8, np.int16, np.float32, np.float64, np.bool_, ">u2"]))
def test_join_undoes_split_exactly(layout, dtype):
    array = counted(layout.shape).astype(dtype)
    planes = layout.split(array)
    assert planes.shape == (layout.planes, layout.channels, *layout.space)
    back = layout.join(planes)
    assert back.dtype == array.dtype
    np.testing.assert_array_equal(back, array, strict=True)


@given(layouts())
def test_split_undoes_join_exactly(layout):
    planes = counted((layout.planes, layout.channels, *layout.space))
    np.testing.assert_array_equal(layout.split(layout.join(planes)), planes)


@given(layouts())
def test_the_first_plane_is_the_first_image_of_the_array(layout):
    array = counted(layout.shape)
    first = {letter: 0 for letter in layout.axes if letter not in layout.spatial_axes}
    image = array[tuple(first.get(letter, slice(None)) for letter in layout.axes)]
    spatial = [letter for letter in layout.axes if letter in layout.spatial_axes]
    image = image.transpose([spatial.index(letter) for letter in layout.spatial_axes])
    np.testing.assert_array_equal(layout.split(array)[0, 0], image)


def test_split_and_join_return_views_if_possible():
    layout = Layout("ZTYXC", (2, 3, 4, 5, 2), 3)
    array = counted(layout.shape)
    planes = layout.split(array)
    assert np.shares_memory(planes, array)
    assert np.shares_memory(layout.join(planes), array)


def test_z_is_a_sample_in_two_dimensions_and_space_in_three():
    assert Layout("TZYX", (2, 3, 8, 9), 2).planes == 6
    volume = Layout("TZYX", (2, 3, 8, 9), 3)
    assert (volume.planes, volume.space, volume.spatial_axes) == (2, (3, 8, 9), "ZYX")


def test_samples_of_a_colour_are_channels():
    assert Layout("YXS", (8, 9, 3)).channels == 3
    assert Layout("CYXS", (2, 8, 9, 3)).channels == 6


@given(st.text("TCZYXSQtyx ?", max_size=7), st.none() | st.integers(0, 6))
def test_parse_returns_valid_axes_or_raises(axes, ndim):
    try:
        parsed = parse(axes, ndim)
    except MuguetError:
        return
    assert set("YX") <= set(parsed) <= set(LETTERS)
    assert len(set(parsed)) == len(parsed) == (ndim if ndim is not None else len(parsed))


def test_parse_accepts_lower_case():
    assert parse(" tcyx", 4) == "TCYX"


@pytest.mark.parametrize(
    ("axes", "ndim", "words"),
    [
        ("YQX", 3, "unknown letter 'Q'"),
        ("YYX", 3, "twice"),
        ("TY", 2, "lack"),
        ("", 0, "lack"),
        ("YX", 3, "has 3"),
    ],
)
def test_parse_names_the_mistake(axes, ndim, words):
    with pytest.raises(MuguetError, match=words) as caught:
        parse(axes, ndim)
    assert repr(axes) in str(caught.value)


@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ((64, 48), "YX"),
        ((12, 64, 48), "TYX"),
        ((3, 64, 48), "TYX"),
        ((64, 48, 3), "YXS"),
        ((64, 3, 3), "TYX"),  # Rows and columns are too short for a colour image.
        ((12, 64, 48, 4), "TYXS"),
        ((12, 2, 64, 48), "TCYX"),
        ((12, 30, 64, 48), "TZYX"),
        ((12, 2, 30, 64, 48), "TCZYX"),
    ],
)
def test_guess_from_common_shapes(shape, axes):
    assert guess(shape) == axes


@given(st.lists(st.integers(1, 40), min_size=2, max_size=5))
def test_every_guess_fits_its_shape(shape):
    assert parse(guess(shape), len(shape))


@pytest.mark.parametrize("shape", [(), (7,), (1, 2, 3, 4, 5, 6)])
def test_shapes_without_a_guess_are_refused(shape):
    with pytest.raises(MuguetError, match="axes="):
        guess(shape)


def test_a_layout_that_does_not_fit_is_refused():
    with pytest.raises(MuguetError, match="has 2"):
        Layout("TYX", (4, 5))
    with pytest.raises(MuguetError, match="Z axis"):
        Layout("TYX", (3, 4, 5), 3)
    with pytest.raises(MuguetError, match="2 or 3"):
        Layout("YX", (4, 5), 1)
    layout = Layout("YX", (4, 5))
    with pytest.raises(MuguetError, match="array has shape"):
        layout.split(np.zeros((5, 4)))
    with pytest.raises(MuguetError, match="planes have shape"):
        layout.join(np.zeros((1, 1, 5, 4)))


def test_a_guess_that_could_be_wrong_gives_a_warning(recwarn):
    assert named(None, (5, 6)) == "YX"
    assert named("zyx", (4, 5, 6)) == "ZYX"
    assert not recwarn
    with pytest.warns(UserWarning, match="assumed to be TYX"):
        assert named(None, (4, 5, 6)) == "TYX"


@pytest.mark.parametrize("axes", ["TZYX", "ZTYX", "YXZT"])
def test_the_planes_of_a_time_point_follow_each_other_from_the_first_to_the_last_in_z(axes):
    sizes = {"T": 2, "Z": 3, "Y": 4, "X": 5}
    layout = Layout(axes, tuple(sizes[letter] for letter in axes))
    array = counted(layout.shape)
    ordered = array.transpose([axes.index(letter) for letter in "TZYX"])
    planes = layout.split(array)
    for n in range(6):
        np.testing.assert_array_equal(planes[n, 0], ordered[n // 3, n % 3])
        np.testing.assert_array_equal(layout.plane(array, n, 0), planes[n, 0])


def test_the_samples_of_a_colour_follow_each_other_within_their_channel():
    array = counted((2, 4, 5, 3))
    planes = Layout("CYXS", array.shape).split(array)
    for c in range(6):
        np.testing.assert_array_equal(planes[0, c], array[c // 3, :, :, c % 3])
