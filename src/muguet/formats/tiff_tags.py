"""Read the tags of TIFF pages as raw bytes, and write a file again with other tags."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Literal

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
_MAX_TAGS = 4096  # More tags in one page mean that the offset of the page is wrong.

# These tags describe how the pixels are stored, so they must come from the program that stored them.
PIXEL_TAGS = frozenset(
    (
        *(256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 284, 292, 293, 317, 322, 323, 324, 325, 338, 339),
        *(347, *range(512, 522), 529, 530, 531, 532, 32997, 32998, 50674),
    )
)
# Files may state these although they go without saying: one plane of samples, and unsigned integers.
STATED = frozenset((284, 339))
# The values of these tags are positions in the file, so they are meaningless in any other file.
POINTER_TAGS = {
    288: "FreeOffsets",
    289: "FreeByteCounts",
    330: "SubIFDs",
    400: "GlobalParametersIFD",
    33560: "OlympusSIS",
    33628: "UIC1 (MetaMorph)",
    33629: "UIC2 (MetaMorph)",
    33630: "UIC3 (MetaMorph)",
    33631: "UIC4 (MetaMorph)",
    34412: "CZ_LSMINFO (Zeiss)",
    34665: "ExifIFD",
    34853: "GPSIFD",
    40965: "InteroperabilityIFD",
}
DESCRIPTION = 270
PHOTOMETRIC = 262


@dataclass(frozen=True)
class Tag:
    """A tag of a TIFF page: its data type, number of values, and the values in the byte order of the file."""

    dtype: int
    count: int
    value: bytes


Tags = Mapping[int, Tag]


@dataclass(frozen=True)
class Structure:
    """How numbers and tags are stored in a TIFF: byte order ``"<"`` or ``">"``, and BigTIFF or classic TIFF."""

    byteorder: Literal["<", ">"]
    bigtiff: bool

    @property
    def offset(self) -> str:
        """The format of a position in the file."""
        return self.byteorder + ("Q" if self.bigtiff else "I")

    @property
    def number(self) -> str:
        """The format of the number of tags of a page."""
        return self.byteorder + ("Q" if self.bigtiff else "H")

    @property
    def entry(self) -> str:
        """The format of one tag: code, data type, count, and the value or its position."""
        return self.byteorder + ("HHQ8s" if self.bigtiff else "HHI4s")

    @property
    def first(self) -> int:
        """The place in the header where the position of the first page is stored."""
        return 8 if self.bigtiff else 4


def read_tags(file: IO[bytes], offset: int, structure: Structure) -> tuple[dict[int, Tag], int]:
    """Return all tags of the page at a position of a file, and the position of the next page (0: none).

    Raises
    ------
    ValueError
        If there is no page at this position.
    """
    file.seek(offset)
    (number,) = struct.unpack(structure.number, file.read(struct.calcsize(structure.number)))
    if not 0 < number <= _MAX_TAGS:
        raise ValueError(f"no page at position {offset}")
    size = struct.calcsize(structure.entry)
    block = file.read(number * size)
    (following,) = struct.unpack(structure.offset, file.read(struct.calcsize(structure.offset)))
    tags: dict[int, Tag] = {}
    for code, dtype, count, value in struct.iter_unpack(structure.entry, block):
        length = _SIZES.get(dtype, 0) * count
        if length > len(value):
            file.seek(struct.unpack(structure.offset, value)[0])
            value = file.read(length)
        if dtype in _SIZES and len(value) >= length:
            tags.setdefault(code, Tag(dtype, count, value[:length]))
    return tags, following


def all_pages(file: IO[bytes], structure: Structure) -> Iterator[dict[int, Tag]]:
    """Yield the tags of all pages of a file."""
    file.seek(structure.first)
    (offset,) = struct.unpack(structure.offset, file.read(struct.calcsize(structure.offset)))
    while offset:
        tags, offset = read_tags(file, offset, structure)
        yield tags


def replace_tags(file: IO[bytes], pages: Sequence[Tags], structure: Structure, keep: bool = False) -> None:
    """Give the pages of a file other tags: those for the pixels stay, and all others are replaced by `pages`.

    The tag PhotometricInterpretation, the meaning of the values, is replaced too if `pages` have it.
    The pages are written again at the end of the file, and the header then leads to them. With `keep`, all tags stay,
    and those of `pages` are added.

    Raises
    ------
    ValueError
        If the file has another number of pages.
    """
    stored = list(all_pages(file, structure))
    if len(stored) != len(pages):
        raise ValueError(f"{len(stored)} pages were written instead of {len(pages)}")
    link = structure.first
    for pixels, others in zip(stored, pages, strict=True):
        tags = {**others, **{code: tag for code, tag in pixels.items() if keep or code in PIXEL_TAGS}}
        if PHOTOMETRIC in others and not keep:
            tags[PHOTOMETRIC] = others[PHOTOMETRIC]
        offset, following = _append(file, tags, structure)
        file.seek(link)
        file.write(struct.pack(structure.offset, offset))
        link = following
    file.seek(0, 2)


def _append(file: IO[bytes], tags: Tags, structure: Structure) -> tuple[int, int]:
    """Write a page at the end of a file; return its position, and where the position of the next one is stored."""
    inline = struct.calcsize(structure.offset)
    entries: list[tuple[int, Tag, bytes]] = []
    position = _even_end(file)
    values = bytearray()
    for code, tag in sorted(tags.items()):
        value = tag.value
        if len(value) > inline:
            value = struct.pack(structure.offset, position + len(values))
            values += tag.value + b"\0" * (len(tag.value) % 2)
        entries.append((code, tag, value))
    file.write(values)
    offset = position + len(values)
    body = b"".join(
        struct.pack(structure.entry, code, tag.dtype, tag.count, value) for code, tag, value in entries
    )
    number = struct.pack(structure.number, len(entries))
    file.write(number + body + struct.pack(structure.offset, 0))
    return offset, offset + len(number) + len(body)


def _even_end(file: IO[bytes]) -> int:
    """Go to the end of a file, at an even position as TIFF requires, and return the position."""
    end = file.seek(0, 2)
    if end % 2:
        file.write(b"\0")
    return end + end % 2


def is_bigtiff(file: IO[bytes]) -> bool:
    """Return True if a TIFF has 64-bit positions."""
    file.seek(2)
    return 43 in file.read(2)


def text_tag(text: str) -> Tag:
    """Return a tag that holds a text."""
    value = text.encode() + b"\0"
    return Tag(2, len(value), value)
