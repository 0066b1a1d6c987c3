"""Text for terminals: names that cannot be shown are spelled out, and streams never fail on a character."""

from __future__ import annotations

import codecs
import contextlib
import json
import os
import sys
from typing import TextIO

# What a message says with these characters must be readable where they do not exist.
_ASCII = {
    "σ": "sigma",
    "µ": "u",
    "μ": "u",
    "×": "x",
    "−": "-",
    "–": "-",
    "—": "-",
    "…": "...",
    "±": "+-",
    "°": " degrees",
    "·": "*",
    "∞": "inf",
    "‖": "||",
    "≥": ">=",
    "≤": "<=",
    "√": "sqrt",
    "²": "^2",
    "³": "^3",
    "τ": "tau",
    "⁻": "^-",
    "’": "'",
    "“": '"',
    "”": '"',
}
_HANDLER = "muguet"


def printable(text: str) -> str:
    r"""Return a text in which every character that a terminal would not show is written as ``\x1b`` or ``\u202e``.

    Such characters come from file names: escape sequences, line breaks, bytes that are no UTF-8, reversed text.
    """
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else _spelled(each) for each in text)


def _spelled(character: str) -> str:
    r"""Return a character as an escape sequence of Python; a byte that is no UTF-8 as ``\xff``."""
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # Python keeps bytes of file names that are no UTF-8 as these code points.
        return f"\\x{code - 0xDC00:02x}"
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def _replace(error: UnicodeError) -> tuple[str, int]:
    """Return the ASCII spelling of what a stream cannot encode, and the place where the text goes on."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(
        _ASCII.get(each) or _spelled(each) for each in error.object[error.start : error.end]
    ), error.end


def prepare_streams() -> None:
    """Let standard output and standard error write any text: characters outside their encoding are spelled in ASCII."""
    codecs.register_error(_HANDLER, _replace)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(
            AttributeError, OSError, ValueError
        ):  # A stream may be missing or be an object.
            stream.reconfigure(errors=_HANDLER)  # type: ignore[union-attr]


def encodable(text: str, stream: TextIO) -> bool:
    """Return whether a stream can write every character of a text as it is."""
    try:
        text.encode(getattr(stream, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def json_for(text: str, stream: TextIO) -> str:
    r"""Return JSON text for a stream: characters that it cannot write, or that are not printable, as ``\u03c3``."""
    if text.isascii():
        return text
    return "".join(
        each if each.isascii() or (each.isprintable() and encodable(each, stream)) else json.dumps(each)[1:-1]
        for each in text
    )


def silence(stream: TextIO) -> None:
    """Discard what a stream still holds, so that Python does not fail on it when it ends.

    Called after a stream could not be written, because its disk is full or its reader has gone.
    """
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
