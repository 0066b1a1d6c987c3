"""Input files are found, each result has its own path, and no input is ever replaced."""

from __future__ import annotations

import pytest

from muguet import MuguetError
from muguet.cli.shared.paths import destination, find


def test_the_images_of_a_folder_are_sorted_by_name(tmp_path):
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
    with pytest.raises(MuguetError, match="there is no input"):
        find([])


def test_every_result_has_its_own_path(tmp_path):
    one, two = tmp_path / "in" / "a.tif", tmp_path / "in" / "b.ome.tif"
    out = tmp_path / "out"
    assert destination([one], out / "c.tif") == [out / "c.tif"]
    assert destination([one], out) == [out / "a.tif"]
    assert destination([one, two], out) == [out / "a.tif", out / "b.ome.tif"]
    assert destination([one, two]) == [one.with_name("a_denoised.tif"), one.with_name("b_denoised.ome.tif")]
    (tmp_path / "dir.tif").mkdir()
    assert destination([one], tmp_path / "dir.tif") == [tmp_path / "dir.tif" / "a.tif"]


def test_results_never_replace_each_other_or_an_input(tmp_path):
    one, two = tmp_path / "a.tif", tmp_path / "sub" / "A.tif"
    with pytest.raises(MuguetError, match="both be written"):
        destination([one, two], tmp_path / "out")
    with pytest.raises(MuguetError, match="give a folder"):
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


def test_results_of_earlier_runs_are_not_inputs(tmp_path):
    names = ["a.tif", "b.ome.tif", "c.TIFF", "lonely_denoised.tif"]
    for name in names:
        (tmp_path / name).write_bytes(b"")
    sources = find([tmp_path])
    assert [source.name for source in sources] == names
    for result in destination(sources):
        result.write_bytes(b"")
    for name in (
        "a_denoised.ome.tiff",
        "a_denoised_denoised.tif",
    ):  # Another ending, and a result of a result.
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
        ("a", "a_denoised.tif"),
    ],
)
def test_a_result_is_named_after_its_source(tmp_path, name, result):
    assert destination([tmp_path / name]) == [tmp_path / result]
