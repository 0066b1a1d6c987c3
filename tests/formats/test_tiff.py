"""TIFF files are read as they were written; errors have a clear message and leave no file behind."""

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

from muguet import MuguetError
from muguet.formats import check_output, read, write
from muguet.image import Image, to_dtype

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
    """Return a valid file in a folder of its own."""
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


# --- Reading and writing ---------------------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(images())
def test_write_then_read_is_the_identity(image):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "image.tif"
        write(path, image)
        assert [file.name for file in Path(folder).iterdir()] == ["image.tif"]
        assert_same(read(path), image)


@settings(max_examples=60, deadline=None)
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
        assert back.kind == "ome"  # ImageJ cannot store a width without a height.
    assert dict(back.pixel_size) == pytest.approx(dict(image.pixel_size), rel=1e-6)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(["uint8", "uint16", "int16", "float32"]),
    st.sampled_from("<>"),
    st.sampled_from([None, "zlib", "lzw", "zstd"]),
    st.booleans(),
    st.none() | st.just((16, 16)),
)
def test_a_tiff_of_another_program_is_read_as_it_was_written(dtype, byteorder, compression, bigtiff, tile):
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
    assert image.notes == ("The axes IYX of the file were read as TYX.",)


def test_a_palette_is_read_as_grey_values_with_a_note(tmp_path):
    colours = np.tile(np.arange(256, dtype=np.uint16) * 257, (3, 1))
    tifffile.imwrite(tmp_path / "a.tif", counted((8, 9), "uint8"), photometric="palette", colormap=colours)
    image = read(tmp_path / "a.tif")
    np.testing.assert_array_equal(image.data, counted((8, 9), "uint8"))
    assert "palette" in image.notes[0]


def test_the_largest_of_several_images_is_read(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as tif:
        for shape in ((8, 8), (32, 30), (16, 16)):
            tif.write(counted(shape), photometric="minisblack")
    image = read(tmp_path / "a.tif")
    assert image.data.shape == (32, 30)
    assert "number 1 was read" in image.notes[0]
    assert "0: (YX 8×8 uint16), 2: (YX 16×16 uint16)" in image.notes[0]
    assert read(tmp_path / "a.tif", scene=2).data.shape == (16, 16)
    with pytest.raises(MuguetError, match=r"scene=3: .*a\.tif has no such image; it has 0: \(YX"):
        read(tmp_path / "a.tif", scene=3)


def test_the_full_resolution_of_a_pyramid_is_read(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.ome.tif", ome=True) as tif:
        tif.write(counted((64, 64)), subifds=1, metadata={"axes": "YX", "PhysicalSizeX": 0.5})
        tif.write(counted((32, 32)), subfiletype=1)
    image = read(tmp_path / "a.ome.tif")
    np.testing.assert_array_equal(image.data, counted((64, 64)))
    assert image.pixel_size == {"X": 0.5}
    assert image.notes == ()


def test_unknown_axes_and_time_become_one_time_axis(tmp_path):
    data = counted((2, 3, 2, 9, 8))
    tifffile.imwrite(tmp_path / "a.tif", data, metadata={"axes": "QTCYX"}, photometric="minisblack")
    image = read(tmp_path / "a.tif")
    assert image.axes == "TCYX"
    np.testing.assert_array_equal(image.data, data.reshape(6, 2, 9, 8))
    assert image.notes == ("The axes QTCYX of the file were read as TCYX.",)
    moved = counted((3, 2, 4, 9, 8))
    tifffile.imwrite(tmp_path / "b.tif", moved, metadata={"axes": "CPZYX"}, photometric="minisblack")
    assert read(tmp_path / "b.tif").axes == "CTZYX"


def test_axes_of_the_user_replace_those_of_the_file(stored):
    image = read(stored, "zyx")
    assert image.axes == "ZYX"
    assert "T" not in image.pixel_size
    with pytest.raises(
        MuguetError, match=r"'CTYX'.*has 3.*cells\.tif has shape \(3, 17, 12\) and was read as TYX"
    ):
        read(stored, "CTYX")


def test_outdated_axes_of_muguet_are_ignored(tmp_path):
    tifffile.imwrite(
        tmp_path / "a.tif", counted((4, 9, 8)), imagej=True, metadata={"axes": "ZYX", "muguet_axes": "XYT"}
    )
    assert read(tmp_path / "a.tif").axes == "ZYX"


# --- Files that cannot be read ---------------------------------------------------------------------------


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
    if left > 0.98 and options == {"imagej": True}:  # ImageJ needs the first page only.
        np.testing.assert_array_equal(read(path).data, counted((6, 40, 50)))
        return
    with pytest.raises(MuguetError, match=r"cut\.tif .*(truncated|lacks \d+ of)"):
        read(path)


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_a_size_that_declares_millions_of_strips_is_refused_at_once(tmp_path, compression):
    path = tmp_path / "damaged.tif"
    bare(path, counted((40, 50)), metadata=None, compression=compression)
    with tifffile.TiffFile(path, mode="r+b") as tif:
        tif.pages[0].tags["ImageLength"].overwrite(100_000_000)
        tif.pages[0].tags["RowsPerStrip"].overwrite(1)
    with pytest.raises(MuguetError, match=r"damaged\.tif .*(damaged|lacks 1 of)"):
        read(path)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_damaged_bytes_give_an_image_or_a_clear_error(draws):
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
        ("picture.png", b"\x89PNG\r\n\x1a\n0000", "cannot read yet: convert it to .tif"),
        ("head.tif", b"II*\0", "damaged or truncated"),
        ("head.tif", b"II*\0\x08\0\0\0", "damaged or truncated"),
        ("tagless.tif", b"II*\0\x08\0\0\0\0\0\0\0\0\0", "holds no pixels"),
    ],
)
def test_a_file_that_is_not_an_image_is_refused_by_name(tmp_path, name, content, words):
    path = fresh(tmp_path, name, content)
    with pytest.raises(MuguetError, match=words) as caught:
        read(path)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_is_not_an_image(tmp_path):
    with pytest.raises(MuguetError, match="is a folder"):
        read(tmp_path)


