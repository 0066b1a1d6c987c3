"""A fuzzed input: files, and the command line that reads them."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

WEIRD_NUMBERS = (
    *(
        0,
        1,
        -1,
        2,
        3,
        7,
        255,
        256,
        65535,
        65536,
        2**31 - 1,
        2**31,
        2**32,
        2**53,
        2**63 - 1,
        2**63,
        2**64,
        10**30,
    ),
    *(0.5, -0.5, 1e-302, 1e-45, 1e30, 1e298, -1e30, 1e308, 5e-324),
)
"""Numbers at the ends of the ranges of common types."""

WEIRD_NAMES = (
    *(
        "x" * 300,
        "a b",
        "x[stack]",
        "[/b]",
        "[red]",
        ":smile:",
        "\x1b[2J",
        "\x07bell",
        "new\nline",
        "\u202ereversed",
    ),
    *(
        "\udcff\udcfe",
        "é",
        "名",
        "-",
        "--",
        "-o",
        "..",
        ".",
        "*",
        "?",
        "[",
        "]",
        "con",
        "%s",
        "{0}",
        "'",
        '"',
        "\\",
    ),
)
"""Names of files that programs have failed on."""


@dataclass
class Case:
    """Files by name, the words of a command line, and what may be expected.

    Attributes
    ----------
    kind
        What was mutated: tiff, model, checkpoint, command or pixels.
    what
        The mutation, for the report of a fault.
    files
        Content by name.
    words
        The command line, with the names of the files.
    large
        Whether the command may need more memory than there is.
    """

    kind: str
    what: str
    words: list[str]
    files: dict[str, bytes] = field(default_factory=dict)
    large: bool = False


def flip(content: bytes, chance: Random, first: int = 0, last: int | None = None) -> bytes:
    """Return the content with 1 to 8 random bytes changed between two places."""
    data = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 4, 8))):
        place = chance.randrange(first, max(min(last or len(data), len(data)), first + 1))
        if place < len(data):
            data[place] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
    return bytes(data)


def cut(content: bytes, chance: Random) -> bytes:
    """Return the content with its end, a part in the middle or nothing left out, or with more bytes behind it."""
    one, two = sorted((chance.randrange(len(content)), chance.randrange(len(content))))
    return chance.choice(
        (content[:one], content[:one] + content[two:], content + content[one:two], content[:one] + content)
    )
