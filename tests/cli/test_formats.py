"""Files of many formats, and images larger than memory, on the command line."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile
import zarr

from muguet.formats import read, write
from muguet.image import Image
from tests.cli.conftest import noise

FAST = ("--steps", 2, "--symmetries", 1, "--prior", "none")


@pytest.fixture
def store(tmp_path):
    """A store of two frames of two channels, larger than its chunks and shards."""
    path = tmp_path / "cells.ome.zarr"
    write(
        path,
        Image(
            noise((2, 2, 40, 52)), "TCYX", {"X": 0.1, "Y": 0.1}, kind="ome-zarr 0.5", channel_names=("a", "b")
        ),
    )
    return path


@pytest.fixture
def small_memory(monkeypatch):
    """Every image is larger than the memory, unless --memory is 9GB, and blocks are small."""
    from muguet.cli.shared import streamed, streams
    from muguet.denoiser import planes

    for module in (streams, streamed):
        monkeypatch.setattr(module, "memory_for_images", lambda limit: 10**10 if limit == "9GB" else 150_000)
    monkeypatch.setattr(planes, "CORE", {2: (32, 32), 3: (8, 16, 16)})


def test_info_describes_a_store(muguet, store):
    facts = json.loads(muguet("info", store, "--json").out)
    assert (facts["axes"], facts["shape"]) == ("TCYX", [2, 2, 40, 52])
    assert facts["chunks"] == [1, 1, 40, 52]
    assert facts["channel_names"] == ["a", "b"]
    assert facts["stored_as"] == "ome-zarr 0.5"
    assert "40 × 52" in muguet("info", store).out


@pytest.mark.parametrize("name", ["cells.npy", "cells.nd2", "cells.zarr"])
def test_a_file_of_another_kind_named_so_is_called_what_it_is(muguet, tmp_path, name):
    (tmp_path / name).write_bytes(b"something")
    answer = muguet("info", tmp_path / name)
    assert answer.code == 2
    assert "has a format that muguet cannot read yet" in answer.err


def test_a_store_is_denoised_beside_itself(muguet, store):
    answer = muguet("denoise", store, *FAST)
    assert answer.code == 0, answer.err
    back = read(store.with_name("cells_denoised.ome.zarr"))
    image = read(store)
    assert (back.axes, back.data.shape, back.data.dtype) == (image.axes, image.data.shape, image.data.dtype)
    assert (dict(back.pixel_size), back.channel_names) == (dict(image.pixel_size), image.channel_names)
    assert back.data.std() < image.data.std()
    again = muguet("denoise", store, *FAST)
    assert again.code == 2
    assert "--overwrite" in again.err
    assert muguet("denoise", store, *FAST, "--overwrite").code == 0
    inside = muguet("denoise", store, *FAST, "-o", store / "x.tif")
    assert "lies in the input" in inside.err


def test_a_folder_of_files_and_stores(muguet, store, tmp_path):
    np.save(tmp_path / "frame.npy", noise((40, 52)))
    np.save(tmp_path / "stack.npy", noise((2, 40, 52)))
    answer = muguet(
        "denoise",
        tmp_path / "frame.npy",
        tmp_path / "stack.npy",
        "--steps",
        2,
        "--symmetries",
        1,
        "-o",
        tmp_path / "out",
    )
    assert answer.code == 0, answer.err
    assert sorted(each.name for each in (tmp_path / "out").iterdir()) == ["frame.ome.tif", "stack.ome.tif"]
    answer = muguet("denoise", tmp_path, *FAST, "-o", tmp_path / "all")
    assert answer.code == 3  # The store has another number of channels.
    assert "cells.ome.zarr has 2 channels" in answer.err


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_the_version_of_ome_zarr_is_an_option(muguet, image, tmp_path, version):
    out = tmp_path / "a.zarr"
    assert muguet("denoise", image, *FAST, "-o", out, "--ome-zarr", version).code == 0
    assert read(out).kind == f"ome-zarr {version}"
    assert muguet("denoise", image, "-o", out, "--ome-zarr", "0.3").code == 2


@pytest.mark.parametrize(
    ("dimensions", "shards"), [(2, False), (2, True), pytest.param(3, True, marks=pytest.mark.slow)]
)
def test_block_by_block_a_result_is_that_in_memory(muguet, tmp_path, small_memory, dimensions, shards):
    data = noise((2, 4, 39, 51))
    group = zarr.open_group(tmp_path / "a.zarr", mode="w")
    extra = {"shards": (1, 2, 34, 26)} if shards else {}
    array = group.create_array("0", shape=data.shape, dtype=data.dtype, chunks=(1, 1, 17, 13), **extra)
    array[...] = data
    axes = [{"name": "t", "type": "time"}, *({"name": name, "type": "space"} for name in "zyx")]
    levels = [{"path": "0", "coordinateTransformations": [{"type": "scale", "scale": [1.0] * 4}]}]
    group.attrs["ome"] = {"version": "0.5", "multiscales": [{"axes": axes, "datasets": levels}]}
    saved = ("--save-model", tmp_path / "model.muguet", "--dimensions", dimensions)
    answer = muguet("denoise", tmp_path / "a.zarr", *FAST, *saved, "--dtype", "float32")
    assert answer.code == 0, answer.err
    assert "processed block by block" in answer.err
    model = ("--model", tmp_path / "model.muguet", "--symmetries", 1)
    memory = ("--dtype", "float32", "--memory", "9GB", "-o", tmp_path / "b.zarr")
    answer = muguet("denoise", tmp_path / "a.zarr", *model, *memory)
    assert answer.code == 0, answer.err
    blocks, whole = (read(tmp_path / name).data for name in ("a_denoised.zarr", "b.zarr"))
    np.testing.assert_allclose(blocks, whole, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("kind", ["tif", "npy"])
def test_a_large_file_gives_a_tiff(muguet, tmp_path, small_memory, kind):
    data = noise((5, 60, 70))
    if kind == "tif":
        tifffile.imwrite(tmp_path / "a.tif", data, imagej=True, metadata={"axes": "TYX", "finterval": 2.0})
    else:
        np.save(tmp_path / "a.npy", data)
    answer = muguet("denoise", tmp_path / f"a.{kind}", *FAST, "--mask-value", 100)
    assert answer.code == 0, answer.err
    assert "block by block" in answer.err
    back = read(tmp_path / f"a_denoised.{'tif' if kind == 'tif' else 'ome.tif'}")
    assert (back.axes, back.data.shape, back.data.dtype) == ("TYX", data.shape, data.dtype)
    assert (back.data[data == 100] == 100).all()
    assert back.data.std() < data.std()
    assert not list(tmp_path.glob(".muguet*"))


@pytest.mark.slow
def test_the_report_of_a_large_image_shows_its_middle(muguet, store, small_memory, monkeypatch):
    monkeypatch.setattr("muguet.cli.shared.streamed._MIDDLE", 32)
    page = store.parent / "page.html"
    answer = muguet("denoise", store, *FAST, "--report", page, "--json")
    assert answer.code == 0, answer.err
    assert "The report shows the middle of a large image: T 0, Y 4 to 35, X 8 to 39." in page.read_text()
    (output,) = json.loads(answer.out)["outputs"]
    assert output["complete"]
    assert [each["channel"] for each in output["checks"]] == [0, 1]


def test_a_damaged_chunk_is_one_sentence_and_the_rest_is_kept(muguet, store, small_memory):
    model = ("--model", store.parent / "model.muguet", "--symmetries", 1)
    assert muguet("fit", store, "--steps", 1, "-o", model[1]).code == 0
    chunk = next(each for each in (store / "0" / "c").rglob("*") if each.is_file())
    whole = chunk.read_bytes()
    chunk.write_bytes(b"damaged")
    answer = muguet("denoise", store, *model)
    assert answer.code == 2
    assert "is damaged, its pixels at" in answer.err
    result = store.with_name("cells_denoised.ome.zarr")
    assert f"What is finished is kept in {result}.unfinished" in answer.err
    assert not result.exists()
    assert not list(store.parent.glob(".muguet*"))
    chunk.write_bytes(whole)
    answer = muguet("denoise", store, *model)
    assert answer.code == 0, answer.err
    assert "blocks are there, from an earlier run" in answer.err
    assert sorted(each.name for each in store.parent.glob("*denoised*")) == [result.name]


@pytest.mark.parametrize(("text", "words"), [("2", "is no size"), ("1MB", "too little"), ("x", "is no size")])
def test_memory_that_is_no_size(muguet, image, text, words):
    answer = muguet("denoise", image, "--memory", text)
    assert answer.code == 2
    assert words in answer.err
