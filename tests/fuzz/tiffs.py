"""TIFF files of many kinds, with mutated tags, directories, descriptions and bytes."""

from __future__ import annotations

import functools
import io
import re
import struct
from random import Random

import numpy as np
import tifffile

from tests.fuzz.case import WEIRD_NUMBERS, Case, cut, flip

_SIZES = {
    1: 1,
    2: 1,
    3: 2,
    4: 4,
    5: 8,
    6: 1,
    7: 1,
    8: 2,
    9: 4,
    10: 8,
    11: 4,
    12: 8,
    13: 4,
    16: 8,
    17: 8,
    18: 8,
}
_TEXTS = (
    "",
    "-1",
    "0",
    "1e999",
    "nan",
    "99999999999999999999",
    "TZCYX",
    "uint128",
    "µm",
    "\\0",
    "&x;",
    "<",
    "]]>",
)
_IMAGE_DESCRIPTION = 270


def picture(shape: tuple[int, ...], dtype: str = "uint16") -> np.ndarray:
    """Return a small scene with shot noise."""
    y, x = np.mgrid[: shape[-2], : shape[-1]]
    scene = np.broadcast_to(40 + 30 * np.sin(y / 5) * np.cos(x / 6), shape)
    return (100 + 2 * np.random.default_rng(0).poisson(scene)).astype(dtype)


@functools.cache
def bases() -> tuple[bytes, ...]:
    """Return sound files of all dialects that muguet reads."""
    made = []

    def add(data: np.ndarray, **options: object) -> None:
        buffer = io.BytesIO()
        big, order = bool(options.pop("bigtiff", False)), str(options.pop("byteorder", "<"))
        ome = bool(options.pop("ome", False))
        with tifffile.TiffWriter(
            buffer, bigtiff=big, byteorder=order, ome=ome, imagej=bool(options.pop("imagej", False))
        ) as file:
            file.write(data, **options)
        made.append(buffer.getvalue())

    add(picture((32, 40)), photometric="minisblack")
    add(picture((32, 40), "float32"), photometric="minisblack", bigtiff=True)
    add(picture((3, 24, 28)), photometric="minisblack", byteorder=">")
    add(picture((32, 48), "uint8"), photometric="minisblack", compression="zlib", predictor=True)
    add(picture((32, 48)), photometric="minisblack", compression="lzw", tile=(16, 16))
    add(picture((24, 28, 3), "uint8"), photometric="rgb")
    add(picture((2, 24, 28)), imagej=True, metadata={"axes": "CYX", "unit": "um"}, resolution=(10, 10))
    add(picture((2, 2, 2, 20, 24)), imagej=True, metadata={"axes": "TZCYX", "spacing": 0.5, "unit": "um"})
    add(
        picture((2, 24, 28)),
        ome=True,
        metadata={"axes": "CYX", "PhysicalSizeX": 0.1, "PhysicalSizeXUnit": "µm"},
    )
    add(picture((2, 3, 20, 24), "float32"), ome=True, metadata={"axes": "TZYX", "Channel": {"Name": "one"}})
    return tuple(made)


def directories(content: bytes) -> list[tuple[int, int, int]]:
    """Return place, number of entries and size of an entry of each directory of a sound classic or big TIFF."""
    order = "<" if content[:2] == b"II" else ">"
    big = content[2:4] in (b"+\0", b"\0+")
    where = struct.unpack_from(f"{order}{'Q' if big else 'I'}", content, 8 if big else 4)[0]
    found = []
    while where:
        number = struct.unpack_from(f"{order}{'Q' if big else 'H'}", content, where)[0]
        first, size = where + (8 if big else 2), 20 if big else 12
        found.append((first, number, size))
        where = struct.unpack_from(f"{order}{'Q' if big else 'I'}", content, first + number * size)[0]
    return found


