"""Images are given to Python functions as arrays, or as paths that are read as on the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

import muguet
from muguet import MuguetError
from muguet.formats.given import given, given_one

DATA = (np.random.default_rng(0).poisson(20, (3, 32, 40)) * 2 + 100).astype(np.uint16)


@pytest.fixture
def path(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", DATA, imagej=True, metadata={"axes": "ZYX"})
    return tmp_path / "a.tif"


def test_paths_are_read_with_their_axes(path):
    for each in (path, str(path), path.parent, [path]):
        (found,) = given(each, None)
        assert (found.axes, found.name) == ("ZYX", str(path))
        np.testing.assert_array_equal(found.array, DATA)
    assert [each.axes for each in given([path, DATA], None)] == ["ZYX", None]
    assert given_one(path, "TYX").axes == "TYX"
    with pytest.raises(MuguetError, match="does not exist"):
        given(Path("missing.tif"), None)


def test_functions_take_paths(path, recwarn):
    choices = {"steps": 2, "prior": "none", "device": "cpu"}
    model = muguet.fit(path, **choices)
    assert not recwarn
    np.testing.assert_array_equal(model(path), model(DATA, "ZYX"))
    assert muguet.denoise(str(path), **choices).shape == DATA.shape


def test_a_function_that_takes_one_image_refuses_several(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.ome.tif", ome=True) as tif:
        for p in range(2):
            tif.write(DATA[0], photometric="minisblack", metadata={"axes": "YX", "Name": f"Pos{p}"})
    assert len(given(tmp_path / "a.ome.tif", None)) == 2
    with pytest.raises(MuguetError, match="holds 2 images"):
        given_one(tmp_path / "a.ome.tif", None)