@pytest.mark.filterwarnings("ignore:.*zero-size:UserWarning")
@pytest.mark.parametrize(
    ("data", "words"),
    [
        (np.zeros(7, "uint16"), "lacks rows Y or columns X.*axes="),
        (np.zeros((0, 5), "uint16"), "holds no pixels|damaged"),
        (np.zeros((4, 5), "complex64"), "complex64 pixels"),
        (np.zeros((4, 5), "int64"), "int64 pixels"),
    ],
    ids=["line", "void", "complex", "int64"],
)
def test_unsupported_pixels_are_refused(tmp_path, data, words):
    tifffile.imwrite(tmp_path / "odd.tif", data)
    with pytest.raises(MuguetError, match=words) as caught:
        read(tmp_path / "odd.tif")
    assert "odd.tif" in str(caught.value)


def test_an_incomplete_ome_set_is_refused(tmp_path):
    path = tmp_path / "a.ome.tif"
    bare(path, metadata={"axes": "TYX"}, compression="zlib")
    raw = path.read_bytes()
    path.write_bytes(raw.replace(b'SizeT="6"', b'SizeT="9"'))
    with pytest.raises(MuguetError, match="lacks 3 of its 9 planes"):
        read(path)


def test_the_log_of_tifffile_is_not_shown(tmp_path, caplog, capfd):
    bare(tmp_path / "cut.tif", imagej=True)
    os.truncate(tmp_path / "cut.tif", 9000)
    with pytest.raises(MuguetError):
        read(tmp_path / "cut.tif")
    assert not caplog.records
    assert capfd.readouterr() == ("", "")


# --- Outputs that cannot be written ----------------------------------------------------------------------


def test_an_existing_output_needs_overwrite(stored, image):
    before = stored.read_bytes()
    with pytest.raises(MuguetError, match="overwrite=True"):
        write(stored, image)
    assert stored.read_bytes() == before
    write(stored, Image(image.data + 1, image.axes), overwrite=True)
    np.testing.assert_array_equal(read(stored).data, image.data + 1)


@pytest.mark.parametrize(
    ("failure", "raised", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), MuguetError, "disk is full"),
        (OSError(errno.EIO, "Input/output error"), MuguetError, "Input/output error"),
        (ValueError("cannot pack"), MuguetError, "does not hold this content: cannot pack"),
        (KeyboardInterrupt("now"), KeyboardInterrupt, "now"),
    ],
    ids=["full", "broken", "odd", "interrupted"],
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
def test_a_disk_that_becomes_full_during_writing(tmp_path, kind, compression):
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


def test_a_folder_that_is_not_writable(tmp_path, image, monkeypatch):
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
def test_a_name_that_cannot_be_an_output(tmp_path, image, name):
    (tmp_path / "folder.tif").mkdir()
    with pytest.raises(MuguetError, match=name):
        write(tmp_path / name, image)


def test_missing_folders_are_created(tmp_path, image):
    write(tmp_path / "new" / "deep" / "a.tif", image)
    assert read(tmp_path / "new" / "deep" / "a.tif").axes == "TYX"


def test_memory_use_is_bounded(tmp_path):
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


def test_the_import_needs_neither_torch_nor_tifffile():
    code = "import sys, muguet.formats.tiff; sys.exit(bool({'torch', 'tifffile'} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True)


# --- Real images -----------------------------------------------------------------------------------------

FOLDER = os.environ.get("MUGUET_DATA")
REAL = sorted(Path(FOLDER).glob("*.tif")) if FOLDER else []


@pytest.mark.skipif(not REAL, reason="set MUGUET_DATA to a folder with real images to run this")
def test_real_images_are_read_as_they_were_written(tmp_path):
    for path in REAL:
        image = read(path)
        write(tmp_path / path.name, image)
        assert_same(read(tmp_path / path.name), image)
