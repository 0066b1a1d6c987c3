"""A TIFF of any dialect is read and written again: all pages, tags and descriptions are those of the input."""

from __future__ import annotations

import json
import struct
from dataclasses import replace

import numpy as np
import pytest
import tifffile

from muguet.formats import read_all, write

# Where the pixels lie in the file.
PLACES = {"StripOffsets", "StripByteCounts", "TileOffsets", "TileByteCounts"}
LUT = np.zeros((3, 256), np.uint16)
LUT[1] = np.arange(256) * 257
PICTURE = (np.arange(40 * 48) % 251).reshape(40, 48)


def counted(shape, dtype="uint16"):
    return (np.arange(np.prod(shape)) % 251).reshape(shape).astype(dtype)


def tags_of(path):
    """Return the structure of a file, and the values of the tags of every page by name."""
    pages = []
    with tifffile.TiffFile(path) as tif:
        for page in tif.pages:
            page = page.aspage()
            pages.append({tag.name: value_of(tag) for tag in page.tags if tag.name not in PLACES})
        return (tif.byteorder, tif.is_bigtiff), pages


def value_of(tag):
    """Return the value of a tag in a form that can be compared, with all numbers of arrays."""
    with np.printoptions(threshold=10**6):
        return repr(tag.value)


def differences(path, other):
    """Return the names of the tags that are not the same on all pages of two files."""
    (structure, pages), (other_structure, other_pages) = tags_of(path), tags_of(other)
    found = set() if structure == other_structure else {"structure"}
    if len(pages) != len(other_pages):
        return found | {f"{len(pages)} pages become {len(other_pages)}"}
    for page, other_page in zip(pages, other_pages, strict=True):
        names = page.keys() | other_page.keys()
        found |= {name for name in names if page.get(name) != other_page.get(name)}
    return found


def round_trip(path, out, dtype=None):
    """Read all images of a file, change their values, write them, read them again and compare."""
    images = read_all(path)
    changed = [replace(each, data=(each.data[..., ::-1]).astype(dtype or each.data.dtype)) for each in images]
    lost = write(out, changed)
    back = read_all(out)
    assert len(back) == len(changed)
    for image, expected in zip(back, changed, strict=True):
        assert (image.axes, image.name, image.kind) == (expected.axes, expected.name, expected.kind)
        assert dict(image.pixel_size) == pytest.approx(dict(expected.pixel_size))
        assert image.channel_names == expected.channel_names
        np.testing.assert_array_equal(image.data, expected.data, strict=True)
    return lost


def tagged(path, data, **options):
    """Write a plain TIFF with the tags of a careful program."""
    tifffile.imwrite(
        path,
        data,
        **{
            "metadata": None,
            "description": "a description of my own",
            "software": "my software 1.0",
            "datetime": "2026:11:25 10:11:12",
            "resolution": ((1234567, 89), (1234567, 91)),
            "resolutionunit": "CENTIMETER",
            "extratags": [
                (315, 2, 0, "an artist", True),
                (33432, 2, 0, "a copyright", True),
                (269, 2, 0, "document", True),
                (286, 5, 1, (7, 3), True),
                (65000, 12, 3, (1.5, 2.5, -3.0), True),
                (65001, 7, 5, b"\0\1\2\3\4", False),
                (65002, 3, 1, 7, False),
            ],
            "photometric": "minisblack",
            **options,
        },
    )


