"""Files of microscope makers and other fields give the axes, sizes and names that their own libraries give."""

from __future__ import annotations

from dataclasses import replace

import h5py
import mrcfile
import nibabel
import numpy as np
import pytest
import tifffile

from muguet import MuguetError
from muguet.formats import open_all, read, read_all, write


@pytest.mark.parametrize(
    ("name", "axes", "shape", "dtype", "size"),
    [
        ("cluster.nd2", "TZCYX", (3, 10, 2, 31, 38), "uint16", {"X": 0.1678, "Y": 0.1678, "Z": 0.5}),
        ("example-zstack.nd2", "ZYX", (11, 128, 128), "uint16", {"X": 0.32339, "Y": 0.32339, "Z": 6.0}),
        ("Minimal_IMS_File.ims", "YX", (128, 128), "uint16", {"X": 7 / 128, "Y": 7 / 128}),
        ("EMD-3197.mrc", "ZYX", (20, 20, 20), "float32", dict.fromkeys("XYZ", 11.4e-4)),
        (
            "EMD-3001.map",
            "YXZ",
            (25, 43, 73),
            "float32",
            {"X": 0.44825e-4, "Y": 0.3925e-4, "Z": 0.45875e-4},
        ),
        ("anatomical.nii", "ZYX", (25, 41, 33), "int16", dict.fromkeys("XYZ", 2000.0)),
        (
            "functional.nii",
            "TZYX",
            (20, 3, 21, 17),
            "float32",
            {"X": 4000.0, "Y": 4000.0, "Z": 8000.0, "T": 2.0},
        ),
        (
            "xyz_8bit__mitotic_plate_calibrated.ome.zarr",
            "TCZYX",
            (1, 1, 6, 263, 263),
            "uint8",
            {"X": 0.085196, "Y": 0.085196, "Z": 3.0, "T": 1.0},
        ),
        ("input10.zarr", "CYX", (2, 64, 64), "uint8", {}),
    ],
)
def test_a_real_file(files, name, axes, shape, dtype, size):
    image = read(files / name)
    assert (image.axes, image.data.shape, image.data.dtype.name) == (axes, shape, dtype)
    assert image.data.dtype.isnative
    assert dict(image.pixel_size) == pytest.approx(size, rel=1e-4)


