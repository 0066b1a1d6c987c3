"""A file is what its first bytes are, whatever its name; other files are called what they are."""

from __future__ import annotations

import subprocess
import sys

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
        (b"\xff\xd8\xff\xe0", "JPEG picture.*the file that the microscope wrote"),
        (b"PK\x03\x04", "ZIP archive"),
        (b"\x89HDF\r\n\x1a\n", "HDF5"),
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


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"ZISRAWFILE" + bytes(600), "a Zeiss CZI image"),
        (b"\xda\xce\xbe\x0a" + bytes(600), "a Nikon ND2 image that is damaged"),
        (b"\x70\0\0\0\x02\0\0\0\x2a" + bytes(600), "a Leica LIF image that is damaged"),
        (b"\x89HDF\r\n\x1a\n" + bytes(600) + b"ImarisDataSet", "an Imaris image that is damaged"),
        (bytes(208) + b"MAP " + bytes(900), "an MRC image that is damaged"),
        (bytes(344) + b"n+1\0" + bytes(100), "a NIfTI image that is damaged"),
        (b"\x93NUMPY\x01\0v\0{", "truncated"),
    ],
    ids=lambda value: str(value)[:20],
)
@pytest.mark.parametrize("name", ["a.tif", "a.raw"])
def test_a_damaged_file_of_another_format_is_called_what_it_is(tmp_path, content, words, name):
    (tmp_path / name).write_bytes(content)
    assert is_image(tmp_path / name)
    with pytest.raises(MuguetError, match=words) as caught:
        read(tmp_path / name)
    assert name in str(caught.value)


@pytest.mark.parametrize(
    ("package", "content", "words"),
    [
        ("nd2", b"\xda\xce\xbe\x0a", r"Nikon ND2.*pip install 'muguet\[formats\]'"),
        ("liffile", b"\x70\0\0\0\x02\0\0\0\x2a", r"Leica LIF.*pip install 'muguet\[formats\]'"),
        ("czifile", b"ZISRAWFILE", r"Zeiss CZI.*(pip install 'muguet\[formats\]'|Python 3.12 or later)"),
        ("h5py", b"\x89HDF\r\n\x1a\nImarisDataSet", r"Imaris.*pip install 'muguet\[formats\]'"),
        ("mrcfile", bytes(208) + b"MAP ", r"MRC.*pip install 'muguet\[formats\]'"),
        ("nibabel", bytes(344) + b"n+1\0", r"NIfTI.*pip install 'muguet\[formats\]'"),
    ],
)
def test_a_missing_package_is_named_with_its_extra(tmp_path, monkeypatch, package, content, words):
    monkeypatch.setitem(sys.modules, package, None)
    (tmp_path / "a.bin").write_bytes(content)
    with pytest.raises(MuguetError, match=words):
        read(tmp_path / "a.bin")


def test_a_zarr_store_without_the_package_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "zarr", None)
    (tmp_path / "a.zarr").mkdir()
    (tmp_path / "a.zarr" / "zarr.json").write_text("{}")
    with pytest.raises(MuguetError, match=r"pip install 'muguet\[zarr\]'"):
        read(tmp_path / "a.zarr")


def test_plain_images_need_none_of_the_extras(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", DATA)
    packages = ("zarr", "nd2", "liffile", "h5py", "mrcfile", "nibabel", "czifile", "yaozarrs", "dask")
    code = (
        "import sys, muguet.formats as f; f.write(sys.argv[2], f.read(sys.argv[1]));"
        f"sys.exit(str([p for p in {packages} if p in sys.modules] or 0))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "a.tif", tmp_path / "b.tif"], capture_output=True, text=True
    )
    assert run.stderr.strip() in ("", "0"), run.stderr
