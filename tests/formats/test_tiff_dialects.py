"""TIFF dialects: an output has the dialect of its input, and other programs find their metadata in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from muguet import MuguetError
from muguet.formats import read, write
from muguet.formats.tiff_dialects import options
from muguet.image import Image


def counted(shape, dtype="uint16"):
    return (np.arange(np.prod(shape)) % 251).reshape(shape).astype(dtype)


def test_an_image_is_written_in_the_dialect_it_was_read_from(tmp_path):
    names = ("nuclei", "actin <&> µ")
    for kind in ("ome", "imagej"):
        first, second = tmp_path / f"{kind}1.tif", tmp_path / f"{kind}2.tif"
        shown = (
            {"mode": "composite", "Ranges": (0.0, 9.0, 1.0, 8.0), "Info": "objective 60×"}
            if kind == "imagej"
            else {}
        )
        write(first, Image(counted((2, 7, 9)), "CYX", kind=kind, channel_names=names, imagej=shown))
        write(second, read(first))
        back = read(second)
        assert back.kind == kind
        assert back.channel_names == (names if kind == "ome" else ())
        assert dict(back.imagej) == shown


def test_fiji_finds_its_scale_and_its_dimensions(tmp_path):
    path = tmp_path / "a.tif"
    write(path, Image(counted((4, 2, 9, 7, 3)), "ZTYXC", {"X": 0.1, "Y": 0.2, "Z": 0.5, "T": 3.0}))
    with tifffile.TiffFile(path) as tif:
        assert tif.is_imagej
        assert tif.series[0].axes == "TZCYX"
        assert {"unit": "micron", "spacing": 0.5, "finterval": 3.0}.items() <= tif.imagej_metadata.items()
        assert tif.pages[0].tags["XResolution"].value == (10, 1)
        assert tif.pages[0].tags["YResolution"].value == (5, 1)


def test_a_colour_image_stays_a_colour_image(tmp_path):
    data = counted((20, 30, 3), "uint8")
    tifffile.imwrite(tmp_path / "a.tif", data, photometric="rgb", metadata=None)
    image = read(tmp_path / "a.tif")
    assert image.axes == "YXS"
    write(tmp_path / "b.tif", image)
    with tifffile.TiffFile(tmp_path / "b.tif") as tif:
        assert tif.pages[0].photometric == tifffile.PHOTOMETRIC.RGB
    back = read(tmp_path / "b.tif")
    assert back.axes == image.axes
    np.testing.assert_array_equal(back.data, data, strict=True)


def test_samples_without_colour_are_channels(tmp_path):
    data = counted((2, 20, 30), "uint8")
    tifffile.imwrite(
        tmp_path / "a.tif", data, photometric="minisblack", planarconfig="separate", metadata=None
    )
    image = read(tmp_path / "a.tif")
    assert image.axes == "CYX"
    np.testing.assert_array_equal(image.data, data)


def test_pixels_that_a_dialect_cannot_store_are_refused(tmp_path):
    with pytest.raises(MuguetError, match=r"without \.ome"):
        write(tmp_path / "a.ome.tif", Image(counted((4, 5), "float16"), "YX"))
    with pytest.raises(MuguetError, match="int64"):
        write(tmp_path / "a.tif", Image(counted((4, 5), "int64"), "YX"))
    assert list(tmp_path.iterdir()) == []


def test_images_above_four_gigabytes_become_bigtiff_instead_of_imagej():
    huge = Image(np.broadcast_to(np.uint16(0), (40, 8192, 8192)), "ZYX", {"X": 0.1, "Y": 0.1})
    keywords = options(Path("a.tif"), huge, "ZYX")
    assert keywords["bigtiff"]
    assert keywords["ome"]
    assert not keywords["imagej"]
