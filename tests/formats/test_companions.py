"""Formats whose metadata lie elsewhere: OME-XML in another file, and records of Zeiss and MetaMorph."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from muguet import MuguetError
from muguet.formats import members, read_all, write
from muguet.image import Image

UUID = "urn:uuid:00000000-0000-0000-0000-00000000000"
SPACE = 'xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"'


def counted(shape, dtype="uint16", start=0):
    return ((np.arange(np.prod(shape)) + start) % 251).reshape(shape).astype(dtype)


def description(identifier):
    tiff_data = "".join(
        f'<TiffData FirstT="{t}" IFD="0" PlaneCount="1"><UUID FileName="t{t}.ome.tif">{UUID}{t}</UUID></TiffData>'
        for t in range(2)
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><OME {SPACE} UUID="{UUID}{identifier}"><Image ID="Image:0" Name="both">'
        '<Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint16" SizeX="30" SizeY="20" SizeZ="1" SizeC="1" '
        'SizeT="2" PhysicalSizeX="0.2"><Channel ID="Channel:0:0" SamplesPerPixel="1" Name="GFP"/>'
        f"{tiff_data}</Pixels></Image></OME>"
    )


@pytest.mark.parametrize("master", ["all.companion.ome", "t0.ome.tif"])
def test_a_file_that_another_one_describes(tmp_path, master):
    movie = counted((2, 20, 30))
    other = f'<OME {SPACE}><BinaryOnly MetadataFile="{master}" UUID="{UUID}9"/></OME>'
    if master.endswith(".ome"):
        (tmp_path / master).write_text(description(9))
    for t in range(2):
        text = description(0) if master == f"t{t}.ome.tif" else other
        tifffile.imwrite(tmp_path / f"t{t}.ome.tif", movie[t], description=text, metadata=None)
    paths = {tmp_path / "t0.ome.tif", tmp_path / "t1.ome.tif"}
    for path in paths:
        assert set(members(path)) == paths
        (image,) = read_all(path)
        assert (image.axes, image.name, image.channel_names) == ("TYX", "both", ("GFP",))
        np.testing.assert_array_equal(image.data, movie)
    assert write(tmp_path / "out" / "a.ome.tif", image) == ()
    np.testing.assert_array_equal(read_all(tmp_path / "out" / "a.ome.tif")[0].data, movie)
    if master.endswith(".ome"):
        (tmp_path / master).unlink()
        with pytest.raises(MuguetError, match=r"all\.companion\.ome describes, which is missing"):
            read_all(tmp_path / "t0.ome.tif")


def test_an_lsm_file_becomes_a_tiff_with_its_pixel_size(tmp_path):
    record = np.zeros(1, np.dtype(tifffile.TIFF.CZ_LSMINFO))
    facts = {"MagicNumber": 67127628, "StructureSize": record.nbytes, "DimensionX": 30, "DimensionY": 20}
    facts |= {"DimensionZ": 3, "DimensionChannels": 1, "DimensionTime": 1, "TimeIntervall": 0.0}
    facts |= {"VoxelSizeX": 1e-7, "VoxelSizeY": 1e-7, "VoxelSizeZ": 5e-7}
    for name, value in facts.items():
        record[0][name] = value
    stack = counted((3, 20, 30))
    with tifffile.TiffWriter(tmp_path / "a.lsm") as tif:
        for n, plane in enumerate(stack):
            tag = (34412, 1, record.nbytes, record.tobytes(), True)
            common = {"metadata": None, "contiguous": False, "software": False}
            tif.write(
                plane, photometric="minisblack", subfiletype=0, extratags=[tag] if n == 0 else [], **common
            )
            tif.write(np.zeros((10, 15, 3), "uint8"), photometric="rgb", subfiletype=1, **common)
    (image,) = read_all(tmp_path / "a.lsm")
    assert image.axes == "ZYX"
    assert image.pixel_size == pytest.approx({"X": 0.1, "Y": 0.1, "Z": 0.5})
    np.testing.assert_array_equal(image.data, stack)
    (sentence,) = write(tmp_path / "b.tif", image)
    assert "instead of a Zeiss LSM file" in sentence
    (back,) = read_all(tmp_path / "b.tif")
    assert back.pixel_size == pytest.approx({"X": 0.1, "Y": 0.1, "Z": 0.5})
    np.testing.assert_array_equal(back.data, stack)


def test_a_calibration_that_imagej_will_not_apply_is_named(tmp_path):
    metadata = {"axes": "YX", "cf": 0, "c0": -32768.0, "c1": 1.0}
    tifffile.imwrite(tmp_path / "a.tif", counted((20, 30)), imagej=True, metadata=metadata)
    (image,) = read_all(tmp_path / "a.tif")
    assert write(tmp_path / "b.tif", image) == ()
    changed = Image(**{**image.__dict__, "data": image.data.astype("float32")})
    (sentence,) = write(tmp_path / "c.tif", changed)
    assert "c0" in sentence
