"""A result says what made it, and everything else in the file is the input's."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
import tifffile

from muguet.formats import read_all, write
from tests.formats.test_round_trip import (
    IMAGEJ,
    OME,
    PICTURE,
    PLAIN,
    PREFIXED,
    counted,
    differences,
    tagged,
)

MADE = {
    "software": "muguet 1.2",
    "model": "0123456789abcdef",
    "recipe": "joint",
    "prior": "none",
    "steps": 12,
    "seed": 3,
    "input_sha256": "ab" * 32,
    "date": "2026-11-26T00:00:00Z",
}
ANNOTATION = re.compile(
    r"<(\w+:)?MapAnnotation [^>]*Namespace=\"muguet\">.*?</(\w+:)?MapAnnotation>", re.DOTALL
)


def made(path, out, provenance=MADE):
    """Write the images of a file with what made them, and check that this and nothing else is read back."""
    images = [replace(each, provenance=provenance) for each in read_all(path)]
    assert write(out, images) == ()
    for image, expected in zip(read_all(out), images, strict=True):
        assert dict(image.provenance) == dict(provenance)
        assert (image.axes, image.name, image.kind) == (expected.axes, expected.name, expected.kind)
        assert dict(image.pixel_size) == pytest.approx(dict(expected.pixel_size))
        assert image.channel_names == expected.channel_names
        np.testing.assert_array_equal(image.data, expected.data, strict=True)


@pytest.mark.parametrize("options", PLAIN.values(), ids=PLAIN.keys())
def test_a_plain_tiff_keeps_all_else(tmp_path, options):
    options = dict(options)
    path, out = tmp_path / "a.tif", tmp_path / "b.tif"
    tagged(path, options.pop("data", PICTURE.astype("uint16")), **options)
    made(path, out)
    assert differences(path, out) == {"Software", "ImageHistory"}
    with tifffile.TiffFile(out) as tif:
        assert tif.pages[0].tags["Software"].value == "muguet 1.2 (input: my software 1.0)"
        assert tif.pages[0].description == "a description of my own"


@pytest.mark.parametrize(("shape", "metadata"), IMAGEJ.values(), ids=IMAGEJ.keys())
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_an_imagej_tiff_keeps_all_else(tmp_path, shape, metadata, byteorder):
    path, out, again = tmp_path / "a.tif", tmp_path / "b.tif", tmp_path / "c.tif"
    options = {"imagej": True, "byteorder": byteorder, "resolution": (4.0, 3.0)}
    tifffile.imwrite(path, counted(shape), metadata=metadata, **options)
    made(path, out)
    assert differences(path, out) <= {"Software", "ImageHistory", "IJMetadata", "IJMetadataByteCounts"}
    with tifffile.TiffFile(path) as before, tifffile.TiffFile(out) as after:
        old, new = dict(before.imagej_metadata), dict(after.imagej_metadata)
        info, lines = old.pop("Info", ""), new.pop("Info")
        assert repr(old) == repr(new)
        assert lines.startswith(info)
        assert "muguet model = 0123456789abcdef" in lines
        assert after.series[0].dataoffset is not None
    made(out, again, {**MADE, "steps": 13})  # What made the first result is replaced in Info, not repeated.
    with tifffile.TiffFile(again) as tif:
        assert re.findall("steps = (.*)", tif.imagej_metadata["Info"]) == ["13"]


@pytest.mark.parametrize("metadata", OME.values(), ids=OME.keys())
def test_an_ome_tiff_keeps_all_else(tmp_path, metadata):
    path, out, again = tmp_path / "a.ome.tif", tmp_path / "b.ome.tif", tmp_path / "c.ome.tif"
    tifffile.imwrite(path, counted((2, 2, 40, 48)), photometric="minisblack", metadata=metadata)
    made(path, out)
    assert differences(path, out) == {"Software", "ImageHistory", "ImageDescription"}
    made(out, again, {**MADE, "steps": 13})
    for file, steps in ((out, 12), (again, 13)):
        text = tifffile.tiffcomment(file)
        assert len(ANNOTATION.findall(text)) == 1
        assert f'<M K="steps">{steps}</M>' in text
        plain = ANNOTATION.sub("", text).replace('<AnnotationRef ID="Annotation:muguet"/>', "")
        plain = plain.replace("<StructuredAnnotations></StructuredAnnotations>", "")
        assert plain == tifffile.tiffcomment(path)


def test_ome_xml_of_other_programs_keeps_all_else(tmp_path):
    path, out = tmp_path / "a.ome.tif", tmp_path / "b.ome.tif"
    text = PREFIXED.format(data='<ome:TiffData IFD="0" PlaneCount="3"/>', uuid="1")
    tifffile.imwrite(
        path, counted((3, 40, 48)), description=text.encode(), metadata=None, photometric="minisblack"
    )
    made(path, out)
    result = tifffile.tiffcomment(out)
    assert '<ome:M K="model">0123456789abcdef</ome:M>' in result
    plain = ANNOTATION.sub("", result).replace('<ome:AnnotationRef ID="Annotation:muguet"/>', "")
    assert plain.rstrip() == text.rstrip()


@pytest.mark.parametrize("name", ["b.ome.tif", "b.tif"])
@pytest.mark.parametrize("axes", ["YX", "XY"])
def test_a_file_that_is_written_anew_says_what_made_it(tmp_path, name, axes):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, PICTURE.astype("uint16"), metadata=None)
    (image,) = read_all(path, axes)
    write(tmp_path / name, replace(image, provenance=MADE))
    (back,) = read_all(tmp_path / name)
    assert dict(back.provenance) == MADE


def test_a_tag_by_which_readers_recognise_a_file_stays(tmp_path):
    path, out = tmp_path / "a.tif", tmp_path / "b.tif"
    tifffile.imwrite(path, PICTURE.astype("uint16"), metadata=None, software="MetaSeries")
    made(path, out)
    assert differences(path, out) == {"ImageHistory"}


def test_a_history_of_other_programs_is_kept(tmp_path):
    path, out = tmp_path / "a.tif", tmp_path / "b.tif"
    tifffile.imwrite(
        path, PICTURE.astype("uint16"), metadata=None, extratags=[(37395, 2, 0, "flat-field corrected", True)]
    )
    assert dict(read_all(path)[0].provenance) == {}
    made(path, out)
    anew = tmp_path / "c.ome.tif"
    (image,) = read_all(path)
    assert write(anew, replace(image, provenance=MADE)) == ()
    for file in (out, anew):
        with tifffile.TiffFile(file) as tif:
            assert tif.pages[0].tags["ImageHistory"].value.startswith("flat-field corrected\n{")


def test_an_image_that_is_only_copied_was_still_made_as_before(tmp_path):
    path, out, copy = tmp_path / "a.tif", tmp_path / "b.tif", tmp_path / "c.tif"
    tagged(path, PICTURE.astype("uint16"))
    made(path, out)
    write(copy, read_all(out))
    assert differences(out, copy) == set()