def _change_entry(content: bytes, chance: Random) -> bytes:
    """Change the code, type, count or value of some entries of a directory."""
    order = "<" if content[:2] == b"II" else ">"
    data = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 3))):
        first, number, size = chance.choice(directories(content))
        at = first + chance.randrange(number) * size
        number = int(chance.choice(WEIRD_NUMBERS[:18]))
        part = chance.randrange(4)
        if part < 2:
            struct.pack_into(
                f"{order}H", data, at + 2 * part, chance.choice((number % 65536, chance.randrange(20)))
            )
        else:
            letter, width = ("Q", 8) if size == 20 else ("I", 4)
            value = chance.choice((number, chance.randrange(2 * len(data)), chance.randrange(9)))
            struct.pack_into(f"{order}{letter}", data, at + 4 + width * (part - 2), value % 2 ** (8 * width))
    return bytes(data)


def _loop(content: bytes, chance: Random) -> bytes:
    """Let the offset of a next directory be that of a directory, or any."""
    order = "<" if content[:2] == b"II" else ">"
    found = directories(content)
    first, number, size = chance.choice(found)
    letter, head = ("Q", 8) if size == 20 else ("I", 2)
    target = chance.choice(
        (*(place - head for place, *_ in found), chance.randrange(len(content)), 2**31 - 1)
    )
    data = bytearray(content)
    struct.pack_into(f"{order}{letter}", data, first + number * size, target)
    return bytes(data)


def _change_text(content: bytes, chance: Random) -> bytes:
    """Change the description, of the same length so that all offsets stay: numbers, words and pieces of it."""
    order = "<" if content[:2] == b"II" else ">"
    for first, number, size in directories(content)[:1]:
        for entry in range(number):
            at = first + entry * size
            code, kind = struct.unpack_from(f"{order}HH", content, at)
            letter, width = ("Q", 8) if size == 20 else ("I", 4)
            count, where = struct.unpack_from(f"{order}{letter}{letter}", content, at + 4)
            if code == _IMAGE_DESCRIPTION and kind == 2 and count > width:
                text = _changed(content[where : where + count].decode("utf-8", "replace"), chance)
                new = text.encode("utf-8", "replace") + b"\0"
                data = bytearray(content)
                struct.pack_into(f"{order}{letter}{letter}", data, at + 4, len(new), len(data))
                return bytes(data) + new
    return flip(content, chance)


def _changed(text: str, chance: Random) -> str:
    for _ in range(chance.choice((1, 1, 2, 4))):
        words = list(re.finditer(r"[\w.µ-]+", text))
        if not words:
            return text
        word = chance.choice(words)
        new = chance.choice((*_TEXTS, str(chance.choice(WEIRD_NUMBERS)), text[: chance.randrange(60)]))
        text = text[: word.start()] + new + text[word.end() :]
    if chance.random() < 0.1:
        text = text[: chance.randrange(len(text) + 1)]
    if chance.random() < 0.05:
        text = text.replace("<OME", '<!DOCTYPE x [<!ENTITY x "' + "y" * 100 + '">]><OME', 1)
    if chance.random() < 0.05:
        text = "<a>" * 5000 + text
    return text


def tiff_case(chance: Random) -> Case:
    """Return a mutated TIFF and a command that reads it."""
    number = chance.randrange(len(bases()))
    mutation = chance.choice((_change_entry, _change_entry, _loop, _change_text, _change_text, flip, cut))
    content = mutation(bases()[number], chance)
    if chance.random() < 0.2:
        content = flip(content, chance, 0, 400)
    words = chance.choice(
        (
            *(["info", "in.tif"],) * 5,
            ["info", "in.tif", "--json"],
            *(["denoise", "in.tif", "-o", "out.tif", "--recipe", "gaussian-blur"],) * 3,
            ["check", "in.tif"],
            ["noise", "in.tif"],
            ["judge", "in.tif", "in.tif"],
            ["denoise", "in.tif", "-o", "out.tif", "--model", "sound.muguet"],
            ["simulate", "in.tif", "-o", "out.tif"],
        )
    )
    return Case("tiff", f"{mutation.__name__} of base {number}", list(words), {"in.tif": content}, large=True)
