"""Laws of files: what is written is what is read, and what cannot be is said and leaves nothing behind."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import tempfile
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from muguet.errors import MuguetError
from muguet.image import files
from muguet.image.files import Image, check_output, destination, find, read, to_dtype, write

DTYPES = [
    *("bool", "uint8", "uint16", "uint32", "int8", "int16", "int32"),
    *("float16", "float32", "float64"),
]
OME_DTYPES = [dtype for dtype in DTYPES if dtype != "float16"]


def counted(shape, dtype="uint16"):
    return (np.arange(np.prod(shape)) % 251).reshape(shape).astype(dtype)


@pytest.fixture
def image():
    return Image(counted((3, 17, 12)), "TYX", {"X": 0.0645, "Y": 0.0645, "T": 2.5})


@pytest.fixture
def stored(tmp_path, image):
    """Return a good file in a folder of its own."""
    path = tmp_path / "cells.tif"
    write(path, image)
    return path


def sizes_of(*letters):
    return st.fixed_dictionaries({letter: st.floats(1e-4, 1e3) for letter in letters})


@st.composite
def images(draw, dtypes=DTYPES, letters="TCZS"):
    others = draw(st.sets(st.sampled_from(letters)))
    axes = "".join(draw(st.permutations(sorted(others | {"Y", "X"}))))
    shape = draw(st.lists(st.integers(1, 5), min_size=len(axes), max_size=len(axes)))
    byteorder = draw(st.sampled_from("<>"))
    data = counted(shape, draw(st.sampled_from(dtypes)))
    data = data.astype(data.dtype.newbyteorder(byteorder))
    sizes = draw(st.just({}) | sizes_of("X", "Y") | sizes_of("X", "Y", "Z") | sizes_of("Z") | sizes_of("X"))
    sizes |= draw(st.just({}) | sizes_of("T"))
    return Image(
        data,
        axes,
        {letter: size for letter, size in sizes.items() if letter in axes},
        kind=draw(st.sampled_from(["tiff", "imagej", "ome"])),
        compression=draw(st.sampled_from(["", "zlib", "lzw", "zstd"])),
    )


def assert_same(back, image):
    assert back.axes == image.axes
    assert back.data.dtype == image.data.dtype.newbyteorder("=")
    assert back.data.dtype.isnative
    np.testing.assert_array_equal(back.data, image.data, strict=back.data.dtype == image.data.dtype)
    assert back.data.shape == image.data.shape
    assert back.compression == image.compression


# --- Written is read -------------------------------------------------------------------------------------


@settings(max_examples=250, deadline=None)
@given(images())
def test_write_then_read_is_the_identity(image):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "image.tif"
        write(path, image)
        assert [file.name for file in Path(folder).iterdir()] == ["image.tif"]
        assert_same(read(path), image)


@settings(max_examples=150, deadline=None)
@given(images(OME_DTYPES, "TCZ"), st.sampled_from(["i.ome.tif", "i.OME.TIFF", "i.tif"]))
def test_pixel_sizes_survive(image, name):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        write(path, image)
        back = read(path)
    assert_same(back, image)
    if "ome" in name.lower() or image.kind == "ome":
        assert back.kind == "ome"
    if back.kind != "tiff" and set("XY") & set(image.pixel_size) == {"X"}:
        assert back.kind == "ome"  # ImageJ cannot hold a width without a height
    assert dict(back.pixel_size) == pytest.approx(dict(image.pixel_size), rel=1e-6)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(["uint8", "uint16", "int16", "float32"]),
    st.sampled_from("<>"),
    st.sampled_from([None, "zlib", "lzw", "zstd"]),
    st.booleans(),
    st.none() | st.just((16, 16)),
)
def test_tiff_of_others_is_read_as_tifffile_wrote_it(dtype, byteorder, compression, bigtiff, tile):
    data = counted((2, 40, 33), dtype)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "image.TIFF"
        tifffile.imwrite(
            path,
            data,
            byteorder=byteorder,
            compression=compression,
            bigtiff=bigtiff,
            tile=tile,
            photometric="minisblack",
            metadata=None,
        )
        image = read(path)
    assert image.axes == "TYX"
    assert image.data.dtype.isnative
    np.testing.assert_array_equal(image.data, data, strict=True)
    assert image.notes == ("axes IYX of the file were read as TYX",)


def test_what_is_read_is_written_as_the_same_kind(tmp_path):
    names = ("nuclei", "actin <&> µ")
    for kind in ("ome", "imagej"):
        first, second = tmp_path / f"{kind}1.tif", tmp_path / f"{kind}2.tif"
        shown = (
            {"mode": "composite", "Ranges": (0.0, 9.0, 1.0, 8.0), "Info": "objective 60×"}
            if kind == "imagej"
            else {}
        )
        write(first, Image(counted((2, 7, 9)), "CYX", kind=kind, channel_names=names, imagej=shown))
        write(second, read(first))
        back = read(second)
        assert back.kind == kind
        assert back.channel_names == (names if kind == "ome" else ())
        assert dict(back.imagej) == shown


def test_fiji_finds_its_scale_and_its_dimensions(tmp_path):
    path = tmp_path / "a.tif"
    write(path, Image(counted((4, 2, 9, 7, 3)), "ZTYXC", {"X": 0.1, "Y": 0.2, "Z": 0.5, "T": 3.0}))
    with tifffile.TiffFile(path) as tif:
        assert tif.is_imagej
        assert tif.series[0].axes == "TZCYX"
        assert {"unit": "micron", "spacing": 0.5, "finterval": 3.0}.items() <= tif.imagej_metadata.items()
        assert tif.pages[0].tags["XResolution"].value == (10, 1)
        assert tif.pages[0].tags["YResolution"].value == (5, 1)


def test_a_colour_photograph_stays_one(tmp_path):
    data = counted((20, 30, 3), "uint8")
    tifffile.imwrite(tmp_path / "a.tif", data, photometric="rgb", metadata=None)
    image = read(tmp_path / "a.tif")
    assert image.axes == "YXS"
    write(tmp_path / "b.tif", image)
    with tifffile.TiffFile(tmp_path / "b.tif") as tif:
        assert tif.pages[0].photometric == tifffile.PHOTOMETRIC.RGB
    assert_same(read(tmp_path / "b.tif"), image)


def test_samples_without_colour_are_channels(tmp_path):
    data = counted((2, 20, 30), "uint8")
    tifffile.imwrite(
        tmp_path / "a.tif", data, photometric="minisblack", planarconfig="separate", metadata=None
    )
    image = read(tmp_path / "a.tif")
    assert image.axes == "CYX"
    np.testing.assert_array_equal(image.data, data)


def test_a_palette_is_read_as_grey_and_told(tmp_path):
    colours = np.tile(np.arange(256, dtype=np.uint16) * 257, (3, 1))
    tifffile.imwrite(tmp_path / "a.tif", counted((8, 9), "uint8"), photometric="palette", colormap=colours)
    image = read(tmp_path / "a.tif")
    np.testing.assert_array_equal(image.data, counted((8, 9), "uint8"))
    assert "palette" in image.notes[0]


def test_of_several_images_the_largest_is_read(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as tif:
        for shape in ((8, 8), (32, 30), (16, 16)):
            tif.write(counted(shape), photometric="minisblack")
    image = read(tmp_path / "a.tif")
    assert image.data.shape == (32, 30)
    assert "number 2" in image.notes[0]


def test_of_a_pyramid_the_full_resolution_is_read(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.ome.tif", ome=True) as tif:
        tif.write(counted((64, 64)), subifds=1, metadata={"axes": "YX", "PhysicalSizeX": 0.5})
        tif.write(counted((32, 32)), subfiletype=1)
    image = read(tmp_path / "a.ome.tif")
    np.testing.assert_array_equal(image.data, counted((64, 64)))
    assert image.pixel_size == {"X": 0.5}
    assert image.notes == ()


def test_unknown_axes_and_time_become_one_time_axis(tmp_path):
    data = counted((2, 3, 2, 9, 8))
    tifffile.imwrite(tmp_path / "a.tif", data, metadata={"axes": "RTCYX"}, photometric="minisblack")
    image = read(tmp_path / "a.tif")
    assert image.axes == "TCYX"
    np.testing.assert_array_equal(image.data, data.reshape(6, 2, 9, 8))
    assert image.notes == ("axes RTCYX of the file were read as TCYX",)
    moved = counted((3, 2, 4, 9, 8))
    tifffile.imwrite(tmp_path / "b.tif", moved, metadata={"axes": "CPZYX"}, photometric="minisblack")
    assert read(tmp_path / "b.tif").axes == "CTZYX"


def test_axes_of_the_user_win(stored):
    image = read(stored, "zyx")
    assert image.axes == "ZYX"
    assert "T" not in image.pixel_size
    with pytest.raises(MuguetError, match=r"'CTYX'.*has 3.*cells\.tif has shape \(3, 17, 12\), read as TYX"):
        read(stored, "CTYX")


def test_a_file_that_others_changed_is_read_as_it_is_now(tmp_path):
    tifffile.imwrite(
        tmp_path / "a.tif", counted((4, 9, 8)), imagej=True, metadata={"axes": "ZYX", "muguet_axes": "XYT"}
    )
    assert read(tmp_path / "a.tif").axes == "ZYX"


# --- Pixel sizes of others -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("unit", "micrometres"),
    [
        ("nm", 1e-3),
        ("µm", 1.0),
        ("μm", 1.0),
        ("mm", 1e3),
        ("cm", 1e4),
        ("m", 1e6),
        ("pixel", None),
        ("in", 25400),
    ],
)
def test_ome_units(tmp_path, unit, micrometres):
    metadata = {"axes": "YX", "PhysicalSizeX": 2.0, "PhysicalSizeXUnit": unit}
    tifffile.imwrite(tmp_path / "a.ome.tif", counted((9, 8)), metadata=metadata)
    expected = {} if micrometres is None else {"X": pytest.approx(2 * micrometres)}
    assert read(tmp_path / "a.ome.tif").pixel_size == expected


@pytest.mark.parametrize(
    ("unit", "micrometres"),
    [
        ("micron", 1),
        ("um", 1),
        ("\\u00B5m", 1),
        ("microns", 1),
        ("nm", 1e-3),
        ("inch", 25400),
        ("inches", 25400),
        ("pixel", None),
        ("", None),
        ("7", None),
    ],
)
def test_imagej_units(tmp_path, unit, micrometres):
    tifffile.imwrite(
        tmp_path / "a.tif",
        counted((3, 9, 8)),
        imagej=True,
        resolution=(4.0, 2.0),
        metadata={"axes": "ZYX", "unit": unit, "spacing": -3.0},
    )
    sizes = read(tmp_path / "a.tif").pixel_size
    expected = (
        {} if micrometres is None else {"X": 0.25 * micrometres, "Y": 0.5 * micrometres, "Z": 3 * micrometres}
    )
    assert sizes == pytest.approx(expected)


@pytest.mark.parametrize(
    ("metadata", "seconds"),
    [({"fps": 4.0}, 0.25), ({"finterval": 2, "tunit": "min"}, 120), ({"finterval": 0}, None)],
)
def test_imagej_time(tmp_path, metadata, seconds):
    tifffile.imwrite(
        tmp_path / "a.tif", counted((3, 9, 8)), imagej=True, metadata={"axes": "TYX", **metadata}
    )
    assert read(tmp_path / "a.tif").pixel_size.get("T") == seconds


@pytest.mark.parametrize(
    ("resolution", "unit", "micrometres"),
    [
        (1e5, "CENTIMETER", 0.1),
        (254000, "INCH", 0.1),
        (72, "INCH", None),
        (96, "INCH", None),
        (1, "INCH", None),
        (1, "CENTIMETER", None),
        (28.35, "CENTIMETER", None),
        (1e5, "NONE", None),
    ],
)
def test_resolution_of_plain_tiff(tmp_path, resolution, unit, micrometres):
    tifffile.imwrite(
        tmp_path / "a.tif", counted((9, 8)), resolution=(resolution,) * 2, resolutionunit=unit, metadata=None
    )
    expected = {} if micrometres is None else {"X": micrometres, "Y": micrometres}
    assert read(tmp_path / "a.tif").pixel_size == pytest.approx(expected)


# --- Bad input -------------------------------------------------------------------------------------------


def bare(path, data=None, **options):
    tifffile.imwrite(
        path, counted((6, 40, 50)) if data is None else data, photometric="minisblack", **options
    )


@pytest.mark.parametrize("left", [0.999, 0.99, 0.9, 0.5, 0.1, 0.005])
@pytest.mark.parametrize(
    "options",
    [
        {"imagej": True},
        {"ome": True},
        {},
        {"metadata": None},
        {"metadata": None, "compression": "zlib"},
        {"imagej": True, "compression": "lzw"},
        {"ome": True, "compression": "zstd"},
        {"metadata": None, "tile": (16, 16)},
        {"metadata": None, "bigtiff": True},
    ],
    ids=str,
)
def test_a_truncated_file_is_never_read_in_part(tmp_path, options, left):
    path = tmp_path / "cut.tif"
    bare(path, **options)
    os.truncate(path, int(path.stat().st_size * left))
    if left > 0.98 and options == {"imagej": True}:  # ImageJ's pages all follow from the first
        np.testing.assert_array_equal(read(path).data, counted((6, 40, 50)))
        return
    with pytest.raises(MuguetError, match=r"cut\.tif .*(truncated|lacks \d+ of)"):
        read(path)


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_damaged_bytes_give_an_image_or_a_sentence(draws):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.tif"
        bare(path, counted((2, 8, 9)), imagej=True)
        raw = bytearray(path.read_bytes())
        for _ in range(draws.draw(st.integers(1, 8))):
            raw[draws.draw(st.integers(4, min(len(raw), 400) - 1))] = draws.draw(st.integers(0, 255))
        path.write_bytes(raw)
        try:
            image = read(path)
        except MuguetError:
            return
    assert image.data.ndim == len(image.axes)


def fresh(folder, name, content=None):
    path = folder / name
    if content is not None:
        path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("none.tif", None, "does not exist"),
        ("empty.tif", b"", "is empty"),
        ("text.tif", b"hello world", "not a TIFF despite its name"),
        ("picture.tif", b"\x89PNG\r\n\x1a\n0000", "not a TIFF despite its name"),
        ("picture.png", b"\x89PNG\r\n\x1a\n0000", "not read yet: convert it to .tif"),
        ("head.tif", b"II*\0", "damaged or truncated"),
        ("head.tif", b"II*\0\x08\0\0\0", "damaged or truncated"),
        ("tagless.tif", b"II*\0\x08\0\0\0\0\0\0\0\0\0", "holds no pixels"),
    ],
)
def test_what_is_no_image_is_named(tmp_path, name, content, words):
    path = fresh(tmp_path, name, content)
    with pytest.raises(MuguetError, match=words) as caught:
        read(path)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_is_no_image(tmp_path):
    with pytest.raises(MuguetError, match="is a folder"):
        read(tmp_path)


@pytest.mark.filterwarnings("ignore:.*zero-size:UserWarning")
@pytest.mark.parametrize(
    ("data", "words"),
    [
        (np.zeros(7, "uint16"), "lacks rows Y or columns X.*--axes"),
        (np.zeros((0, 5), "uint16"), "holds no pixels|damaged"),
        (np.zeros((4, 5), "complex64"), "complex64 pixels"),
        (np.zeros((4, 5), "int64"), "int64 pixels"),
    ],
    ids=["line", "void", "complex", "int64"],
)
def test_pixels_that_are_no_image(tmp_path, data, words):
    tifffile.imwrite(tmp_path / "odd.tif", data)
    with pytest.raises(MuguetError, match=words) as caught:
        read(tmp_path / "odd.tif")
    assert "odd.tif" in str(caught.value)


def test_a_part_of_an_ome_set_is_refused(tmp_path):
    path = tmp_path / "a.ome.tif"
    bare(path, metadata={"axes": "TYX"}, compression="zlib")
    raw = path.read_bytes()
    path.write_bytes(raw.replace(b'SizeT="6"', b'SizeT="9"'))
    with pytest.raises(MuguetError, match="lacks 3 of its 9 planes"):
        read(path)


def test_nothing_of_tifffile_leaks(tmp_path, caplog, capfd):
    bare(tmp_path / "cut.tif", imagej=True)
    os.truncate(tmp_path / "cut.tif", 9000)
    with pytest.raises(MuguetError):
        read(tmp_path / "cut.tif")
    assert not caplog.records
    assert capfd.readouterr() == ("", "")


# --- Outputs that cannot be ------------------------------------------------------------------------------


def test_an_existing_output_needs_overwrite(stored, image):
    before = stored.read_bytes()
    with pytest.raises(MuguetError, match="--overwrite"):
        write(stored, image)
    assert stored.read_bytes() == before
    write(stored, Image(image.data + 1, image.axes), overwrite=True)
    np.testing.assert_array_equal(read(stored).data, image.data + 1)


@pytest.mark.parametrize(
    ("failure", "raised", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), MuguetError, "disk is full"),
        (OSError(errno.EIO, "Input/output error"), MuguetError, "Input/output error"),
        (KeyboardInterrupt("now"), KeyboardInterrupt, "now"),
    ],
    ids=["full", "broken", "interrupted"],
)
def test_a_failed_write_leaves_the_folder_as_it_was(stored, image, monkeypatch, failure, raised, words):
    before = stored.read_bytes()

    def fail(file, data, **options):
        file.write(b"half of it")
        raise failure

    monkeypatch.setattr(tifffile, "imwrite", fail)
    for path in (stored, stored.with_name("new.tif")):
        with pytest.raises(raised, match=words):
            write(path, image, overwrite=True)
    assert [file.name for file in stored.parent.iterdir()] == [stored.name]
    assert stored.read_bytes() == before


@pytest.mark.parametrize("compression", ["", "zlib"])
@pytest.mark.parametrize("kind", ["imagej", "ome"])
def test_a_disk_that_fills_while_writing(tmp_path, kind, compression):
    resource = pytest.importorskip("resource", reason="file sizes are limited on POSIX only")
    noise = np.random.default_rng(0).integers(0, 2**16, (256, 256), "uint16")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))
    try:
        with pytest.raises(MuguetError, match=r"a\.tif was not written, the disk is full"):
            write(tmp_path / "a.tif", Image(noise, "YX", kind=kind, compression=compression))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_takes_no_files(tmp_path, image, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(MuguetError, match="part of its path is a file"):
        write(tmp_path / "file" / "a.tif", image)

    def refuse(path, **options):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "touch", refuse)
    with pytest.raises(MuguetError, match="takes no files"):
        check_output(tmp_path / "a.tif")
    with pytest.raises(MuguetError, match="takes no files"):
        write(tmp_path / "a.tif", image)
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("name", ["a.png", "a", "folder.tif"])
def test_a_name_that_is_no_output(tmp_path, image, name):
    (tmp_path / "folder.tif").mkdir()
    with pytest.raises(MuguetError, match=name):
        write(tmp_path / name, image)


def test_missing_folders_are_made(tmp_path, image):
    write(tmp_path / "new" / "deep" / "a.tif", image)
    assert read(tmp_path / "new" / "deep" / "a.tif").axes == "TYX"


def test_pixels_that_a_format_has_no_place_for(tmp_path):
    with pytest.raises(MuguetError, match=r"without \.ome"):
        write(tmp_path / "a.ome.tif", Image(counted((4, 5), "float16"), "YX"))
    with pytest.raises(MuguetError, match="int64"):
        write(tmp_path / "a.tif", Image(counted((4, 5), "int64"), "YX"))
    assert list(tmp_path.iterdir()) == []


def test_more_than_four_gigabytes_leave_imagej_for_bigtiff():
    huge = Image(np.broadcast_to(np.uint16(0), (40, 8192, 8192)), "ZYX", {"X": 0.1, "Y": 0.1})
    options = files._options(Path("a.tif"), huge, "ZYX")
    assert options["bigtiff"]
    assert options["ome"]
    assert not options["imagej"]


def test_an_image_checks_its_axes():
    with pytest.raises(MuguetError, match="has 2"):
        Image(counted((4, 5)), "TYX")


# --- Many files ------------------------------------------------------------------------------------------


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


# --- Counts ----------------------------------------------------------------------------------------------


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


def test_memory_stays_flat(tmp_path):
    values = np.full((1, 1, 1024, 1024), 7.6, np.float32)
    tracemalloc.start()
    try:
        data = to_dtype(values, "uint16")
        assert tracemalloc.get_traced_memory()[1] < data.nbytes + 2e6
        tracemalloc.reset_peak()
        write(tmp_path / "a.tif", Image(data, "TCYX"))
        assert tracemalloc.get_traced_memory()[1] < data.nbytes + 2e6
        tracemalloc.reset_peak()
        image = read(tmp_path / "a.tif")
        assert tracemalloc.get_traced_memory()[1] < 2 * data.nbytes + 2e6
    finally:
        tracemalloc.stop()
    assert (image.data == 8).all()


def test_the_import_is_light():
    code = "import sys, muguet.image.files; sys.exit(bool({'torch', 'tifffile'} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True)


# --- Real images -----------------------------------------------------------------------------------------

REAL = sorted(Path(os.environ.get("MUGUET_DATA", "../shared/data")).glob("*.tif"))


@pytest.mark.skipif(not REAL, reason="no real images here: set MUGUET_DATA to their folder")
def test_real_images_come_back(tmp_path):
    for path in REAL:
        image = read(path)
        write(tmp_path / path.name, image)
        assert_same(read(tmp_path / path.name), image)
