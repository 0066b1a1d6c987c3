"""Formats that muguet does not read itself are read with bioio where it is installed, and otherwise name it."""

from __future__ import annotations

import datetime
import sys
import types
from collections import namedtuple

import dask.array
import numpy as np
import pytest

from muguet import MuguetError
from muguet.formats import is_image, open_all, read, read_all
from muguet.formats.names import ending
from muguet.formats.vendor import other

DATA = (
    np.random.default_rng(0).integers(0, 999, (2, 1, 3, 4, 20, 24)).astype(np.uint16)
)  # scenes, T, C, Z, Y, X


class _Image:
    """The part of `bioio.BioImage` that is used."""

    scenes = ("Pos0", "Pos1")
    physical_pixel_sizes = namedtuple("Sizes", "Z Y X")(None, 0.2, 0.2)
    time_interval = datetime.timedelta(seconds=3)
    channel_names = ("a", "b", "c")

    def __init__(self, path) -> None:
        if path.read_bytes() != b"other":
            raise ValueError("no plug-in")

    def set_scene(self, number: int) -> None:
        self.reader = types.SimpleNamespace(
            dask_data=dask.array.from_array(DATA[number], chunks=(1, 1, 1, 20, 24)),
            dims=types.SimpleNamespace(order="TCZYX"),
        )


def test_a_file_that_a_plug_in_reads(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "bioio", types.SimpleNamespace(BioImage=_Image, __spec__=None))
    monkeypatch.setattr(other, "is_installed", lambda: True)
    (tmp_path / "a.dv").write_bytes(b"other")
    first, second = read_all(tmp_path / "a.dv")
    assert (first.axes, first.name, first.channel_names) == ("CZYX", "Pos0", ("a", "b", "c"))
    assert dict(first.pixel_size) == {"X": 0.2, "Y": 0.2}
    np.testing.assert_array_equal(second.data, DATA[1, 0])
    (image,) = open_all(tmp_path / "a.dv", scenes=["Pos1"])
    part = (slice(1, 2), slice(0, 4), slice(5, 9), slice(0, 3))
    np.testing.assert_array_equal(image.read(part), DATA[1, 0][part])
    assert image.chunks == (1, 1, 20, 24)
    assert ending(tmp_path / "a.dv") == ".ome.tif"
    assert not is_image(tmp_path / "a.dv")  # Folders are searched for images of our own formats only.
    (tmp_path / "b.dv").write_bytes(b"unknown")
    with pytest.raises(MuguetError, match="plug-ins of bioio that are installed: install the plug-in"):
        read(tmp_path / "b.dv")


def test_without_bioio_the_sentence_names_it(tmp_path, monkeypatch):
    monkeypatch.setattr(other, "is_installed", lambda: False)
    for content in (b"other", b"\xd0\xcf\x11\xe0"):
        (tmp_path / "a.oib").write_bytes(content)
        with pytest.raises(MuguetError, match="or install bioio with the plug-in that reads it"):
            read(tmp_path / "a.oib")
    (tmp_path / "a.oib").write_bytes(b"<!doctype html>")
    with pytest.raises(MuguetError, match="download the image again"):
        read(tmp_path / "a.oib")


def test_a_converted_image_that_a_tiff_cannot_hold_is_stored_as_ome_zarr(tmp_path):
    array = np.lib.format.open_memmap(tmp_path / "a.npy", mode="w+", dtype=np.uint8, shape=(4300, 1000, 1000))
    del array  # The file is sparse.
    assert ending(tmp_path / "a.npy") == ".ome.zarr"
    np.save(tmp_path / "b.npy", np.zeros((4, 10, 10), np.uint8))
    assert ending(tmp_path / "b.npy") == ".ome.tif"
