"""All images of a file are denoised with one model and written to one file; `--scene` picks some of them."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from muguet.formats import read, read_all

from .conftest import noise

FAST = ("--steps", 2, "--prior", "none")


@pytest.fixture
def positions(tmp_path):
    path = tmp_path / "plate.ome.tif"
    with tifffile.TiffWriter(path, ome=True) as tif:
        for p in range(3):
            tif.write(noise((48, 56), p), photometric="minisblack", metadata={"axes": "YX", "Name": f"A{p}"})
    return path


def test_all_positions_are_denoised_and_written_with_their_names(muguet, positions, tmp_path):
    answer = muguet("denoise", positions, "-o", tmp_path / "out" / "a.ome.tif", *FAST)
    assert answer.code == 0, answer.err
    back = read_all(tmp_path / "out" / "a.ome.tif")
    assert [image.name for image in back] == ["A0", "A1", "A2"]
    for image, noisy in zip(back, read_all(positions), strict=True):
        assert image.data.shape == noisy.data.shape
        assert np.any(image.data != noisy.data)


@pytest.mark.parametrize("scene", ["A1", "1"])
def test_one_scene_is_picked(muguet, positions, tmp_path, scene):
    answer = muguet("denoise", positions, "-o", tmp_path / "b.ome.tif", "--scene", scene, *FAST)
    assert answer.code == 0, answer.err
    assert [image.name for image in read_all(tmp_path / "b.ome.tif")] == ["A1"]
    refused = muguet("denoise", positions, "-o", tmp_path / "c.tif", "--scene", "B7", *FAST)
    assert refused.code == 2
    assert "no such image" in refused.err


def test_a_classical_method_treats_all_scenes(muguet, positions, tmp_path):
    answer = muguet("denoise", positions, "-o", tmp_path / "d.ome.tif", "--recipe", "gaussian-blur")
    assert answer.code == 0, answer.err
    assert len(read_all(tmp_path / "d.ome.tif")) == 3


def test_info_lists_the_scenes_and_names_unknown_files(muguet, positions, tmp_path):
    assert "A2" in muguet("info", positions).out
    assert "no such image" in muguet("info", positions, "--scene", 3).err
    (tmp_path / "pointer.tif").write_text("version https://git-lfs.github.com/spec/v1\n")
    (tmp_path / "a.czi").write_bytes(b"ZISRAWFILE")
    (tmp_path / "a.xyz").write_bytes(b"something else")
    for name, words in (("pointer.tif", "git-lfs"), ("a.czi", "Zeiss CZI"), ("a.xyz", "cannot read yet")):
        answer = muguet("info", tmp_path / name)
        assert answer.code == 2
        assert words in answer.err
        assert "model" not in answer.err


def test_files_of_any_name_in_a_folder_have_results_of_their_own(muguet, tmp_path):
    (tmp_path / "in").mkdir()
    for name in ("a.lsm", "a.stk", "a.btf", "a.tif"):
        tifffile.imwrite(tmp_path / "in" / name, noise((48, 56)))
    (tmp_path / "in" / "notes.txt").write_text("not an image")
    answer = muguet("denoise", tmp_path / "in", "-o", tmp_path / "out", *FAST)
    assert answer.code == 0, answer.err
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["a.btf", "a.lsm.tif", "a.stk.tif", "a.tif"]
    assert read(tmp_path / "out" / "a.lsm.tif").axes == "YX"
