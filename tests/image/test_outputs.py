"""Laws of outputs: every result has a place of its own, no input is touched, and numbers are kept or clipped."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from muguet.errors import MuguetError
from muguet.image.outputs import check_output, destination, find, to_dtype
from muguet.system.atomic import replacing

DTYPES = [
    *("bool", "uint8", "uint16", "uint32", "int8", "int16", "int32"),
    *("float16", "float32", "float64"),
]


# --- Where --------------------------------------------------------------------------------------------------


def test_a_folder_gives_its_images_by_name(tmp_path):
    for name in ("b.TIF", "a.ome.tiff", "notes.txt", ".hidden.tif"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "sub.tif").mkdir()
    expected = [tmp_path / "a.ome.tiff", tmp_path / "b.TIF"]
    assert find([tmp_path]) == expected
    assert find([tmp_path / "b.TIF", tmp_path, tmp_path / "b.TIF"]) == expected[::-1]
    with pytest.raises(MuguetError, match=r"sub\.tif holds no image"):
        find([tmp_path / "sub.tif"])
    with pytest.raises(MuguetError, match="missing does not exist"):
        find([tmp_path / "missing"])
    with pytest.raises(MuguetError, match="no input"):
        find([])


def test_every_result_has_its_own_place(tmp_path):
    one, two = tmp_path / "in" / "a.tif", tmp_path / "in" / "b.ome.tif"
    out = tmp_path / "out"
    assert destination([one], out / "c.tif") == [out / "c.tif"]
    assert destination([one], out) == [out / "a.tif"]
    assert destination([one, two], out) == [out / "a.tif", out / "b.ome.tif"]
    assert destination([one, two]) == [one.with_name("a_denoised.tif"), one.with_name("b_denoised.ome.tif")]
    (tmp_path / "dir.tif").mkdir()
    assert destination([one], tmp_path / "dir.tif") == [tmp_path / "dir.tif" / "a.tif"]


def test_results_never_meet_each_other_nor_an_input(tmp_path):
    one, two = tmp_path / "a.tif", tmp_path / "sub" / "A.tif"
    with pytest.raises(MuguetError, match="both be written"):
        destination([one, two], tmp_path / "out")
    with pytest.raises(MuguetError, match="name a folder"):
        destination([one, two], tmp_path / "c.tif")
    with pytest.raises(MuguetError, match=r"ends in \.tif"):
        destination([one], tmp_path / "c.png")
    with pytest.raises(MuguetError, match="never overwritten"):
        destination([one], tmp_path)
    with pytest.raises(MuguetError, match="never overwritten"):
        destination([one], tmp_path / "sub" / ".." / "a.tif")
    one.write_bytes(b"raw")
    (tmp_path / "link.tif").hardlink_to(one)
    with pytest.raises(MuguetError, match="never overwritten"):
        destination([one], tmp_path / "link.tif")


def test_results_of_earlier_runs_are_no_inputs(tmp_path):
    names = ["a.tif", "b.ome.tif", "c.TIFF", "lonely_denoised.tif"]
    for name in names:
        (tmp_path / name).write_bytes(b"")
    sources = find([tmp_path])
    assert [source.name for source in sources] == names
    for result in destination(sources):
        result.write_bytes(b"")
    for name in ("a_denoised.ome.tiff", "a_denoised_denoised.tif"):  # of other endings, and of results
        (tmp_path / name).write_bytes(b"")
    assert find([tmp_path]) == sources
    assert find([tmp_path / "a_denoised.tif"]) == [tmp_path / "a_denoised.tif"]


@pytest.mark.parametrize(
    ("name", "result"),
    [
        ("a.tif", "a_denoised.tif"),
        ("a.OME.TIFF", "a_denoised.OME.TIFF"),
        ("a.omega.tif", "a.omega_denoised.tif"),
        ("a.ome.b.tif", "a.ome.b_denoised.tif"),
        ("a", "a_denoised"),
    ],
)
def test_a_result_is_named_after_its_source(tmp_path, name, result):
    assert destination([tmp_path / name]) == [tmp_path / result]


# --- Whether --------------------------------------------------------------------------------------------


def test_a_folder_that_takes_no_files(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(MuguetError, match="part of its path is a file"):
        check_output(tmp_path / "file" / "a.tif")

    def refuse(path, **options):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "touch", refuse)
    with pytest.raises(MuguetError, match="takes no files"):
        check_output(tmp_path / "a.tif")
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("name", ["a.png", "a", "folder.tif"])
def test_a_name_that_is_no_output(tmp_path, name):
    (tmp_path / "folder.tif").mkdir()
    with pytest.raises(MuguetError, match=name):
        check_output(tmp_path / name)


def test_a_check_leaves_nothing_but_the_folder(tmp_path):
    check_output(tmp_path / "new" / "a.tif")
    assert list((tmp_path / "new").iterdir()) == []
    (tmp_path / "a.tif").write_bytes(b"old")
    with pytest.raises(MuguetError, match="--overwrite"):
        check_output(tmp_path / "a.tif")
    check_output(tmp_path / "a.tif", overwrite=True)
    assert (tmp_path / "a.tif").read_bytes() == b"old"


@pytest.mark.parametrize("error", [ValueError("odd"), RuntimeError("odd"), KeyError("odd"), MemoryError()])
def test_a_file_is_replaced_whole_or_not_at_all(tmp_path, error):
    path = tmp_path / "a.tif"
    path.write_bytes(b"old")

    def write_half():
        with replacing(path) as file:
            file.write(b"half")
            raise error

    with pytest.raises(MuguetError, match=r"a\.tif was not written, .*(odd|memory)") as caught:
        write_half()
    assert "\n" not in str(caught.value)
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("a.tif", b"old")]
    with replacing(path) as file:
        file.write(b"new")
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("a.tif", b"new")]


# --- What ---------------------------------------------------------------------------------------------------


@given(
    st.lists(st.floats(width=32), max_size=20),
    st.sampled_from([*DTYPES, "int64", "uint64"]),
)
def test_counts_are_rounded_and_clipped(values, dtype):
    values = np.array(values, dtype=np.float32)
    result = to_dtype(values, dtype)
    assert result.dtype == dtype
    if result.dtype.kind == "f":
        with np.errstate(over="ignore"):
            np.testing.assert_array_equal(result, values.astype(dtype))
        return
    low, high = (0, 1) if dtype == "bool" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    for value, count in zip(values.tolist(), result.tolist(), strict=True):
        if np.isnan(value):
            assert count == 0
        elif low < value < high:
            assert abs(count - value) <= 0.5 or dtype.endswith("64")
        else:
            assert count == pytest.approx(low if value <= low else high, rel=1e-15)


@given(st.sampled_from(DTYPES[:-3]), st.data())
def test_counts_come_back_from_floats(dtype, draws):
    low, high = (0, 1) if dtype == "bool" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    counts = np.array(draws.draw(st.lists(st.integers(low, high), max_size=9)), dtype).reshape(-1, 1)
    np.testing.assert_array_equal(to_dtype(counts.astype(np.float64).T, dtype), counts.T, strict=True)