PLAIN = {
    "page": {},
    "stack": {"data": counted((5, 40, 48))},
    "big-endian": {"byteorder": ">"},
    "big-endian stack": {"byteorder": ">", "data": counted((3, 40, 48), "float32")},
    "bigtiff": {"bigtiff": True},
    "tiles": {"tile": (16, 32)},
    "tiles and zlib": {"tile": (16, 16), "compression": "zlib", "predictor": True},
    "strips": {"rowsperstrip": 7},
    "strips and zstd": {"rowsperstrip": 7, "compression": "zstd"},
    "lzw": {"compression": "lzw", "predictor": True},
    "float predictor": {"compression": "zlib", "predictor": True, "data": PICTURE.astype("float32")},
    "palette": {"photometric": "palette", "colormap": LUT, "data": PICTURE.astype("uint8")},
    "palette stack": {"photometric": "palette", "colormap": LUT, "data": counted((3, 40, 48), "uint8")},
    "white is zero": {"photometric": "miniswhite"},
    "rgb": {"photometric": "rgb", "data": counted((40, 48, 3), "uint8")},
    "rgb stack": {"photometric": "rgb", "data": counted((4, 40, 48, 3), "uint8")},
    "rgba": {"photometric": "rgb", "data": counted((40, 48, 4), "uint8"), "extrasamples": ["ASSOCALPHA"]},
    "planar rgb": {"photometric": "rgb", "data": counted((3, 40, 48), "uint8"), "planarconfig": "separate"},
    "extra samples": {"data": counted((40, 48, 4)), "planarconfig": "contig", "extrasamples": [0, 0, 0]},
    "planar samples": {"data": counted((4, 40, 48)), "planarconfig": "separate"},
    "cmyk": {"photometric": "separated", "data": counted((40, 48, 4), "uint8")},
    "bilevel": {"data": PICTURE > 99},
    "signed": {"data": PICTURE.astype("int16")},
    "32 bits": {"data": PICTURE.astype("uint32")},
    "double": {"data": PICTURE.astype("float64")},
    "half": {"data": PICTURE.astype("float16")},
    "packbits": {"compression": "packbits"},
    "volume": {"data": counted((3, 40, 48)), "volumetric": True},
    "one column": {"data": counted((40, 1))},
    "one row": {"data": counted((1, 48))},
    "reduced": {"subfiletype": 1},
}


@pytest.mark.parametrize("options", PLAIN.values(), ids=PLAIN.keys())
def test_a_plain_tiff(tmp_path, options):
    options = dict(options)
    path, out = tmp_path / "a.tif", tmp_path / "b.tif"
    tagged(path, options.pop("data", PICTURE.astype("uint16")), **options)
    assert round_trip(path, out) == ()
    assert differences(path, out) == set()


def test_pages_with_tags_of_their_own(tmp_path):
    path, out = tmp_path / "a.tif", tmp_path / "b.tif"
    with tifffile.TiffWriter(path) as tif:
        for n in range(4):
            tif.write(
                counted((40, 48)) + np.uint16(n),
                contiguous=False,
                metadata=None,
                description=f"frame {n}, exposure {n / 10} s",
                datetime=f"2026:11:25 10:11:{n:02}",
                software=False,
                extratags=[(65000, 12, 1, n / 7, True)],
            )
    assert round_trip(path, out) == ()
    assert differences(path, out) == set()


SHAPED = {
    "named axes": ({"axes": "TZCYX", "exposure": 0.3, "note": "µm"}, (2, 3, 2, 40, 48)),
    "unnamed axes": ({}, (5, 40, 48)),
    "other axes": ({"axes": "QAYX"}, (2, 3, 40, 48)),
    "positions": ({"axes": "RTYX"}, (3, 2, 40, 48)),
    "axes of size one": ({"axes": "TZCYX"}, (1, 1, 1, 40, 48)),
}


@pytest.mark.parametrize(("metadata", "shape"), SHAPED.values(), ids=SHAPED.keys())
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_a_tiff_of_tifffile(tmp_path, metadata, shape, compression):
    path, out = tmp_path / "a.tif", tmp_path / "b.tif"
    data = counted(shape)
    tifffile.imwrite(path, data, metadata=metadata, photometric="minisblack", compression=compression)
    assert round_trip(path, out) == ()
    assert differences(path, out) == set()


IMAGEJ = {
    "unit of one image": ((40, 48), {"axes": "YX", "unit": "nm", "xorigin": 12.0, "yorigin": -3.5}),
    "interval of one frame": ((40, 48), {"axes": "YX", "unit": "mm", "finterval": 0.25, "fps": 4.0}),
    "calibration function": (
        (3, 40, 48),
        {"axes": "ZYX", "cf": 0, "c0": -32768.0, "c1": 1.0, "vunit": "gray"},
    ),
    "properties": ((40, 48), {"axes": "YX", "Properties": {"Camera": "Flash4", "Gain": "0.46"}}),
    "display": (
        (2, 3, 40, 48),
        {
            "axes": "TCYX",
            "mode": "composite",
            "Ranges": (0.0, 9.0, 1.0, 8.0, 2.0, 7.0),
            "LUTs": [LUT.astype(np.uint8)] * 3,
            "Labels": [f"slice {n}" for n in range(6)],
            "Info": "objective 60×",
            "loop": False,
            "min": 3.0,
            "max": 200.0,
        },
    ),
    "overlay": ((40, 48), {"axes": "YX", "ROI": b"Iout-roi", "Overlays": [b"Iout-one", b"Iout-two"]}),
    "units of axes": (
        (3, 40, 48),
        {"axes": "ZYX", "unit": "um", "yunit": "mm", "zunit": "nm", "spacing": -0.3},
    ),
    "other time": ((3, 40, 48), {"axes": "TYX", "finterval": 2.0, "tunit": "min"}),
}


