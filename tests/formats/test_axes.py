"""The axes of files of other programs, in any order, and the sentence about wrong ones."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

from muguet import MuguetError
from muguet.formats import read

SIZES = {"T": 2, "C": 3, "Z": 4, "Y": 20, "X": 24, "S": 3}


def counted(axes: str) -> np.ndarray:
    shape = [SIZES[letter] for letter in axes]
    return np.arange(int(np.prod(shape)), dtype=np.uint16).reshape(shape)


def ngff(path: Path, axes: str, version: str) -> np.ndarray:
    """Write an image of OME-Zarr with axes in any order."""
    data, kinds = counted(axes), {"T": "time", "C": "channel"}
    group = zarr.open_group(path, mode="w", zarr_format=3 if version == "0.5" else 2)
    group.create_array("0", data=data)
    scale = {"type": "scale", "scale": [1.0 + i for i in range(len(axes))]}
    entry = {
        "axes": [{"name": letter.lower(), "type": kinds.get(letter, "space")} for letter in axes],
        "datasets": [{"path": "0", "coordinateTransformations": [scale]}],
    }
    group.attrs.update({"ome": {"version": version, "multiscales": [entry]}} if version == "0.5" else {})
    if version == "0.4":
        group.attrs["multiscales"] = [{"version": version, **entry}]
    return data


@settings(max_examples=20, deadline=None)
@given(
    st.sets(st.sampled_from("TCZ")).flatmap(lambda more: st.permutations(sorted(more | {"Y", "X"}))),
    st.booleans(),
)
def test_ome_zarr_in_any_order(letters, new):
    axes = "".join(letters)
    with tempfile.TemporaryDirectory() as folder:
        data = ngff(Path(folder) / "a.zarr", axes, "0.5" if new else "0.4")
        image = read(Path(folder) / "a.zarr")
    assert image.axes == axes
    np.testing.assert_array_equal(image.data, data)


@pytest.mark.parametrize("order", list(map("".join, itertools.permutations("TCZ"))))
@pytest.mark.parametrize("last", ["YX", "YXS"])
def test_ome_xml_in_any_order(tmp_path, order, last):
    data = counted(order + last)
    photometric = "rgb" if "S" in last else "minisblack"
    metadata = {"axes": order + last}
    tifffile.imwrite(tmp_path / "a.ome.tif", data, ome=True, photometric=photometric, metadata=metadata)
    image = read(tmp_path / "a.ome.tif")
    assert sorted(image.axes) == sorted(order + last)
    found = image.data.transpose([image.axes.index(letter) for letter in order + last])
    np.testing.assert_array_equal(found, data)


@pytest.mark.parametrize("axes", ["TZCYX", "TCYX", "ZCYX", "TZYX", "CYX", "ZYX", "TYX", "YX"])
def test_imagej(tmp_path, axes):
    stored = "".join(letter for letter in "TZCYX" if letter in axes)  # ImageJ has no other order.
    data = counted(stored)
    tifffile.imwrite(tmp_path / "a.tif", data, imagej=True, metadata={"axes": stored})
    image = read(tmp_path / "a.tif")
    assert image.axes == stored
    np.testing.assert_array_equal(image.data, data)


@pytest.mark.parametrize("axes", ["TYX", "TCZYXS", "QYX", "TCCYX", "TCZAX"])
def test_wrong_axes_are_answered_with_those_of_the_file(tmp_path, axes):
    ngff(tmp_path / "a.zarr", "CTZXY", "0.5")
    tifffile.imwrite(tmp_path / "a.ome.tif", counted("TCZYX"), metadata={"axes": "TCZYX"})
    tifffile.imwrite(tmp_path / "a.tif", counted("TZCYX"), imagej=True, metadata={"axes": "TZCYX"})
    for name, stored in (("a.zarr", "CTZXY"), ("a.ome.tif", "TCZYX"), ("a.tif", "TZCYX")):
        with pytest.raises(MuguetError, match=f"was read as {stored}"):
            read(tmp_path / name, axes=axes)
