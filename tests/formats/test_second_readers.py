"""Every format that muguet reads or writes has the same pixels and metadata for an independent reader."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaozarrs

from muguet.formats import read, read_all, write
from muguet.image import Image
from tests.formats import by_hand
from tests.formats.by_hand import Found

CHANNELS = ("DAPI", "GFP")
SIZE = {"T": 1.5, "Z": 0.4, "Y": 0.1, "X": 0.1}


def pixels(shape: tuple[int, ...], dtype: str = "uint16") -> np.ndarray:
    return np.random.default_rng(0).integers(1, 250, shape).astype(dtype)


def same(image: Image, found: Found) -> None:
    """Compare an image of muguet with what another reader found, axes of size one in it aside."""
    kept = [i for i, size in enumerate(found.data.shape) if size > 1 or found.axes[i] in image.axes]
    letters = [found.axes[i] for i in kept]
    data = found.data.reshape([found.data.shape[i] for i in kept])
    np.testing.assert_allclose(image.data, data.transpose([letters.index(a) for a in image.axes]), rtol=1e-6)
    assert dict(image.pixel_size) == pytest.approx(found.pixel_size, rel=1e-5)


def tensorstore_array(folder: Path) -> np.ndarray:
    tensorstore = pytest.importorskip("tensorstore")
    driver = "zarr3" if (folder / "zarr.json").exists() else "zarr"
    spec = {"driver": driver, "kvstore": {"driver": "file", "path": str(folder)}}
    return np.asarray(tensorstore.open(spec, read=True).result())


@pytest.mark.parametrize("second", [by_hand.zarr_array, tensorstore_array])
@pytest.mark.parametrize(
    ("version", "shape", "dtype"),
    [
        ("0.4", (2, 2, 3, 40, 700), "uint16"),
        ("0.5", (2, 2, 3, 40, 700), "uint16"),
        ("0.5", (1, 2, 1, 1030, 520), "uint8"),
        ("0.4", (2, 2, 1, 40, 50), "float32"),
        ("0.5", (2, 2, 1, 40, 50), "int16"),
    ],
)
def test_a_new_ome_zarr(tmp_path, second, version, shape, dtype):
    data = pixels(shape, dtype)
    image = Image(data, "TCZYX", SIZE, kind=f"ome-zarr {version}", channel_names=CHANNELS, name="cells")
    write(tmp_path / "a.zarr", image)
    found = by_hand.ome_zarr(tmp_path / "a.zarr")
    same(image, found)
    assert found.names == CHANNELS
    attributes = by_hand.ome_zarr_attributes(tmp_path / "a.zarr")
    yaozarrs.validate_ome_object(attributes.get("ome", attributes))
    (levels,) = attributes.get("ome", attributes)["multiscales"]
    assert levels["name"] == "cells"
    for level in levels["datasets"]:
        values = second(tmp_path / "a.zarr" / level["path"])
        scale, *shift = level["coordinateTransformations"]
        factors = [round(a / b) for a, b in zip(scale["scale"], SIZE_WITH_CHANNEL, strict=True)]
        assert values.shape == tuple(-(-n // f) for n, f in zip(shape, factors, strict=True))
        if shift:  # The centre of the first pixel of a level is the centre of the block that it averages.
            centre = [s * (f - 1) / 2 for s, f in zip(SIZE_WITH_CHANNEL, factors, strict=True)]
            assert shift[0]["translation"] == pytest.approx(centre)
        assert abs(values.mean() - data.mean()) < 3


SIZE_WITH_CHANNEL = (1.5, 1.0, 0.4, 0.1, 0.1)


@pytest.mark.parametrize("name", ["input10.zarr", "xyz_8bit__mitotic_plate_calibrated.ome.zarr"])
def test_a_real_ome_zarr_and_its_result(files, tmp_path, name):
    at = "0" if (files / name / "0" / ".zattrs").exists() else ""
    (image,) = read_all(files / name)
    found = by_hand.ome_zarr(files / name / at)
    same(image, found)
    write(tmp_path / "a.zarr", replace(image, data=image.data // 2))
    back = by_hand.ome_zarr(tmp_path / "a.zarr" / at)
    same(replace(image, data=image.data // 2), back)
    assert back.names == found.names
    before, after = (
        by_hand.ome_zarr_attributes(folder / at) for folder in (files / name, tmp_path / "a.zarr")
    )
    assert after == before


def frames(path: Path) -> tuple[np.ndarray, str, dict[int, object]]:
    """The pages of a TIFF, its description and the tags of its first page, read by Pillow."""
    pillow = pytest.importorskip("PIL.Image")
    with pillow.open(path) as file:
        tags = dict(file.tag_v2)
        description = tags.get(270, "")
        pages = []
        for i in range(file.n_frames):
            file.seek(i)
            pages.append(np.asarray(file))
    return np.stack(pages), str(description).encode("latin-1").decode(), tags  # Pillow assumes Latin-1.


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_an_ome_tiff(tmp_path, dtype):
    ome_types = pytest.importorskip("ome_types")
    data = pixels((2, 2, 3, 20, 30), dtype)
    write(
        tmp_path / "a.ome.tif", Image(data, "TCZYX", SIZE, kind="ome", channel_names=CHANNELS, name="cells")
    )
    pages, description, _ = frames(tmp_path / "a.ome.tif")
    (image,) = ome_types.from_xml(description).images
    found = image.pixels
    assert image.name == "cells"
    assert [channel.name for channel in found.channels] == list(CHANNELS)
    letters = found.dimension_order.value[::-1]
    sizes = dict(zip("TCZYX", data.shape, strict=True))
    values = pages.reshape([sizes[letter] for letter in letters])
    np.testing.assert_array_equal(values.transpose([letters.index(letter) for letter in "TCZYX"]), data)
    assert (found.size_t, found.size_c, found.size_z, found.size_y, found.size_x) == data.shape
    size = (found.time_increment, found.physical_size_z, found.physical_size_y, found.physical_size_x)
    assert size == pytest.approx((1.5, 0.4, 0.1, 0.1))
    assert {found.physical_size_z_unit.value, found.physical_size_x_unit.value} == {"µm"}


def test_an_imagej_tiff(tmp_path):
    data = pixels((2, 3, 2, 20, 30))
    write(tmp_path / "a.tif", Image(data, "TZCYX", SIZE, kind="imagej"))
    pages, description, tags = frames(tmp_path / "a.tif")
    np.testing.assert_array_equal(pages.reshape(data.shape), data)
    facts = dict(re.findall(r"^(\w+)=(.*)$", description, re.MULTILINE))
    assert (facts["frames"], facts["slices"], facts["channels"]) == ("2", "3", "2")
    assert (float(facts["spacing"]), float(facts["finterval"])) == (0.4, 1.5)
    assert facts["unit"] in ("um", "micron", r"\u00B5m")
    assert 1 / float(tags[282]) == pytest.approx(0.1, rel=1e-4)


@pytest.mark.parametrize("name", ["EMD-3197.mrc", "EMD-3001.map"])
def test_an_mrc_file_and_its_result(files, tmp_path, name):
    image = read(files / name)
    same(image, by_hand.mrc(files / name))
    write(tmp_path / name, replace(image, data=image.data / 2))
    same(replace(image, data=image.data / 2), by_hand.mrc(tmp_path / name))


@pytest.mark.parametrize("name", ["anatomical.nii", "functional.nii"])
def test_a_nifti_file(files, name):
    same(read(files / name), by_hand.nifti(files / name))


def test_a_lif_file(files):
    (found,) = by_hand.lif(files / "PR2729_frameOrderCombinedScanTypes.lif")
    images = read_all(files / "PR2729_frameOrderCombinedScanTypes.lif")
    tiles = np.moveaxis(found.data, found.axes.index("M"), 0)
    assert len(images) == len(tiles)
    for image, tile in zip(images, tiles, strict=True):
        same(image, replace(found, data=tile, axes=found.axes.replace("M", "")))


@pytest.mark.parametrize(("name", "axes"), [("cluster.nd2", "TZYXC"), ("example-zstack.nd2", "ZYXC")])
def test_an_nd2_file(files, name, axes):
    image = read(files / name)
    data, step = by_hand.nd2_frames(files / name)
    sizes = dict(zip(image.axes, image.data.shape, strict=True))
    loops = [sizes[letter] for letter in axes if letter in "TZ"]
    rest = {letter: image.pixel_size[letter] for letter in "TZ" if letter in image.pixel_size}
    same(image, Found(data.reshape(*loops, *data.shape[1:]), axes, {"X": step, "Y": step, **rest}))


def test_an_imaris_file(files):
    pyfive = pytest.importorskip("pyfive")
    image = read(files / "Minimal_IMS_File.ims")
    with pyfive.File(files / "Minimal_IMS_File.ims") as file:
        data = file["DataSet/ResolutionLevel 0/TimePoint 0/Channel 0/Data"][...]
    raw = (files / "Minimal_IMS_File.ims").read_bytes()  # pyfive cannot read these attributes.
    low, high = (
        float(re.search(rb"Ext%s0\0.{28}([\d.]+)\0" % end, raw, re.DOTALL)[1]) for end in (b"Min", b"Max")
    )
    np.testing.assert_array_equal(image.data, data[0])
    assert image.pixel_size["X"] == pytest.approx((high - low) / data.shape[-1])


@pytest.mark.skipif(sys.version_info < (3, 12), reason="czifile needs Python 3.12")
@pytest.mark.parametrize("compression", ["uncompressed:", "zstd0:ExplicitLevel=2", "zstd1:ExplicitLevel=2"])
def test_a_czi_file(tmp_path, compression):
    pytest.importorskip("czifile")
    czi = pytest.importorskip("pylibCZIrw.czi")
    data = pixels((2, 2, 3, 40, 56))
    with czi.create_czi(str(tmp_path / "a.czi"), compression_options=compression) as file:
        for t, c, z in np.ndindex(2, 2, 3):
            file.write(data[t, c, z, ..., None], plane={"T": t, "C": c, "Z": z})
        file.write_metadata(channel_names=dict(enumerate(CHANNELS)), scale_x=1e-7, scale_y=1e-7, scale_z=4e-7)
    image = read(tmp_path / "a.czi")
    same(image, Found(data, "TCZYX", {"Z": 0.4, "Y": 0.1, "X": 0.1}))
    assert image.channel_names == CHANNELS


@pytest.mark.skipif(sys.version_info < (3, 12), reason="czifile needs Python 3.12")
def test_a_czi_file_of_mosaics(tmp_path):
    pytest.importorskip("czifile")
    czi = pytest.importorskip("pylibCZIrw.czi")
    tiles = pixels((3, 40, 56, 1))
    with czi.create_czi(
        str(tmp_path / "a.czi")
    ) as file:  # A scene of two tiles with a gap, and one of one tile.
        for tile, place, scene in zip(tiles, ((0, 0), (300, 90), (900, 700)), (0, 0, 1), strict=True):
            file.write(tile, location=place, plane={"C": 0}, scene=scene)
        file.write_metadata("no scale")
    first, second = read_all(tmp_path / "a.czi")
    with czi.open_czi(str(tmp_path / "a.czi")) as file:
        np.testing.assert_array_equal(first.data, file.read(scene=0)[..., 0])
        np.testing.assert_array_equal(second.data, file.read(scene=1)[..., 0])
    assert not first.pixel_size
    assert not first.channel_names
    assert not first.data[:30, 100:200].any()
