"""A file is what its first bytes are, whatever its name; other files are called what they are."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from muguet import MuguetError
from muguet.formats import is_image, read, write

DATA = np.arange(40 * 48, dtype=np.uint16).reshape(40, 48)


@pytest.mark.parametrize("bigtiff", [False, True])
@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize(
    "name",
    ["a.lsm", "a.stk", "a.svs", "a.btf", "a.tf8", "a.tf2", "a.flex", "a.qptiff", "a", "A.TIF", "a.b.c"],
)
def test_a_tiff_of_any_name_is_read(tmp_path, name, bigtiff, byteorder):
    tifffile.imwrite(tmp_path / name, DATA, bigtiff=bigtiff, byteorder=byteorder)
    assert is_image(tmp_path / name)
    np.testing.assert_array_equal(read(tmp_path / name).data, DATA)


@pytest.mark.parametrize("ending", [".btf", ".tf8", ".tf2"])
def test_the_endings_of_bigtiff_are_written_as_bigtiff(tmp_path, ending):
    tifffile.imwrite(tmp_path / "a.tif", DATA)
    image = read(tmp_path / "a.tif")
    write(tmp_path / f"b{ending}", image)
    with tifffile.TiffFile(tmp_path / f"b{ending}") as tif:
        assert tif.is_bigtiff
    np.testing.assert_array_equal(read(tmp_path / f"b{ending}").data, DATA)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 3\n",
            "git-lfs pointer.*git lfs pull",
        ),
        (b"<!DOCTYPE html>\n<html><head>", "HTML page.*download"),
        (b"\xef\xbb\xbf\n <HTML>\n", "HTML page"),
        (b'<?xml version="1.0"?>\n<html xmlns="x">', "HTML page"),
        (b"\x89PNG\r\n\x1a\n", "PNG picture"),
        (b"\xff\xd8\xff\xe0", "JPEG picture"),
        (b"PK\x03\x04", "ZIP archive"),
        (b"\x89HDF\r\n\x1a\n", "HDF5"),
        (b"ZISRAWFILE", "CZI"),
        (b"\xda\xce\xbe\x0a", "ND2"),
        (b"\x93NUMPY\x01", "NumPy"),
        (b"\0" * 4096, "zeros and is damaged"),
        (b"", "is empty"),
        (b"something", "not a TIFF despite its name"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_file_named_tif_is_called_what_it_is(tmp_path, content, words):
    (tmp_path / "a.tif").write_bytes(content)
    assert not is_image(tmp_path / "a.tif")
    with pytest.raises(MuguetError, match=words) as caught:
        read(tmp_path / "a.tif")
    assert "a.tif" in str(caught.value)


def test_an_unknown_file_is_not_called_damaged(tmp_path):
    (tmp_path / "a.xyz").write_bytes(b"something")
    with pytest.raises(MuguetError, match="cannot read yet: convert it"):
        read(tmp_path / "a.xyz")
