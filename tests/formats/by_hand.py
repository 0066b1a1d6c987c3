"""Readers of file formats written from their specifications, to compare with those that muguet uses."""

from __future__ import annotations

import itertools
import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import imagecodecs
import numpy as np
import numpy.typing as npt


@dataclass
class Found:
    """Pixels, axes and pixel size (micrometres and seconds) of a file."""

    data: npt.NDArray[Any]
    axes: str
    pixel_size: dict[str, float]
    names: tuple[str, ...] = ()


# OME-Zarr: https://zarr-specs.readthedocs.io and https://ngff.openmicroscopy.org

_DECODERS = {
    "zstd": imagecodecs.zstd_decode,
    "blosc": imagecodecs.blosc_decode,
    "zlib": imagecodecs.zlib_decode,
}


def _decoded(raw: bytes, codecs: list[dict[str, Any]], dtype: np.dtype[Any], shape: tuple[int, ...]) -> Any:
    for codec in reversed(codecs):
        if codec["name"] == "crc32c":
            raw = raw[:-4]
        elif codec["name"] in _DECODERS:
            raw = _DECODERS[codec["name"]](raw)
        elif codec["name"] == "bytes":
            order = codec.get("configuration", {}).get("endian", "little")
            dtype = dtype.newbyteorder("<" if order == "little" else ">")
        else:
            raise AssertionError(codec)
    return np.frombuffer(raw, dtype).reshape(shape)


