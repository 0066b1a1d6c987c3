"""OME-Zarr comes back with all its metadata, is valid, and is what other readers of Zarr find in it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaozarrs
import zarr
from hypothesis import given
from hypothesis import strategies as st

from muguet import MuguetError
from muguet.formats import open_all, read, read_all, write
from muguet.formats.ome_zarr.pyramid import average
from muguet.image import Image

AXES = [
    {"name": "t", "type": "time", "unit": "millisecond"},
    {"name": "c", "type": "channel"},
    {"name": "z", "type": "space", "unit": "micrometer"},
    {"name": "y", "type": "space", "unit": "nanometer"},
    {"name": "x", "type": "space", "unit": "nanometer"},
]
OMERO = {
    "name": "cells",
    "channels": [
        {"label": name, "color": color, "active": True, "window": {"min": 0, "max": 9, "start": 1, "end": 8}}
        for name, color in (("DAPI", "0000FF"), ("GFP", "00FF00"))
    ],
    "rdefs": {"defaultZ": 1, "model": "color"},
}
SHAPE = (2, 2, 2, 26, 40)


def pixels(shape: tuple[int, ...] = SHAPE, dtype: str = "uint16") -> np.ndarray:
    return np.random.default_rng(0).integers(1, 200, shape).astype(dtype)


def store(
    path: Path,
    version: str = "0.5",
    shards: bool = False,
    at: str = "",
    names: tuple[str, ...] = ("s0", "a/b"),
) -> np.ndarray:
    """Write an image of two levels with a label, foreign attributes and a table; return its pixels."""
    data = pixels()
    zarr_format = 3 if version == "0.5" else 2
    root = zarr.open_group(path, mode="a", zarr_format=zarr_format)
    group = root.require_group(at) if at else root

    def described(scale: list[float], channel: int) -> dict[str, object]:
        levels = [(names[0], 1.0), (names[1], 2.0)]
        return {
            "name": "cells",
            "axes": [axis for axis in AXES if channel or axis["name"] != "c"],
            "datasets": [
                {
                    "path": each,
                    "coordinateTransformations": [
                        {"type": "scale", "scale": [*scale[:-2], scale[-2] * f, scale[-1] * f]},
                        {"type": "translation", "translation": [*[0.0] * (len(scale) - 2), 5.0 + f, 7.0 + f]},
                    ],
                }
                for each, f in levels
            ],
            "metadata": {"method": "mean"},
        }

    def attributes(entries: dict[str, object]) -> dict[str, object]:
        if version == "0.5":
            return {"ome": {"version": version, **entries}, "mine": {"a": [1, 2]}}
        for each in (*entries.get("multiscales", ()), entries.get("image-label")):
            if each is not None:
                each["version"] = version
        return {**entries, "mine": {"a": [1, 2]}}

    def arrays(group: zarr.Group, data: np.ndarray) -> None:
        small = data[..., ::2, ::2]
        for name, values in zip(names, (data, small), strict=True):
            extra = {"shards": (1,) * (values.ndim - 2) + (32, 64)} if shards else {}
            dims = [a["name"] for a in AXES if values.ndim == 5 or a["name"] != "c"]
            array = group.create_array(
                name,
                shape=values.shape,
                dtype=values.dtype,
                chunks=(1,) * (values.ndim - 2) + (16, 32),
                chunk_key_encoding={"name": "default" if zarr_format == 3 else "v2", "separator": "/"},
                dimension_names=dims if zarr_format == 3 else None,
                **extra,
            )
            array[...] = values

    arrays(group, data)
    group.attrs.update(
        attributes(
            {
                "multiscales": [described([500.0, 1.0, 0.3, 80.0, 80.0], 1)],
                "omero": json.loads(json.dumps(OMERO)),
            }
        )
    )
    labels = group.create_group("labels")
    labels.attrs.update(
        {"ome": {"version": "0.5", "labels": ["nuclei"]}} if zarr_format == 3 else {"labels": ["nuclei"]}
    )
    nuclei = labels.create_group("nuclei")
    arrays(nuclei, (data[:, 0] > 100).astype(np.uint8))
    nuclei.attrs.update(
        attributes(
            {
                "multiscales": [described([500.0, 0.3, 80.0, 80.0], 0)],
                "image-label": {"colors": [{"label-value": 1, "rgba": [9, 9, 9, 9]}]},
            }
        )
    )
    group.create_group("tables").attrs["kept"] = True
    return data


def metadata_of(path: Path) -> dict[str, object]:
    """All metadata files of a store by their path."""
    names = ("zarr.json", ".zarray", ".zattrs", ".zgroup")
    return {
        str(file.relative_to(path)): json.loads(file.read_text())
        for file in path.rglob("*")
        if file.name in names
    }


@pytest.mark.parametrize("at", ["", "0"])
@pytest.mark.parametrize(("version", "shards"), [("0.4", False), ("0.5", False), ("0.5", True)])
def test_an_image_is_read_at_full_resolution(tmp_path, version, shards, at):
    data = store(tmp_path / "a.zarr", version, shards, at)
    if at:
        zarr.open_group(tmp_path / "a.zarr", mode="a").attrs["bioformats2raw.layout"] = 3
    (image,) = open_all(tmp_path / "a.zarr")
    np.testing.assert_array_equal(image.load().data, data)
    about = image.about
    assert about.axes == "TCZYX"
    assert dict(about.pixel_size) == pytest.approx({"T": 0.5, "Z": 0.3, "Y": 0.08, "X": 0.08})
    assert about.channel_names == ("DAPI", "GFP")
    assert about.kind == f"ome-zarr {version}"
    assert image.chunks == ((1, 1, 1, 32, 64) if shards else (1, 1, 1, 16, 32))
    assert image.storage["levels"] == ["s0: 2×2×2×26×40", "a/b: 2×2×2×13×20"]


@pytest.mark.parametrize("at", ["", "0"])
@pytest.mark.parametrize(("version", "shards"), [("0.4", False), ("0.5", False), ("0.5", True)])
def test_all_metadata_come_back(tmp_path, version, shards, at):
    store(tmp_path / "a.zarr", version, shards, at)
    image = read(tmp_path / "a.zarr")
    assert write(tmp_path / "b.zarr", replace(image, data=image.data + 1)) == ()
    assert metadata_of(tmp_path / "b.zarr") == metadata_of(tmp_path / "a.zarr")
    here = f"{at}/" if at else ""
    before, after = (zarr.open_group(tmp_path / name, mode="r") for name in ("a.zarr", "b.zarr"))
    np.testing.assert_array_equal(after[f"{here}s0"][...], before[f"{here}s0"][...] + 1)
    label = f"{here}labels/nuclei/s0"
    np.testing.assert_array_equal(after[label][...], before[label][...])
    means = image.data.astype(float).reshape(2, 2, 2, 13, 2, 20, 2).mean((4, 6)) + 1
    np.testing.assert_allclose(after[f"{here}a/b"][...], means, atol=0.5)


@pytest.mark.parametrize("at", ["", "0"])
@pytest.mark.parametrize(("version", "other"), [("0.4", "0.5"), ("0.5", "0.4")])
def test_another_version_keeps_what_both_hold(tmp_path, version, other, at):
    store(tmp_path / "a.zarr", version, at=at)
    image = read(tmp_path / "a.zarr")
    lost = write(tmp_path / "b.zarr", replace(image, kind=f"ome-zarr {other}"))
    assert "tables" in " ".join(lost)
    back = read(tmp_path / "b.zarr")
    assert back.kind == f"ome-zarr {other}"
    assert (back.axes, back.channel_names, dict(back.pixel_size)) == (
        image.axes,
        image.channel_names,
        dict(image.pixel_size),
    )
    np.testing.assert_array_equal(back.data, image.data)
    group = zarr.open_group(tmp_path / "b.zarr" / at, mode="r")
    attributes = group.attrs.asdict()
    entries = attributes["ome"] if other == "0.5" else attributes
    assert attributes["mine"] == {"a": [1, 2]}
    assert entries["omero"] == OMERO
    assert entries["multiscales"][0]["datasets"][1]["coordinateTransformations"][1]["translation"][-1] == 9.0
    assert group["labels/nuclei/s0"].shape == (2, 2, 26, 40)
    if other == "0.5":
        yaozarrs.validate_zarr_store(str(tmp_path / "b.zarr" / at))
    else:
        yaozarrs.validate_ome_object(attributes)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float64"])
@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_a_new_store_is_valid_and_has_a_pyramid(tmp_path, version, dtype):
    data = pixels((2, 2, 600, 530), dtype)
    size = {"T": 1.5, "X": 0.1, "Y": 0.1}
    image = Image(data, "TCYX", size, kind=f"ome-zarr {version}", channel_names=("a", "b"), name="cells")
    write(tmp_path / "a.ome.zarr", image)
    back = read(tmp_path / "a.ome.zarr")
    np.testing.assert_array_equal(back.data, data)
    assert (back.axes, dict(back.pixel_size), back.channel_names) == ("TCYX", size, ("a", "b"))
    group = zarr.open_group(tmp_path / "a.ome.zarr", mode="r")
    attributes = group.attrs.asdict()
    if version == "0.5":
        yaozarrs.validate_zarr_store(str(tmp_path / "a.ome.zarr"))
    else:
        yaozarrs.validate_ome_object(attributes)
    assert [array.shape[2:] for _, array in sorted(group.arrays())] == [(600, 530), (300, 265), (150, 133)]
    mean = data.astype(float)[..., :528].reshape(2, 2, 150, 4, 132, 4).mean((3, 5))
    np.testing.assert_allclose(group["2"][..., :132], mean, atol=1.1)
    datasets = (attributes.get("ome") or attributes)["multiscales"][0]["datasets"]
    assert datasets[1]["coordinateTransformations"] == [
        {"type": "scale", "scale": [1.5, 1.0, 0.2, 0.2]},
        {"type": "translation", "translation": [0.0, 0.0, 0.05, 0.05]},
    ]


def test_several_images_and_colours(tmp_path):
    images = [
        Image(pixels((20, 30, 3), "uint8"), "YXS", name="rgb"),
        Image(pixels((2, 20, 3, 30), "uint8"), "CYSX"),
    ]
    write(tmp_path / "a.zarr", images)
    rgb, both = read_all(tmp_path / "a.zarr")
    assert (rgb.axes, both.axes) == ("CYX", "CYX")
    np.testing.assert_array_equal(rgb.data, images[0].data.transpose(2, 0, 1))
    np.testing.assert_array_equal(both.data, images[1].data.transpose(0, 2, 1, 3).reshape(6, 20, 30))
    assert rgb.name == "rgb"
    yaozarrs.validate_zarr_store(str(tmp_path / "a.zarr"))
    np.testing.assert_array_equal(read(tmp_path / "a.zarr", scene=1).data, both.data)


def test_one_image_of_several_is_written_alone(tmp_path):
    store(tmp_path / "a.zarr", at="0")
    store(tmp_path / "a.zarr", at="1")
    one = read_all(tmp_path / "a.zarr", scenes=["1"])
    assert "other images" in " ".join(write(tmp_path / "b.zarr", one))
    assert len(read_all(tmp_path / "b.zarr")) == 1
    assert (tmp_path / "b.zarr" / "labels" / "nuclei").is_dir()


def test_a_plate(tmp_path):
    plate = {"wells": [{"path": "A/1"}, {"path": "B/2"}], "rows": [{"name": "A"}], "columns": []}
    root = zarr.open_group(tmp_path / "p.zarr", mode="a", zarr_format=3)
    root.attrs["ome"] = {"version": "0.5", "plate": plate}
    for well in ("A/1", "B/2"):
        store(tmp_path / "p.zarr", at=f"{well}/0")
        root[well].attrs["ome"] = {"version": "0.5", "well": {"images": [{"path": "0"}]}}
    images = read_all(tmp_path / "p.zarr")
    assert [image.name for image in images] == ["A/1/0", "B/2/0"]
    write(tmp_path / "q.zarr", images)
    assert metadata_of(tmp_path / "q.zarr") == metadata_of(tmp_path / "p.zarr")


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_plain_zarr(tmp_path, zarr_format):
    data = pixels((3, 20, 30))
    names = {"dimension_names": ["z", "y", "x"]} if zarr_format == 3 else {}
    array = zarr.create_array(
        tmp_path / "a", shape=data.shape, dtype=data.dtype, chunks=(1, 8, 8), zarr_format=zarr_format, **names
    )
    array[...] = data
    image = read(tmp_path / "a")
    np.testing.assert_array_equal(image.data, data)
    assert image.axes == ("ZYX" if zarr_format == 3 else "TYX")
    group = zarr.open_group(tmp_path / "g", mode="w", zarr_format=zarr_format)
    for name in ("one", "two"):
        group.create_array(name, shape=data.shape, dtype=data.dtype)[...] = data
    assert [image.name for image in read_all(tmp_path / "g", axes="ZYX")] == ["one", "two"]


def test_no_other_folder_is_replaced_and_nothing_is_half_written(tmp_path, monkeypatch):
    image = Image(pixels((20, 30)), "YX")
    (tmp_path / "a.zarr").mkdir()
    (tmp_path / "a.zarr" / "notes.txt").write_text("mine")
    (tmp_path / "b.zarr").write_text("mine")
    for name in ("a.zarr", "b.zarr"):
        with pytest.raises(MuguetError, match="only a Zarr store may be replaced"):
            write(tmp_path / name, image, overwrite=True)
    assert (tmp_path / "a.zarr" / "notes.txt").read_text() == "mine"
    write(tmp_path / "c.zarr", image)
    with pytest.raises(MuguetError, match="overwrite"):
        write(tmp_path / "c.zarr", image)

    def fail(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("muguet.formats.ome_zarr.target.average", fail)
    with pytest.raises(MuguetError, match="disk is full"):
        write(tmp_path / "c.zarr", Image(pixels((600, 600)), "YX"), overwrite=True)
    np.testing.assert_array_equal(read(tmp_path / "c.zarr").data, image.data)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.zarr", "b.zarr", "c.zarr"]


def test_what_made_an_image_is_an_attribute_beside_those_of_others(tmp_path):
    store(tmp_path / "a.zarr")
    before = zarr.open_group(tmp_path / "a.zarr", mode="r").attrs.asdict()
    image = read(tmp_path / "a.zarr")
    assert not image.provenance
    first, second = ({"software": "muguet 1.0", "model": name, "seed": 0} for name in "ab")
    write(tmp_path / "b.zarr", replace(image, provenance=first))
    back = read(tmp_path / "b.zarr")
    assert back.provenance == first
    write(tmp_path / "c.zarr", replace(back, provenance=second))
    write(tmp_path / "d.zarr", read(tmp_path / "c.zarr"))
    for name, made in (("b.zarr", [first]), ("c.zarr", [first, second]), ("d.zarr", [first, second])):
        after = zarr.open_group(tmp_path / name, mode="r").attrs.asdict()
        assert after.pop("muguet") == made
        assert after == before


def test_a_damaged_chunk_and_a_missing_one(tmp_path):
    store(tmp_path / "a.zarr")
    chunk = tmp_path / "a.zarr" / "s0" / "c" / "0" / "0" / "0" / "0" / "0"
    chunk.unlink()
    (image,) = open_all(tmp_path / "a.zarr")
    assert any("1 of 32 chunks are not in the store" in note for note in image.about.notes)
    chunk.write_bytes(b"damaged")
    with pytest.raises(MuguetError, match="damaged, its pixels at T 0 to 1, C 0 to 1"):
        read(tmp_path / "a.zarr")


@pytest.mark.parametrize("shape", [(2, 2, 2, 30, 20), (2, 2, 13, 20)])
def test_levels_that_contradict_each_other(tmp_path, shape):
    store(tmp_path / "a.zarr")
    group = zarr.open_group(tmp_path / "a.zarr", mode="a")
    del group["a/b"]
    with pytest.raises(MuguetError, match="lacks the level a/b"):
        read(tmp_path / "a.zarr")
    group.create_array("a/b", shape=shape, dtype="uint16")
    with pytest.raises(MuguetError, match="levels contradict each other"):
        read(tmp_path / "a.zarr")


def test_metadata_that_are_wrong_are_one_sentence(tmp_path):
    store(tmp_path / "a.zarr")
    group = zarr.open_group(tmp_path / "a.zarr", mode="a")
    entries = group.attrs["ome"]
    for axes in (AXES[1:], [*AXES[1:], AXES[4]]):
        entries["multiscales"][0]["axes"] = axes
        group.attrs["ome"] = entries
        with pytest.raises(MuguetError, match="correct its metadata"):
            read(tmp_path / "a.zarr")
    (tmp_path / "a.zarr" / "zarr.json").write_text("{")
    with pytest.raises(MuguetError, match="damaged metadata"):
        read(tmp_path / "a.zarr")


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 3), st.integers(1, 3))
def test_averages_of_equal_blocks_keep_the_mean(rows, columns, by_y, by_x):
    values = np.random.default_rng(rows * 10 + columns).normal(size=(rows * by_y, columns * by_x))
    means = average(values, (by_y, by_x), (rows, columns))
    assert means.shape == (rows, columns)
    np.testing.assert_allclose(means.mean(), values.mean(), atol=1e-12)