@pytest.mark.parametrize(
    "name", ["cluster.nd2", "Minimal_IMS_File.ims", "functional.nii", "anatomical.nii", "EMD-3001.map"]
)
def test_a_part_is_the_part_of_the_whole(files, name):
    (image,) = open_all(files / name)
    whole = read(files / name).data
    part = tuple(slice(size // 3, size // 3 + max(size // 4, 1)) for size in whole.shape)
    np.testing.assert_array_equal(image.read(part), whole[part])


def test_a_zarr_store_and_its_tiff_hold_the_same_pixels(files):
    one, other = (
        read(files / f"xyz_8bit__mitotic_plate_calibrated.{end}").data for end in ("ome.zarr", "tiff")
    )
    np.testing.assert_array_equal(one[0, 0], other)


def test_names_of_channels(files):
    assert read(files / "cluster.nd2").channel_names == ("5-FAM/pH 9.0", "FM 4-64/2% CHAPS")


def test_the_tiles_of_a_mosaic_are_images_and_a_negative_step_is_a_distance(files):
    path = files / "PR2729_frameOrderCombinedScanTypes.lif"
    images = read_all(path)
    assert [(image.axes, image.data.shape) for image in images] == [("TZCYX", (2, 3, 2, 64, 64))] * 4
    assert images[0].pixel_size["Z"] == pytest.approx(6.2276, rel=1e-4)
    assert any("downwards" in note for note in images[0].notes)
    assert read(path, scene=images[2].name).name == images[2].name
    with pytest.raises(MuguetError, match="has no image 'x': choose one of 0: TileScan_001 tile 0"):
        read(path, scene="x")


@pytest.mark.parametrize("name", ["cluster.nd2", "PR2729_frameOrderCombinedScanTypes.lif"])
def test_what_can_be_kept_of_a_file_that_is_only_read(files, tmp_path, name):
    images = read_all(files / name)
    write(tmp_path / "a.ome.tif", images)
    for image, back in zip(images, read_all(tmp_path / "a.ome.tif"), strict=True):
        assert (back.axes, back.channel_names) == (image.axes, image.channel_names)
        assert dict(back.pixel_size) == pytest.approx(dict(image.pixel_size))
        np.testing.assert_array_equal(back.data, image.data)


def test_nifti_values_are_after_slope_and_intercept_in_any_byte_order(tmp_path):
    stored = np.arange(2 * 3 * 4, dtype=np.int16).reshape(2, 3, 4)
    for ending in ("nii", "nii.gz"):
        for order in "<>":
            header = nibabel.Nifti1Header(endianness=order)
            header.set_data_dtype(np.int16)
            header.set_xyzt_units("micron", "sec")
            image = nibabel.Nifti1Image(stored, np.diag([0.5, 0.25, 2, 1]), header)
            image.header.set_slope_inter(2.0, 10.0)
            nibabel.save(image, tmp_path / f"a.{ending}")
            found = read(tmp_path / f"a.{ending}")
            expected = np.asarray(nibabel.load(tmp_path / f"a.{ending}").dataobj)
            np.testing.assert_allclose(found.data, expected.T)
            assert found.axes == "ZYX"
            assert dict(found.pixel_size) == pytest.approx({"X": 0.5, "Y": 0.25, "Z": 2.0})


def test_an_imaris_file_with_padding_times_and_channels(tmp_path):
    data = np.random.default_rng(0).integers(0, 999, (2, 2, 3, 20, 30), np.uint16)

    def text(value):
        return np.array([letter.encode() for letter in value], "S1")

    with h5py.File(tmp_path / "a.bin", "w") as file:
        file.attrs["ImarisDataSet"] = text("ImarisDataSet")
        for t, c in np.ndindex(2, 2):
            channel = file.create_group(f"DataSet/ResolutionLevel 0/TimePoint {t}/Channel {c}")
            for letter, size in zip("ZYX", (3, 20, 30), strict=True):
                channel.attrs[f"ImageSize{letter}"] = text(str(size))
            padded = np.pad(data[t, c], ((0, 1), (0, 12), (0, 2)))
            channel.create_dataset("Data", data=padded, chunks=(2, 16, 16), compression="gzip")
        info = file.create_group("DataSetInfo")
        image = info.create_group("Image")
        image.attrs["Unit"] = text("nm")
        for number, length in enumerate((30 * 200, 20 * 200, 3 * 500)):
            image.attrs[f"ExtMin{number}"], image.attrs[f"ExtMax{number}"] = text("0"), text(str(length))
        for c, name in enumerate(("DAPI", "GFP")):
            info.create_group(f"Channel {c}").attrs["Name"] = text(name)
        times = info.create_group("TimeInfo")
        times.attrs["TimePoint1"] = text("2020-01-01 10:00:00.000")
        times.attrs["TimePoint2"] = text("2020-01-01 10:00:02.500")
    image = read(tmp_path / "a.bin")
    assert (image.axes, image.channel_names) == ("TCZYX", ("DAPI", "GFP"))
    np.testing.assert_array_equal(image.data, data)
    assert dict(image.pixel_size) == pytest.approx({"X": 0.2, "Y": 0.2, "Z": 0.5, "T": 2.5})


def test_another_hdf5_file_is_no_image(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = np.zeros(4)
    with pytest.raises(MuguetError, match=r"a.h5 is an HDF5 file.*convert it"):
        read(tmp_path / "a.h5")


@pytest.mark.parametrize("name", ["EMD-3197.mrc", "EMD-3001.map"])
def test_an_mrc_file_comes_back_with_its_header(files, tmp_path, name):
    image = read(files / name)
    write(tmp_path / name, image)
    with mrcfile.open(files / name) as before, mrcfile.open(tmp_path / name) as after:
        np.testing.assert_array_equal(before.data, after.data)
        for field in ("mapc", "mapr", "maps", "nxstart", "origin", "cella", "ispg", "label"):
            np.testing.assert_array_equal(before.header[field], after.header[field])
        assert before.extended_header.tobytes() == after.extended_header.tobytes()


def test_a_stack_of_mrc_images_is_a_series(tmp_path):
    stack = np.random.default_rng(0).normal(size=(3, 16, 20)).astype(np.float32)
    with mrcfile.new(tmp_path / "a.mrcs", stack) as file:
        file.set_image_stack()
        file.voxel_size = 1.5
    image = read(tmp_path / "a.mrcs")
    assert image.axes == "TYX"
    assert image.pixel_size["X"] == pytest.approx(1.5e-4)
    write(tmp_path / "b.mrcs", image)
    with mrcfile.open(tmp_path / "b.mrcs") as file:
        assert file.is_image_stack()
    wide = replace(image, data=image.data.astype(np.float64))
    with pytest.raises(MuguetError, match="MRC has no float64 pixels"):
        write(tmp_path / "c.mrc", wide)


def test_an_npy_file_is_read_with_guessed_or_given_axes(tmp_path):
    data = np.arange(2 * 20 * 24, dtype=">u2").reshape(2, 20, 24)
    np.save(tmp_path / "a.npy", data)
    image = read(tmp_path / "a.npy")
    assert image.axes == "TYX"
    assert image.data.dtype.isnative
    np.testing.assert_array_equal(image.data, data)
    assert read(tmp_path / "a.npy", axes="zyx").axes == "ZYX"
    with pytest.raises(MuguetError, match=r"4 letters.*has shape \(2, 20, 24\)"):
        read(tmp_path / "a.npy", axes="TCYX")
    np.save(tmp_path / "b.npy", np.array([{}]), allow_pickle=True)
    with pytest.raises(MuguetError, match="no NumPy array of numbers"):
        read(tmp_path / "b.npy")


def test_a_tiff_is_opened_without_being_read(tmp_path):
    data = np.arange(3 * 20 * 24, dtype=np.uint16).reshape(3, 20, 24)
    for keywords in ({}, {"compression": "zlib"}, {"byteorder": ">"}):
        tifffile.imwrite(
            tmp_path / "a.tif", data, photometric="minisblack", metadata={"axes": "ZYX"}, **keywords
        )
        (image,) = open_all(tmp_path / "a.tif")
        assert isinstance(image.pixels, np.memmap) == ("compression" not in keywords)
        np.testing.assert_array_equal(image.load().data, data)
        assert image.load().axes == read(tmp_path / "a.tif").axes
