"""The kind of a file by its content: an image, a model, a report and so on."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

LOG_START = "# muguet log"
"""The first characters of every log file."""

FIRST_START = "# muguet first results"
"""The first line of a list of results that a training will replace."""

KINDS = {
    "image": "a TIFF image",
    "mrc": "an MRC image",
    "model": "a muguet model",
    "checkpoint": "a muguet checkpoint",
    "report": "a muguet report",
    "figure": "a figure (.png, .svg or .pdf)",
    "zoo": "a package of the BioImage Model Zoo",
    "log": "a muguet log",
    "first": "a list of first results of muguet",
    "empty": "an empty file",
}
"""The kinds of files that `kind_of` recognises, with the words for them in messages."""

_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_MAX_HEADER = (
    100 * 2**20
)  # No safetensors header is larger, so that a random number is not taken for a length.
_MAX_PAGE = 500 * 2**20  # No report is larger.


def kind_of(path: Path) -> str | None:
    """Return the kind of an existing file, one of `KINDS`; None if it is of no kind that muguet writes.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    with path.open("rb") as file:
        start = file.read(1024)
        if not start:
            return "empty"
        if start[:4] in _TIFF:
            return "image"
        if start[208:212] == b"MAP ":
            return "mrc"
        if start.startswith(b"PK"):
            return "zoo" if _is_package(path) else None
        if start.startswith(LOG_START.encode()):
            return "log"
        if start.startswith(FIRST_START.encode()):
            return "first"
        text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
        if text.startswith(b"<!doctype html"):
            file.seek(0)
            return "report" if b'id="muguet"' in file.read(_MAX_PAGE) else None
        if start.startswith((b"\x89PNG\r\n\x1a\n", b"%PDF-")) or (text.startswith(b"<") and b"<svg" in text):
            return "figure"
        length = int.from_bytes(start[:8], "little")
        if start[8:9] == b"{" and length <= _MAX_HEADER:
            file.seek(8)
            return _kind_of_tensors(file.read(length))
    return None


def _is_package(path: Path) -> bool:
    """Return whether a zip file is a package of the BioImage Model Zoo."""
    try:
        with zipfile.ZipFile(path) as package:
            return not {"bioimageio.yaml", "rdf.yaml"}.isdisjoint(package.namelist())
    except zipfile.BadZipFile:
        return False


def _kind_of_tensors(header: bytes) -> str | None:
    """Return "model" or "checkpoint" if the header of a safetensors file is one that muguet has written."""
    try:
        kind = json.loads(json.loads(header)["__metadata__"]["muguet"])["kind"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return kind if kind in ("model", "checkpoint") else None
