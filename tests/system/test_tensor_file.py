"""Laws of files: what is written is read, anything else is refused with a sentence, nothing half is left."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import muguet
from muguet import MuguetError
from muguet.system import tensor_file

TENSORS = {
    "a": np.arange(12.0, dtype=np.float32).reshape(3, 4),
    "number": np.array(5.0),
    "none": np.zeros((0, 3)),
}


@pytest.fixture
def file(tmp_path):
    tensor_file.write(tmp_path / "one.muguet", "model", TENSORS, {"scale": 0.1, "list": [1, None, "µ"]})
    return tmp_path / "one.muguet"


def finite(dtype):
    """Arrays of few dimensions without NaN and infinity."""
    limits = {"allow_nan": False, "allow_infinity": False} if dtype.startswith("f") else {}
    elements = hnp.from_dtype(np.dtype(dtype), **limits)
    return hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=3), elements=elements)


@given(
    st.dictionaries(
        st.text("abc.", min_size=1, max_size=5),
        st.sampled_from(["f4", "f8", "i8", "u1", "f2"]).flatmap(finite),
        max_size=4,
    ),
    st.dictionaries(
        st.text("xyzµ"),
        st.floats(allow_nan=False, allow_infinity=False) | st.text() | st.none() | st.integers(),
    ),
)
@settings(deadline=None, max_examples=25)
def test_what_is_written_is_read(tmp_path_factory, tensors, header):
    path = tmp_path_factory.mktemp("storage") / "file"
    tensor_file.write(path, "model", tensors, header)
    found, told = tensor_file.read(path, "model", dict)
    assert found.keys() == tensors.keys()
    for name, value in tensors.items():
        np.testing.assert_array_equal(found[name], value, strict=True)
    assert {name: told[name] for name in header} == header


@pytest.mark.parametrize("hole", [np.nan, np.inf])
def test_numbers_that_are_not_finite_are_not_written(tmp_path, hole):
    for tensors, header in (({"a": np.array([1, hole])}, {}), ({}, {"list": [{"b": hole}]})):
        with pytest.raises(MuguetError, match="not finite"):
            tensor_file.write(tmp_path / "file", "model", tensors, header)
    assert not list(tmp_path.iterdir())


def test_any_layout_in_memory_is_written(tmp_path):
    value = np.arange(24).reshape(2, 3, 4)
    tensor_file.write(tmp_path / "file", "model", {"t": value.T, "s": value[:, ::2]}, {})
    found, _ = tensor_file.read(tmp_path / "file", "model", dict)
    np.testing.assert_array_equal(found["t"], value.T)
    np.testing.assert_array_equal(found["s"], value[:, ::2])


def test_a_flipped_byte_anywhere_is_noticed(file):
    whole = file.read_bytes()
    for place in range(len(whole)):
        for flip in (1, 0x80):
            damaged = bytearray(whole)
            damaged[place] ^= flip
            file.write_bytes(damaged)
            try:
                tensors, header = tensor_file.read(file, "model", dict)
            except MuguetError:
                continue
            # Spaces that pad the header carry nothing.
            assert whole[place] == ord(" ")
            assert header["scale"] == 0.1
            np.testing.assert_array_equal(tensors["a"], TENSORS["a"])


def test_a_truncated_file_is_refused(file):
    whole = file.read_bytes()
    for length in range(0, len(whole), 7):
        file.write_bytes(whole[:length])
        with pytest.raises(MuguetError):
            tensor_file.read(file, "model", dict)


def test_foreign_files_are_refused(tmp_path):
    from safetensors.numpy import save_file

    path = tmp_path / "foreign"
    save_file({"a": np.zeros(3)}, path)
    with pytest.raises(MuguetError, match="not written by muguet"):
        tensor_file.read(path, "model", dict)
    path.write_text("II*\0 not a model at all, yet long enough to hold a length")
    with pytest.raises(MuguetError, match="damaged or not"):
        tensor_file.read(path, "model", dict)
    with pytest.raises(MuguetError, match="does not exist"):
        tensor_file.read(tmp_path / "missing", "model", dict)
    with pytest.raises(MuguetError, match="does not exist"):
        tensor_file.read(tmp_path, "model", dict)


def test_another_kind_and_other_formats_are_refused(file, monkeypatch):
    with pytest.raises(MuguetError, match=r"a muguet model file where a checkpoint"):
        tensor_file.read(file, "checkpoint", dict)
    for other, said in (
        (tensor_file.FORMAT + 1, "newer version"),
        (tensor_file.OLDEST["model"] - 1, "earlier muguet"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(tensor_file, "FORMAT", other)
            tensor_file.write(file, "model", TENSORS, {})
        with pytest.raises(MuguetError, match=said):
            tensor_file.read(file, "model", dict)


def test_a_full_disk_leaves_the_old_file_and_nothing_else(file, monkeypatch):
    before = file.read_bytes()

    def full(number):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(MuguetError, match="disk is full"):
        tensor_file.write(file, "model", {}, {})
    assert file.read_bytes() == before
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_a_place_that_cannot_be_written_to_is_refused(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(MuguetError, match=r"file|folder"):
        tensor_file.write(tmp_path / "file" / "below", "model", {}, {})
    (tmp_path / "folder").mkdir()
    with pytest.raises(MuguetError, match=r"file|folder"):
        tensor_file.write(tmp_path / "folder", "model", {}, {})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


def test_folders_are_made(tmp_path):
    tensor_file.write(tmp_path / "new" / "folder" / "file", "model", {}, {})
    assert (tmp_path / "new" / "folder" / "file").is_file()


def test_nothing_is_ever_pickled_but_for_the_model_zoo_whose_format_asks_for_it():
    for path in Path(muguet.__file__).parent.rglob("*.py"):
        text = path.read_text()
        assert not re.search(r"import pickle|torch\.load\(|allow_pickle=True|joblib", text), path
        assert "torch.save(" not in text or path.name == "package.py", path
