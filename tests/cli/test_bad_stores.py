"""A store that is damaged or cannot be written ends in one sentence, and nothing is half-written."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import numpy as np
import pytest
import zarr

from muguet.formats import read, write
from muguet.formats.ome_zarr.write import Target
from muguet.image import Image
from tests.cli.conftest import noise
from tests.formats.test_stores_elsewhere import Server

FAST = ("--steps", 2, "--symmetries", 1, "--prior", "none")


@pytest.fixture
def stores(tmp_path):
    """Two stores of four chunks each in a folder of their own."""
    for name in ("a", "b"):
        image = Image(noise((2, 2, 40, 52)), "TCYX", {"X": 0.1, "Y": 0.1}, kind="ome-zarr 0.5")
        write(tmp_path / "in" / f"{name}.ome.zarr", image)
    return tmp_path / "in"


@pytest.fixture
def block_by_block(monkeypatch):
    """Every image is larger than the memory."""
    from muguet.cli.shared import streamed, streams

    for module in (streams, streamed):
        monkeypatch.setattr(module, "memory_for_images", lambda limit: 80_000)


def damage(folder, how) -> None:
    """Spoil the store b of a folder."""
    store = folder / "b.ome.zarr"
    if how == "chunk":
        (store / "0" / "c" / "1" / "1" / "0" / "0").write_bytes(b"damaged")
        return
    group = zarr.open_group(store, mode="a")
    entries = group.attrs["ome"]
    entries["multiscales"][0]["datasets"].append({**entries["multiscales"][0]["datasets"][0], "path": "1"})
    group.attrs["ome"] = entries
    if how == "contradiction":
        group.create_array("1", shape=(2, 2, 80, 26), dtype="uint16")


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("chunk", "b.ome.zarr is damaged, its pixels at"),
        ("level", "lacks the level 1 of its pyramid"),
        ("contradiction", "levels contradict each other: level 0 is 2×2×40×52 uint16, and level 1"),
    ],
)
def test_a_bad_store_is_left_out_and_the_others_are_kept(muguet, stores, tmp_path, how, words):
    damage(stores, how)
    answer = muguet("denoise", stores, "-o", tmp_path / "out", *FAST)
    assert answer.code == 3
    assert words in answer.err
    assert [each.name for each in (tmp_path / "out").iterdir()] == ["a.ome.zarr"]
    alone = muguet("denoise", stores / "b.ome.zarr", "-o", tmp_path / "c.zarr", *FAST)
    assert alone.code == 2
    assert words in alone.err
    assert sorted(each.name for each in tmp_path.iterdir()) == ["in", "out"]


def test_a_missing_chunk_is_named_and_read_as_the_fill_value(muguet, stores, tmp_path):
    (stores / "b.ome.zarr" / "0" / "c" / "1" / "1" / "0" / "0").unlink()
    answer = muguet("denoise", stores / "b.ome.zarr", "-o", tmp_path / "c.zarr", *FAST)
    assert answer.code == 0
    assert "1 of 4 chunks are not in the store" in answer.err
    assert not read(tmp_path / "c.zarr").data[1, 1].any()


def test_a_chunk_that_is_damaged_is_found_in_the_middle_of_a_large_image(
    muguet, stores, tmp_path, block_by_block
):
    model = tmp_path / "m.muguet"
    assert muguet("fit", stores / "a.ome.zarr", "-o", model, "--steps", 2, "--prior", "none").code == 0
    damage(stores, "chunk")
    answer = muguet("denoise", stores, "--model", model, "-o", tmp_path / "out", "--symmetries", 1)
    assert answer.code == 3
    assert "b.ome.zarr is damaged, its pixels at" in answer.err
    assert (tmp_path / "out" / "a.ome.zarr").exists()
    assert not (tmp_path / "out" / "b.ome.zarr").exists()


def test_a_disk_that_becomes_full(muguet, stores, tmp_path, monkeypatch, block_by_block):
    def fail(*arguments) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Target, "write", fail)
    answer = muguet("denoise", stores / "a.ome.zarr", "-o", tmp_path / "c.zarr", *FAST)
    assert answer.code == 2
    assert "c.zarr was not written" in answer.err
    assert "disk is full" in answer.err
    assert not (tmp_path / "c.zarr").exists()
    assert not list(tmp_path.glob(".muguet-*"))


def test_a_folder_without_permission(muguet, stores, tmp_path, monkeypatch):
    make = Path.mkdir

    def refuse(path, *arguments, **options) -> None:
        if path.name.startswith(".muguet-"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        make(path, *arguments, **options)

    monkeypatch.setattr(Path, "mkdir", refuse)
    answer = muguet("denoise", stores / "a.ome.zarr", "-o", tmp_path / "c.zarr", *FAST)
    assert answer.code == 2
    assert "c.zarr" in answer.err
    assert len(answer.err.strip().splitlines()) == 1
    assert not (tmp_path / "c.zarr").exists()


@pytest.mark.parametrize("words", [("--recipe", "gaussian-blur"), ("--clean", "CLEAN")])
def test_what_needs_the_whole_image_says_so_before_the_work(muguet, stores, tmp_path, block_by_block, words):
    given = [str(stores / "b.ome.zarr") if word == "CLEAN" else word for word in words]
    answer = muguet("denoise", stores / "a.ome.zarr", "-o", tmp_path / "c.zarr", *given)
    assert answer.code == 2
    assert "larger than the memory" in answer.err
    assert "--memory" in answer.err
    assert not (tmp_path / "c.zarr").exists()


def test_a_denoised_store_says_what_made_it(muguet, stores, tmp_path):
    assert muguet("denoise", stores / "a.ome.zarr", "-o", tmp_path / "c.zarr", *FAST).code == 0
    made = json.loads(muguet("info", tmp_path / "c.zarr", "--json").out)["made_by"]
    assert made["software"].startswith("muguet ")
    assert made["steps"] == 2
    assert "made by" in muguet("info", tmp_path / "c.zarr").out
    np.testing.assert_array_equal(read(tmp_path / "c.zarr").data.shape, (2, 2, 40, 52))


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_network_that_fails_in_the_middle(muguet, stores, tmp_path):
    pytest.importorskip("aiohttp")
    server = Server(stores, chunks=6)
    address = server.address("a.ome.zarr")
    try:
        answer = muguet("denoise", address, "-o", tmp_path / "whole.zarr", *FAST)
        assert answer.code == 0
        np.testing.assert_array_equal(read(tmp_path / "whole.zarr").data.shape, (2, 2, 40, 52))
        answer = muguet("denoise", address, stores / "b.ome.zarr", "-o", tmp_path / "out", *FAST)
    finally:
        server.stop()
    assert answer.code == 3
    assert "the network or its server failed" in answer.err
    assert [each.name for each in (tmp_path / "out").iterdir()] == ["b.ome.zarr"]
    gone = muguet("denoise", address, "-o", tmp_path / "c.zarr", *FAST)
    assert gone.code == 2
    assert "cannot be reached" in gone.err
    assert not (tmp_path / "c.zarr").exists()
