"""All images of a file: frames are one stack, positions are scenes, previews are left out and named."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest
import tifffile

from muguet import MuguetError
from muguet.formats import members, read, read_all, write


def counted(shape, dtype="uint16", start=0):
    return ((np.arange(np.prod(shape)) + start) % 251).reshape(shape).astype(dtype)


MOVIE = np.stack([counted((20, 30), start=n) for n in range(5)])


def in_parts(path, parts, **options):
    with tifffile.TiffWriter(path, **options) as tif:
        for part in parts:
            tif.write(part, photometric="rgb" if part.shape[-1] == 3 else "minisblack")


@pytest.mark.parametrize("metadata", [{}, None], ids=["described", "bare"])
@pytest.mark.parametrize("bigtiff", [False, True])
@pytest.mark.parametrize(
    "parts",
    [list(MOVIE), [MOVIE[:3], MOVIE[3:]], [MOVIE[:2], MOVIE[2:4], MOVIE[4]]],
    ids=["frames", "halves", "unequal"],
)
def test_a_movie_that_was_written_in_parts_is_one_movie(tmp_path, parts, metadata, bigtiff):
    with tifffile.TiffWriter(tmp_path / "a.tif", bigtiff=bigtiff) as tif:
        for part in parts:
            tif.write(part, photometric="minisblack", metadata=metadata, contiguous=False)
    (image,) = read_all(tmp_path / "a.tif")
    assert image.axes == "TYX"
    np.testing.assert_array_equal(image.data, MOVIE)
    assert write(tmp_path / "b.tif", image) == ()
    assert tifffile.imread(tmp_path / "b.tif").shape == MOVIE.shape
    np.testing.assert_array_equal(read(tmp_path / "b.tif").data, MOVIE)


def test_stacks_and_channels_that_were_written_one_by_one(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as tif:
        for n in range(3):
            tif.write(
                counted((4, 20, 30), start=n),
                photometric="minisblack",
                metadata={"axes": "ZYX", "spacing": 0.5},
            )
    (image,) = read_all(tmp_path / "a.tif")
    assert (image.axes, image.data.shape) == ("TZYX", (3, 4, 20, 30))


@pytest.mark.parametrize(
    ("preview", "data"),
    [
        (counted((200, 300, 3), "uint8"), list(MOVIE)),  # A large picture in colour, and a small movie.
        (counted((200, 300, 3), "uint8"), [MOVIE]),
        (counted((200, 300), "uint8"), [MOVIE]),
        (counted((16, 16)), [MOVIE[0]]),
        (counted((200, 300)), [MOVIE]),
    ],
    ids=["colour, frames", "colour", "8 bits", "small", "one plane"],
)
@pytest.mark.parametrize("first", [True, False])
def test_a_preview_is_not_taken_for_the_data(tmp_path, preview, data, first):
    in_parts(tmp_path / "a.tif", [preview, *data] if first else [*data, preview])
    image = read(tmp_path / "a.tif")
    np.testing.assert_array_equal(image.data, MOVIE if image.data.ndim == 3 else data[0])
    number = 0 if first else 1
    assert f"Left out: {number}: (YX" in image.notes[0]
    assert "--scene" in image.notes[0]
    asked = read(tmp_path / "a.tif", scene=number)
    np.testing.assert_array_equal(asked.data, preview)
    assert write(tmp_path / "b.tif", image) == ()
    np.testing.assert_array_equal(read(tmp_path / "b.tif").data, image.data)


def positions(path, shapes, axes="YX", **options):
    with tifffile.TiffWriter(path, ome=True) as tif:
        for p, shape in enumerate(shapes):
            tif.write(
                counted(shape, start=p), photometric="minisblack", metadata={"axes": axes, "Name": f"A{p}"}
            )


def test_positions_of_one_size_are_all_read_and_written_with_their_names(tmp_path):
    positions(tmp_path / "a.ome.tif", [(3, 20, 30)] * 4, "ZYX")
    images = read_all(tmp_path / "a.ome.tif")
    assert [image.name for image in images] == ["A0", "A1", "A2", "A3"]
    assert images[0].notes == ("The file has 4 images of one kind: A0, A1, A2, A3.",)
    assert write(tmp_path / "b.ome.tif", images) == ()
    for image, back in zip(images, read_all(tmp_path / "b.ome.tif"), strict=True):
        assert back.name == image.name
        np.testing.assert_array_equal(back.data, image.data)


def test_positions_of_different_lengths_are_read_and_other_sizes_are_named(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.ome.tif", ome=True) as tif:
        for name, shape, axes in (
            ("long", (5, 20, 30), "TYX"),
            ("short", (2, 20, 30), "TYX"),
            ("map", (60, 40), "YX"),
        ):
            tif.write(counted(shape), photometric="minisblack", metadata={"axes": axes, "Name": name})
    images = read_all(tmp_path / "a.ome.tif")
    assert [image.name for image in images] == ["long", "short"]
    assert any("Left out: 2: map (YX 60×40 uint16)" in note for note in images[0].notes)
    (other,) = read_all(tmp_path / "a.ome.tif", scenes=["map"])
    assert other.data.shape == (60, 40)


def test_positions_in_several_dialects_when_the_axes_change(tmp_path):
    """Images that cannot be stored as they were become an OME-TIFF with a name for each."""
    positions(tmp_path / "a.ome.tif", [(3, 20, 30)] * 2, "ZYX")
    images = read_all(tmp_path / "a.ome.tif", "TYX")
    write(tmp_path / "b.tif", images)
    back = read_all(tmp_path / "b.tif")
    assert [(image.name, image.axes, image.kind) for image in back] == [
        ("A0", "TYX", "ome"),
        ("A1", "TYX", "ome"),
    ]


def test_a_position_axis_is_not_time(tmp_path):
    data = counted((3, 2, 20, 30))
    tifffile.imwrite(tmp_path / "a.tif", data, metadata={"axes": "RTYX"}, photometric="minisblack")
    images = read_all(tmp_path / "a.tif")
    assert [(image.name, image.axes) for image in images] == [(f"Pos{n}", "TYX") for n in range(3)]
    for image, expected in zip(images, data, strict=True):
        np.testing.assert_array_equal(image.data, expected)
    assert write(tmp_path / "b.tif", images) == ()
    with tifffile.TiffFile(tmp_path / "b.tif") as tif:
        assert (tif.series[0].axes, tif.series[0].shape) == ("RTYX", data.shape)
    write(tmp_path / "c.tif", images[1])
    np.testing.assert_array_equal(read(tmp_path / "c.tif").data, data[1])


# --- Sets of files ----------------------------------------------------------------------------------------


def ome_set(folder, n_files=2, frames=2):
    """Write a movie as an OME-TIFF of several files, each of which describes all of them."""
    names = [f"run_T{k}.ome.tif" for k in range(n_files)]
    identifiers = [f"urn:uuid:00000000-0000-0000-0000-00000000000{k}" for k in range(n_files)]
    tiff_data = "".join(
        f'<TiffData FirstC="0" FirstZ="0" FirstT="{t}" IFD="{t % frames}" PlaneCount="1">'
        f'<UUID FileName="{names[t // frames]}">{identifiers[t // frames]}</UUID></TiffData>'
        for t in range(n_files * frames)
    )
    movie = np.stack([counted((20, 30), start=t) for t in range(n_files * frames)])
    for k in range(n_files):
        xml = (
            '<?xml version="1.0" encoding="UTF-8"?>'
            f'<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="{identifiers[k]}">'
            '<Image ID="Image:0" Name="run"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint16" SizeX="30" '
            f'SizeY="20" SizeZ="1" SizeC="1" SizeT="{n_files * frames}" PhysicalSizeX="0.1" PhysicalSizeY="0.1">'
            f'<Channel ID="Channel:0:0" SamplesPerPixel="1"/>{tiff_data}</Pixels></Image></OME>'
        )
        part = movie[k * frames : (k + 1) * frames]
        tifffile.imwrite(folder / names[k], part, description=xml, metadata=None, photometric="minisblack")
    return [folder / name for name in names], movie


def test_an_ome_set_is_one_image_that_is_written_to_one_file(tmp_path):
    paths, movie = ome_set(tmp_path, 3)
    assert set(members(paths[1])) == set(paths)
    (image,) = read_all(paths[0])
    assert image.files == tuple(paths)
    np.testing.assert_array_equal(image.data, movie)
    assert "spread over 3 files" in image.notes[0]
    alone = tmp_path / "alone"
    assert write(alone / paths[0].name, image) == ()
    (back,) = read_all(alone / paths[0].name)
    np.testing.assert_array_equal(back.data, movie)
    text = tifffile.tiffcomment(alone / paths[0].name)
    assert "UUID" not in text
    assert 'Name="run"' in text
    paths[1].unlink()
    with pytest.raises(MuguetError, match="lacks 2 of its 6 planes"):
        read(paths[0])


def micromanager(path, frames, summary, start=0, positions=1):
    """Write frames (T, R, Y, X) as Micro-Manager does: a summary in the header, and an index of the frames."""
    times, _, height, width = frames.shape
    text = json.dumps(summary).encode()
    text += b" " * (len(text) % 2)
    meta = b'{"PixelSizeUm": 0.1} '
    offset, body, index = 40 + len(text), bytearray(), []
    count = times * positions
    for k, (t, r) in enumerate(np.ndindex(times, positions)):
        data = frames[t, r].astype("<u2").tobytes()
        size = 162 + len(data) + len(meta) + len(meta) % 2
        tags = [
            *((256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 16), (259, 3, 1, 1), (262, 3, 1, 1)),
            *((273, 4, 1, offset + 162), (277, 3, 1, 1), (278, 3, 1, height), (279, 4, 1, len(data))),
            *((282, 5, 1, offset + 146), (51123, 2, len(meta), offset + 162 + len(data))),
        ]
        page = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in tags)
        page += struct.pack("<I", offset + size if k < count - 1 else 0)
        block = page.ljust(146, b"\0") + struct.pack("<II", 100000, 1)
        body += (block.ljust(162, b"\0") + data + meta).ljust(size, b"\0")
        index.append((0, 0, t + start, r, offset))
        offset += size
    table = struct.pack("<II", 3453623, count) + b"".join(struct.pack("<5I", *entry) for entry in index)
    ends = (
        54773648,
        offset,
        483765892,
        offset + len(table),
        99384722,
        offset + len(table) + 10,
        2355492,
        len(text),
    )
    head = b"II*\0" + struct.pack("<I", 40 + len(text)) + struct.pack("<8I", *ends) + text
    tail = struct.pack("<II", 347834724, 2) + b"[]" + struct.pack("<II", 84720485, 2) + b"{}"
    path.write_bytes(head + bytes(body) + table + tail)


SUMMARY = {
    "MicroManagerVersion": "2.0.1",
    "Slices": 1,
    "Channels": 1,
    "TimeFirst": False,
    "SlicesFirst": False,
    "PixelSize_um": 0.1,
    "ChNames": ["GFP"],
    "Interval_ms": 500,
}


@pytest.mark.parametrize("labels", [None, ["left", "right"]])
def test_positions_of_micromanager_are_not_time(tmp_path, labels):
    path = tmp_path / "exp_MMStack_Pos0.ome.tif"
    frames = counted((3, 2, 20, 30))
    listed = {} if labels is None else {"StagePositions": [{"Label": label} for label in labels]}
    micromanager(
        path, frames, {**SUMMARY, "Frames": 3, "Positions": 2, "Prefix": "exp", **listed}, positions=2
    )
    images = read_all(path)
    assert [image.name for image in images] == (labels or ["Pos0", "Pos1"])
    for p, image in enumerate(images):
        assert (image.axes, image.channel_names) == ("TYX", ("GFP",))
        assert image.pixel_size == {"X": 0.1, "Y": 0.1, "T": 0.5}
        np.testing.assert_array_equal(image.data, frames[:, p])
    out = tmp_path / "out" / path.name
    (sentence,) = write(out, images)
    assert "instead of a Micro-Manager file" in sentence
    for image, back in zip(images, read_all(out), strict=True):
        assert (back.name, back.channel_names, back.pixel_size) == (image.name, ("GFP",), image.pixel_size)
        np.testing.assert_array_equal(back.data, image.data)
    with tifffile.TiffFile(out) as tif:
        assert [page.tags[51123].value["PixelSizeUm"] for page in tif.pages] == [0.1] * 6
        assert "Interval_ms" in tif.ome_metadata


def test_a_recording_of_micromanager_in_two_files_is_one_image(tmp_path):
    frames = counted((4, 1, 20, 30))
    summary = {**SUMMARY, "Frames": 4, "Positions": 1, "Prefix": "rec"}
    paths = [tmp_path / "rec_MMStack_Pos0.ome.tif", tmp_path / "rec_MMStack_Pos0_1.ome.tif"]
    micromanager(paths[0], frames[:2], summary)
    micromanager(paths[1], frames[2:], summary, start=2)
    assert set(members(paths[0])) == set(paths)
    (image,) = read_all(paths[0])
    np.testing.assert_array_equal(image.data, frames[:, 0])
    assert image.axes == "TYX"
    write(tmp_path / "out" / paths[0].name, image)
    np.testing.assert_array_equal(read(tmp_path / "out" / paths[0].name).data, frames[:, 0])
