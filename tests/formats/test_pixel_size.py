"""Pixel sizes are converted to micrometres and seconds; meaningless sizes are left out."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from muguet.formats import read
from muguet.formats.pixel_size import size_from_lsm


def counted(shape):
    return np.arange(np.prod(shape), dtype=np.uint16).reshape(shape)


@pytest.mark.parametrize(
    ("unit", "micrometres"),
    [
        ("nm", 1e-3),
        ("µm", 1.0),
        ("μm", 1.0),
        ("mm", 1e3),
        ("cm", 1e4),
        ("m", 1e6),
        ("pixel", None),
        ("in", 25400),
    ],
)
def test_ome_units(tmp_path, unit, micrometres):
    metadata = {"axes": "YX", "PhysicalSizeX": 2.0, "PhysicalSizeXUnit": unit}
    tifffile.imwrite(tmp_path / "a.ome.tif", counted((9, 8)), metadata=metadata)
    expected = {} if micrometres is None else {"X": pytest.approx(2 * micrometres)}
    assert read(tmp_path / "a.ome.tif").pixel_size == expected


@pytest.mark.parametrize(
    ("unit", "micrometres"),
    [
        ("micron", 1),
        ("um", 1),
        ("\\u00B5m", 1),
        ("microns", 1),
        ("nm", 1e-3),
        ("inch", 25400),
        ("inches", 25400),
        ("pixel", None),
        ("", None),
        ("7", None),
    ],
)
def test_imagej_units(tmp_path, unit, micrometres):
    tifffile.imwrite(
        tmp_path / "a.tif",
        counted((3, 9, 8)),
        imagej=True,
        resolution=(4.0, 2.0),
        metadata={"axes": "ZYX", "unit": unit, "spacing": -3.0},
    )
    sizes = read(tmp_path / "a.tif").pixel_size
    expected = (
        {} if micrometres is None else {"X": 0.25 * micrometres, "Y": 0.5 * micrometres, "Z": 3 * micrometres}
    )
    assert sizes == pytest.approx(expected)


@pytest.mark.parametrize(
    ("metadata", "seconds"),
    [
        ({"fps": 4.0}, 0.25),
        ({"finterval": 2, "tunit": "min"}, 120),
        ({"finterval": 0}, None),
        ({"finterval": 500, "tunit": "ms"}, 0.5),
        ({"finterval": 250, "tunit": "us"}, 250e-6),
        ({"finterval": 2, "tunit": "hours"}, 7200),
    ],
)
def test_imagej_time(tmp_path, metadata, seconds):
    tifffile.imwrite(
        tmp_path / "a.tif", counted((3, 9, 8)), imagej=True, metadata={"axes": "TYX", **metadata}
    )
    assert read(tmp_path / "a.tif").pixel_size.get("T") == seconds


@pytest.mark.parametrize(
    ("resolution", "unit", "micrometres"),
    [
        (1e5, "CENTIMETER", 0.1),
        (254000, "INCH", 0.1),
        (72, "INCH", None),
        (96, "INCH", None),
        (1, "INCH", None),
        (1, "CENTIMETER", None),
        (28.35, "CENTIMETER", None),
        (1e5, "NONE", None),
    ],
)
def test_resolution_of_plain_tiff(tmp_path, resolution, unit, micrometres):
    tifffile.imwrite(
        tmp_path / "a.tif", counted((9, 8)), resolution=(resolution,) * 2, resolutionunit=unit, metadata=None
    )
    expected = {} if micrometres is None else {"X": micrometres, "Y": micrometres}
    assert read(tmp_path / "a.tif").pixel_size == pytest.approx(expected)


def test_each_axis_of_an_imagej_image_may_have_a_unit_of_its_own(tmp_path):
    metadata = {"axes": "ZYX", "unit": "um", "yunit": "mm", "zunit": "nm", "spacing": 300.0}
    tifffile.imwrite(
        tmp_path / "a.tif", counted((3, 9, 8)), imagej=True, resolution=(4, 2), metadata=metadata
    )
    assert read(tmp_path / "a.tif").pixel_size == pytest.approx({"X": 0.25, "Y": 500.0, "Z": 0.3})


def test_a_zeiss_lsm_is_in_metres_and_seconds():
    record = {"VoxelSizeX": 1e-7, "VoxelSizeY": 2e-7, "VoxelSizeZ": 0.0, "TimeIntervall": 2.5}
    assert size_from_lsm(record) == pytest.approx({"X": 0.1, "Y": 0.2, "T": 2.5})
