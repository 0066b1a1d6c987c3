"""Recognise what a file is by its first bytes, whatever its name."""

from __future__ import annotations

from pathlib import Path

from muguet.errors import MuguetError
from muguet.system.atomic import reason

_START = 512
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_GIT_LFS = b"version https://git-lfs.github.com/spec/"
_MARKS = (
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"BM", "a BMP picture"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"%PDF", "a PDF document"),
    (b"\x89HDF", "an HDF5 file (such as .h5 and .ims)"),
    (b"ZISRAWFILE", "a Zeiss CZI image"),
    (b"\xda\xce\xbe\x0a", "a Nikon ND2 image"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 picture or an old Nikon ND2 image"),
    (b"\x70\0\0\0", "a Leica LIF image"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"SIMPLE  =", "a FITS image"),
    (b"\xd0\xcf\x11\xe0", "an OLE document (such as .oib and .zvi)"),
)


def start_of(path: Path) -> bytes:
    """Return the first bytes of a file.

    Raises
    ------
    MuguetError
        If the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(_START)
    except OSError as error:
        raise MuguetError(f"{path} cannot be read: {reason(error)}") from error


def is_tiff(start: bytes) -> bool:
    """Return True if a file with these first bytes is a TIFF or a BigTIFF."""
    return start[:4] in _TIFF


def content_of(start: bytes) -> str:
    """Return what a file with these first bytes is, with its article; an empty string if it is not known."""
    if is_tiff(start):
        return "a TIFF"
    if start.startswith(_GIT_LFS):
        return "a git-lfs pointer"
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype html", b"<html", b"<head")) or b"<html" in text:
        return "an HTML page"
    known = next((name for mark, name in _MARKS if start.startswith(mark)), "")
    if known:
        return known
    if start[344:348] in (b"n+1\0", b"ni1\0"):
        return "a NIfTI image"
    if start[208:212] == b"MAP ":
        return "an MRC image"
    if text.startswith((b"<?xml", b"<ome")):
        return "an XML text"
    return ""


def refusal(path: Path, start: bytes, readable: str) -> MuguetError:
    """Return the error for a file that is no image muguet can read; it tells what the file is and what to do."""
    content = content_of(start)
    if not start:
        return MuguetError(f"{path} is empty: copy it again from where it was recorded")
    if content == "a git-lfs pointer":
        return MuguetError(
            f"{path} is a git-lfs pointer, which only names the image: get the image itself with git lfs pull"
        )
    if content == "an HTML page":
        return MuguetError(
            f"{path} is an HTML page, probably an error page or a login page that was saved instead of the image: "
            "download the image again"
        )
    if content:
        what = (
            content
            if path.suffix.lower() not in (".tif", ".tiff")
            else f"{content}, not a TIFF despite its name"
        )
        return MuguetError(f"{path} is {what}, which muguet cannot read yet: convert it to {readable}")
    if not start.strip(b"\0"):
        return MuguetError(
            f"{path} begins with {len(start)} zeros and is damaged: copy it again from where it was recorded"
        )
    if path.suffix.lower() in (".tif", ".tiff"):
        return MuguetError(f"{path} is not a TIFF despite its name: convert it to TIFF")
    return MuguetError(f"{path} has a format that muguet cannot read yet: convert it to {readable}")