@pytest.mark.parametrize(("shape", "metadata"), IMAGEJ.values(), ids=IMAGEJ.keys())
@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_an_imagej_tiff(tmp_path, shape, metadata, byteorder, dtype):
    path, out = tmp_path / "a.tif", tmp_path / "b.tif"
    tifffile.imwrite(
        path,
        counted(shape, dtype),
        imagej=True,
        byteorder=byteorder,
        resolution=(4.0, 3.0),
        metadata=metadata,
    )
    assert round_trip(path, out) == ()
    assert differences(path, out) == set()
    with tifffile.TiffFile(out) as tif:
        # ImageJ reads the planes of a stack one after the other from the place of the first.
        assert tif.series[0].dataoffset is not None


@pytest.mark.parametrize("photometric", ["miniswhite", "palette"])
def test_an_imagej_tiff_with_another_meaning_of_values(tmp_path, photometric):
    path, out = tmp_path / "a.tif", tmp_path / "b.tif"
    options = {"colormap": LUT} if photometric == "palette" else {}
    tifffile.imwrite(
        path,
        counted((3, 40, 48), "uint8"),
        imagej=True,
        photometric=photometric,
        metadata={"axes": "TYX"},
        **options,
    )
    assert round_trip(path, out) == ()
    assert differences(path, out) == set()


def test_an_imagej_stack_whose_pages_are_not_listed(tmp_path):
    """ImageJ stores stacks above 4 GB with one page and the number of images in the description."""
    path, out = tmp_path / "a.tif", tmp_path / "b.tif"
    data = counted((4, 40, 48))
    description = "ImageJ=1.54f\nimages=4\nframes=4\nunit=nm\nfinterval=0.5\nc0=-5\n"
    tifffile.imwrite(path, data[:1], description=description, metadata=None, resolution=(2.0, 2.0))
    path.write_bytes(path.read_bytes() + data[1:].tobytes())
    raw = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as tif:
        start = tif.pages[0].dataoffsets[0]
    raw[start : start + data.nbytes] = data.tobytes()
    path.write_bytes(raw)
    assert round_trip(path, out) == ()
    with tifffile.TiffFile(out) as tif:
        assert len(tif.pages) == 4
        assert tif.pages[0].tags["ImageDescription"].value == description.rstrip()


OME = {
    "channels": {
        "axes": "TCYX",
        "Channel": {
            "Name": ["DAPI", "GFP"],
            "Color": [65535, 16711935],
            "EmissionWavelength": [460, 520],
            "EmissionWavelengthUnit": ["nm", "nm"],
        },
        "TimeIncrement": 30.0,
        "TimeIncrementUnit": "ms",
        "PhysicalSizeX": 65.0,
        "PhysicalSizeXUnit": "nm",
        "Name": "my image",
        "Description": "a <description> & more",
        "Plane": {
            "DeltaT": [0.1 * i for i in range(4)],
            "PositionX": [float(i) for i in range(4)],
            "PositionXUnit": ["µm"] * 4,
        },
        "SignificantBits": 12,
    },
    "annotations": {
        "axes": "TCYX",
        "MapAnnotation": {"key": "value"},
        "CommentAnnotation": "a comment",
        "Description": "x",
    },
}


@pytest.mark.parametrize("metadata", OME.values(), ids=OME.keys())
@pytest.mark.parametrize(
    "options",
    [{}, {"compression": "zlib", "tile": (16, 16)}, {"bigtiff": True}, {"byteorder": ">"}],
    ids=["plain", "tiles", "bigtiff", "big-endian"],
)
def test_an_ome_tiff(tmp_path, metadata, options):
    path, out = tmp_path / "a.ome.tif", tmp_path / "b.ome.tif"
    tifffile.imwrite(path, counted((2, 2, 40, 48)), photometric="minisblack", metadata=metadata, **options)
    assert round_trip(path, out) == ()
    assert (
        differences(path, out) <= {"structure"}
        if options.get("byteorder")
        else differences(path, out) == set()
    )


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_only_the_data_type_changes_in_ome_xml(tmp_path, dtype):
    path, out = tmp_path / "a.ome.tif", tmp_path / "b.ome.tif"
    tifffile.imwrite(path, counted((2, 2, 40, 48)), photometric="minisblack", metadata=OME["channels"])
    assert round_trip(path, out, dtype) == ()
    name = {"float32": "float"}.get(dtype, dtype)
    expected = tifffile.tiffcomment(path).replace('Type="uint16" ', f'Type="{name}" ')
    assert tifffile.tiffcomment(out) == expected.replace(' SignificantBits="12"', "")
    assert differences(path, out) == {"ImageDescription", "BitsPerSample"} | (
        {"SampleFormat"} if dtype == "float32" else set()
    )