def _shard(
    raw: bytes, settings: dict[str, Any], dtype: np.dtype[Any], shape: tuple[int, ...], fill: Any
) -> Any:
    """The chunks of a shard; their places are in an index of 16 bytes a chunk at its end, with a checksum."""
    inner = tuple(settings["chunk_shape"])
    grid = [n // m for n, m in zip(shape, inner, strict=True)]
    size = 16 * int(np.prod(grid))
    assert settings.get("index_location", "end") == "end"
    assert [codec["name"] for codec in settings["index_codecs"]] == ["bytes", "crc32c"]
    index = np.frombuffer(raw[-size - 4 : -4], "<u8").reshape(*grid, 2)
    values = np.full(shape, fill, dtype)
    for at in np.ndindex(*grid):
        start, length = map(int, index[at])
        if start == 2**64 - 1:
            continue
        part = tuple(slice(i * n, (i + 1) * n) for i, n in zip(at, inner, strict=True))
        values[part] = _decoded(raw[start : start + length], settings["codecs"], dtype, inner)
    return values


def zarr_array(folder: Path) -> npt.NDArray[Any]:
    """The values of an array of Zarr 2 or 3, chunk by chunk."""
    if (folder / "zarr.json").exists():
        meta = json.loads((folder / "zarr.json").read_text())
        chunks = tuple(meta["chunk_grid"]["configuration"]["chunk_shape"])
        codecs, dtype = meta["codecs"], np.dtype(meta["data_type"])
        assert meta["chunk_key_encoding"]["name"] == "default"
        prefix, separator = "c", "/"
    else:
        meta = json.loads((folder / ".zarray").read_text())
        chunks, dtype = tuple(meta["chunks"]), np.dtype(meta["dtype"])
        codecs = [
            {"name": "bytes", "configuration": {"endian": "big" if dtype.byteorder == ">" else "little"}}
        ]
        codecs += [{"name": meta["compressor"]["id"]}] if meta["compressor"] else []
        assert meta["order"] == "C"
        assert not meta["filters"]
        prefix, separator = "", meta.get("dimension_separator", ".")
    shape = tuple(meta["shape"])
    values = np.full(shape, meta["fill_value"] or 0, dtype.newbyteorder("="))
    for at in itertools.product(*(range(-(-n // c)) for n, c in zip(shape, chunks, strict=True))):
        path = folder / separator.join([*([prefix] if prefix else []), *map(str, at)])
        if not path.exists():
            continue
        raw = path.read_bytes()
        if codecs[0]["name"] == "sharding_indexed":
            chunk = _shard(raw, codecs[0]["configuration"], dtype, chunks, meta["fill_value"])
        else:
            chunk = _decoded(raw, codecs, dtype, chunks)
        part = tuple(slice(i * c, min((i + 1) * c, n)) for i, c, n in zip(at, chunks, shape, strict=True))
        values[part] = chunk[tuple(slice(0, each.stop - each.start) for each in part)]
    return values


def ome_zarr_attributes(group: Path) -> dict[str, Any]:
    """The attributes of a group; those of OME-Zarr 0.5 lie in `ome`."""
    if (group / "zarr.json").exists():
        return dict(json.loads((group / "zarr.json").read_text())["attributes"])
    return dict(json.loads((group / ".zattrs").read_text()))


def ome_zarr(group: Path) -> Found:
    """The image of a group in OME-Zarr 0.4 or 0.5, at full resolution, with units micrometer and second or none."""
    attributes = ome_zarr_attributes(group)
    entries = attributes.get("ome", attributes)
    (image,) = entries["multiscales"]
    axes = "".join(axis["name"] for axis in image["axes"]).upper()
    level = image["datasets"][0]
    (scale,) = (each["scale"] for each in level["coordinateTransformations"] if each["type"] == "scale")
    units = [axis.get("unit") for axis in image["axes"]]
    factor = {"micrometer": 1.0, "nanometer": 1e-3, "second": 1.0, "millisecond": 1e-3}
    size = {a: s * factor[u] for a, s, u in zip(axes, scale, units, strict=True) if u}
    names = tuple(channel["label"] for channel in entries.get("omero", {}).get("channels", ()))
    return Found(zarr_array(group / level["path"]), axes, size, names)


# MRC2014: https://www.ccpem.ac.uk/mrc-format/mrc2014/


def mrc(path: Path) -> Found:
    """The pixels of a little-endian MRC file."""
    raw = path.read_bytes()
    nx, ny, nz, mode = struct.unpack_from("<4i", raw, 0)
    mx, my, mz = struct.unpack_from("<3i", raw, 28)
    cell = struct.unpack_from("<3f", raw, 40)
    columns, rows, sections = struct.unpack_from("<3i", raw, 64)
    (extended,) = struct.unpack_from("<i", raw, 92)
    dtype = {0: "i1", 1: "<i2", 2: "<f4", 6: "<u2", 12: "<f2"}[mode]
    data = np.frombuffer(raw, dtype, nx * ny * nz, 1024 + extended).reshape(nz, ny, nx)
    size = {a: length / n * 1e-4 for a, length, n in zip("XYZ", cell, (mx, my, mz), strict=True) if n}
    return Found(data, "".join(" XYZ"[i] for i in (sections, rows, columns)), size)


# NIfTI-1: https://nifti.nimh.nih.gov/pub/dist/src/niftilib/nifti1.h


def nifti(path: Path) -> Found:
    """The values of a NIfTI-1 file after slope and intercept."""
    raw = path.read_bytes()
    order = "<" if struct.unpack_from("<i", raw, 0) == (348,) else ">"
    dims = struct.unpack_from(f"{order}8h", raw, 40)
    (code,) = struct.unpack_from(f"{order}h", raw, 70)
    sizes = struct.unpack_from(f"{order}8f", raw, 76)
    offset, slope, intercept = struct.unpack_from(f"{order}3f", raw, 108)
    units = raw[123]
    shape = dims[1 : 1 + dims[0]]
    dtype = np.dtype({2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 512: "u2"}[code]).newbyteorder(order)
    data = np.frombuffer(raw, dtype, int(np.prod(shape)), int(offset)).reshape(shape[::-1])
    if (slope not in (0, 1) and np.isfinite(slope)) or intercept:
        data = data * slope + intercept
    length, time = {1: 1e6, 2: 1e3, 3: 1.0}.get(units & 7), {8: 1.0, 16: 1e-3}.get(units & 56)
    size = {a: float(s) * length for a, s in zip("XYZ", sizes[1:4], strict=True) if length}
    if len(shape) > 3 and time:
        size["T"] = float(sizes[4]) * time
    return Found(data, "XYZT"[: len(shape)][::-1], size)


# LIF: https://www.leica-microsystems.com, file format description; an XML header and blocks of memory with names


def lif(path: Path) -> list[Found]:
    """The images of a LIF file of version 2, each with its axes from the slowest one to X."""
    raw = path.read_bytes()
    (length,) = struct.unpack_from("<I", raw, 9)
    tree = ElementTree.fromstring(raw[13 : 13 + 2 * length].decode("utf-16-le"))
    blocks, at = {}, 13 + 2 * length
    while at < len(raw):
        size, letters = struct.unpack_from("<Q", raw, at + 9)[0], struct.unpack_from("<I", raw, at + 18)[0]
        name = raw[at + 22 : at + 22 + 2 * letters].decode("utf-16-le")
        at += 22 + 2 * letters
        blocks[name] = memoryview(raw)[at : at + size]
        at += size
    found = []
    for element in tree.iter("Element"):
        image, memory = element.find("Data/Image"), element.find("Memory")
        if image is None or memory is None:
            continue
        axes, shape, strides, sizes = "", [], [], {}
        for each in image.iter("DimensionDescription"):
            letter = {"1": "X", "2": "Y", "3": "Z", "4": "T", "10": "M"}[each.attrib["DimID"]]
            count = int(each.attrib["NumberOfElements"])
            if count > 1:
                axes, shape = letter + axes, [count, *shape]
                strides.insert(0, int(each.attrib["BytesInc"]))
                step = abs(float(each.attrib["Length"])) / (count - 1)
                if letter != "M":
                    sizes[letter] = step * (1.0 if letter == "T" else 1e6)
        channels = [int(each.attrib["BytesInc"]) for each in image.iter("ChannelDescription")]
        block = np.frombuffer(blocks[memory.attrib["MemoryBlockID"]], np.uint8)
        planes = [np.lib.stride_tricks.as_strided(block[each:], shape, strides) for each in channels]
        found.append(Found(np.stack(planes), "C" + axes, sizes))
    return found


# ND2: blocks with names, and a map of them at the end


def nd2_frames(path: Path) -> tuple[npt.NDArray[Any], float]:
    """The frames (n, y, x, c) of an ND2 file of 16 bits without compression, and the pixel size in micrometres."""
    raw = path.read_bytes()

    def block(at: int) -> memoryview:
        magic, name, size = struct.unpack_from("<IIQ", raw, at)
        assert magic == 0x0ABECEDA
        return memoryview(raw)[at + 16 + name : at + 16 + name + size]

    (at,) = struct.unpack_from("<Q", raw, len(raw) - 8)
    entries, rest = {}, bytes(block(at))
    while not rest.startswith(b"ND2 CHUNK MAP SIGNATURE"):
        name, _, rest = rest.partition(b"!")
        entries[name.decode()] = struct.unpack_from("<QQ", rest)[0]
        rest = rest[16:]

    def value(text: memoryview, name: str, kind: str) -> Any:
        """A value in the stored form: type and length of the name, the name in UTF-16, the value."""
        key = (name + "\0").encode("utf-16-le")
        place = bytes(text).index(key) + len(key)
        return struct.unpack_from(kind, text, place)[0]

    attributes = block(entries["ImageAttributesLV"])
    width, height, channels, row = (
        value(attributes, name, "<I") for name in ("uiWidth", "uiHeight", "uiComp", "uiWidthBytes")
    )
    number = sum(name.startswith("ImageDataSeq|") for name in entries)
    frames = []
    for i in range(number):
        stored = block(entries[f"ImageDataSeq|{i}"])[8:]
        rows = np.frombuffer(stored, np.uint8, height * row).reshape(height, row)
        frames.append(rows[:, : 2 * width * channels].copy().view("<u2").reshape(height, width, channels))
    return np.stack(frames), float(value(block(entries["ImageMetadataSeqLV|0"]), "dCalibration", "<d"))