def test_several_images_of_an_ome_tiff(tmp_path):
    path, out = tmp_path / "a.ome.tif", tmp_path / "b.ome.tif"
    with tifffile.TiffWriter(path, ome=True) as tif:
        for p in range(3):
            tif.write(
                counted((4, 40, 48)) + np.uint16(p),
                photometric="minisblack",
                metadata={"axes": "ZYX", "Name": f"Pos{p}", "PhysicalSizeZ": 0.5 + p},
            )
    assert round_trip(path, out) == ()
    assert differences(path, out) == set()
    one = tmp_path / "c.ome.tif"
    (image,) = read_all(path, scenes=["Pos1"])
    assert write(one, image) == ()
    (back,) = read_all(one)
    assert (back.name, back.pixel_size) == ("Pos1", {"Z": 1.5})
    np.testing.assert_array_equal(back.data, image.data)
    assert tifffile.tiffcomment(one).count("<Image ") == 1


def test_a_change_of_type_keeps_what_goes_with_it(tmp_path):
    path, out = tmp_path / "a.tif", tmp_path / "b.tif"
    tagged(path, PICTURE.astype("uint8"), photometric="palette", colormap=LUT)
    (sentence,) = round_trip(path, out, "float32")
    assert "palette is lost" in sentence
    assert differences(path, out) == {
        "BitsPerSample",
        "ColorMap",
        "PhotometricInterpretation",
        "SampleFormat",
    }


def test_a_tag_that_holds_positions_in_its_file_is_lost_with_a_sentence(tmp_path):
    path, out = tmp_path / "a.tif", tmp_path / "b.tif"
    tagged(path, PICTURE.astype("uint16"), extratags=[(33560, 4, 1, 8, True), (65000, 3, 1, 7, True)])
    (sentence,) = round_trip(path, out)
    assert "OlympusSIS" in sentence
    assert differences(path, out) == {"OlympusSIS"}


def test_the_smaller_copies_of_a_pyramid_are_lost_with_a_sentence(tmp_path):
    path, out = tmp_path / "a.ome.tif", tmp_path / "b.ome.tif"
    with tifffile.TiffWriter(path, ome=True) as tif:
        tif.write(counted((64, 64)), subifds=1, metadata={"axes": "YX", "PhysicalSizeX": 0.5})
        tif.write(counted((32, 32)), subfiletype=1)
    (sentence,) = round_trip(path, out)
    assert "pyramid" in sentence
    assert differences(path, out) == {"SubIFDs"}


def test_frames_written_one_by_one_become_one_stack(tmp_path):
    path, out = tmp_path / "a.tif", tmp_path / "b.tif"
    with tifffile.TiffWriter(path) as tif:
        for n in range(4):
            tif.write(counted((40, 48)) + np.uint16(n), metadata={"exposure": 0.5})
    assert round_trip(path, out) == ()
    with tifffile.TiffFile(out) as tif:
        assert [(series.axes, series.shape) for series in tif.series] == [("TYX", (4, 40, 48))]
        assert json.loads(tif.pages[0].description)["exposure"] == 0.5
    assert struct.unpack("<2sH", out.read_bytes()[:4]) == (b"II", 42)


def test_white_stays_zero_in_another_dialect(tmp_path):
    path, out = tmp_path / "a.tif", tmp_path / "b.ome.tif"
    tagged(path, PICTURE.astype("uint8"), photometric="miniswhite", extratags=[])
    write(out, read_all(path))
    with tifffile.TiffFile(out) as tif:
        assert tif.is_ome
        assert tif.pages[0].photometric == 0
    (image,) = read_all(path, "YX")
    write(tmp_path / "c.tif", image)
    (image,) = read_all(path, "XY")
    write(tmp_path / "d.tif", image)
    for name in ("c.tif", "d.tif"):
        with tifffile.TiffFile(tmp_path / name) as tif:
            assert tif.pages[0].photometric == 0


PREFIXED = """<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<!-- Warning: this comment must be preserved -->
<ome:OME xmlns:ome="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:{uuid}" Creator="someone">
  <ome:Instrument ID="Instrument:0"><ome:Objective ID="Objective:0" NominalMagnification="63.0"/></ome:Instrument>
  <ome:Image ID="Image:0" Name="one &lt; two">
    <ome:AcquisitionDate>2026-11-25T10:11:12</ome:AcquisitionDate>
    <ome:ObjectiveSettings ID="Objective:0"/>
    <ome:Pixels BigEndian="false" DimensionOrder="XYZCT" ID="Pixels:0" SizeC="1" SizeT="3" SizeX="48" SizeY="40"
        SizeZ="1" Type="uint16" PhysicalSizeX="0.1" PhysicalSizeXUnit="&#181;m">
      <ome:Channel ID="Channel:0:0" SamplesPerPixel="1" Color="-16711681"><ome:LightPath/></ome:Channel>
      {data}
      <ome:Plane TheC="0" TheT="0" TheZ="0" DeltaT="0.5" ExposureTime="0.02"/>
    </ome:Pixels>
  </ome:Image>
  <ome:StructuredAnnotations>
    <ome:XMLAnnotation ID="Annotation:0"><ome:Value><Foreign xmlns="x"><Key>Image</Key></Foreign></ome:Value>
    </ome:XMLAnnotation>
  </ome:StructuredAnnotations>
</ome:OME>
"""


@pytest.mark.parametrize(
    ("data", "kept"),
    [
        ('<ome:TiffData FirstC="0" FirstT="0" FirstZ="0" IFD="0" PlaneCount="3"/>', True),
        (
            '<ome:TiffData FirstT="0" IFD="2"/><ome:TiffData FirstT="1" IFD="1"/><ome:TiffData FirstT="2" IFD="0"/>',
            False,
        ),
        (
            '<ome:TiffData IFD="0" PlaneCount="3"><ome:UUID FileName="a.ome.tif">urn:uuid:1</ome:UUID></ome:TiffData>',
            False,
        ),
    ],
    ids=["in order", "in reverse", "named"],
)
def test_ome_xml_of_other_programs_is_kept_as_it_is(tmp_path, data, kept):
    path, out = tmp_path / "a.ome.tif", tmp_path / "b.ome.tif"
    text = PREFIXED.format(data=data, uuid="1")
    tifffile.imwrite(
        path, counted((3, 40, 48)), description=text.encode(), metadata=None, photometric="minisblack"
    )
    assert round_trip(path, out) == ()
    expected = text.rstrip()
    if not kept:
        expected = expected.replace(data, '<ome:TiffData IFD="0" PlaneCount="3"/>').replace(
            ' UUID="urn:uuid:1"', ""
        )
    assert tifffile.tiffcomment(out).rstrip() == expected


def test_pages_that_belong_to_no_image_are_named(tmp_path):
    path = tmp_path / "a.ome.tif"
    text = PREFIXED.format(data='<ome:TiffData IFD="0" PlaneCount="3"/>', uuid="1")
    with tifffile.TiffWriter(path) as tif:
        tif.write(counted((3, 40, 48)), description=text.encode(), metadata=None, photometric="minisblack")
        tif.write(counted((20, 20)), metadata=None, contiguous=False)
    (image,) = read_all(path)
    assert "1 pages of the file belong to no image" in image.notes[0]
    assert image.data.shape == (3, 40, 48)


@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_a_colour_ome_tiff(tmp_path, planar):
    path, out = tmp_path / "a.ome.tif", tmp_path / "b.ome.tif"
    shape, axes = ((2, 40, 48, 3), "TYXS") if planar == "contig" else ((2, 3, 40, 48), "TSYX")
    tifffile.imwrite(
        path, counted(shape, "uint8"), photometric="rgb", planarconfig=planar, metadata={"axes": axes}
    )
    assert round_trip(path, out) == ()
    assert differences(path, out) == set()


def test_the_axes_of_ome_modulo_come_back(tmp_path):
    path, out = tmp_path / "a.ome.tif", tmp_path / "b.ome.tif"
    metadata = {"axes": "THYX", "TimeIncrement": 0.5}
    tifffile.imwrite(path, counted((2, 4, 40, 48)), photometric="minisblack", metadata=metadata)
    assert round_trip(path, out) == ()
    assert differences(path, out) == set()
