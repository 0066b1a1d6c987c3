"""Recognise what a file is by its first bytes, whatever its name."""

from __future__ import annotations

import contextlib
import zlib
from pathlib import Path

from muguet.errors import MuguetError
from muguet.system.atomic import reason

_START = 4096
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_HDF5 = b"\x89HDF"
_GZIP = b"\x1f\x8b"
_NIFTI_1, _NIFTI_2 = (b"n+1\0", b"ni1\0"), (b"n+2\0", b"ni2\0")
_JPEG = "a JPEG picture"
_GIT_LFS = b"version https://git-lfs.github.com/spec/"
_MARKS = (
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", _JPEG),
    (b"GIF8", "a GIF picture"),
    (b"BM", "a BMP picture"),
    (b"PK\x03\x04", "a ZIP archive"),
    (_GZIP, "a gzip archive"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"%PDF", "a PDF document"),
    (_HDF5, "an HDF5 file"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 picture"),
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


def is_npy(start: bytes) -> bool:
    """Return True if a file with these first bytes is a NumPy array."""
    return start.startswith(b"\x93NUMPY")


def is_nd2(start: bytes) -> bool:
    """Return True if a file with these first bytes is a Nikon ND2 image; the older ones are JPEG 2000."""
    return start.startswith(b"\xda\xce\xbe\x0a") or (
        start.startswith(b"\0\0\0\x0cjP  ") and b"ftypjp2 " in start[:64] and b"LUNK" in start
    )


def is_lif(start: bytes) -> bool:
    """Return True if a file with these first bytes is a Leica LIF image."""
    return start.startswith(b"\x70\0\0\0") and start[8:9] == b"\x2a"


def is_czi(start: bytes) -> bool:
    """Return True if a file with these first bytes is a Zeiss CZI image."""
    return start.startswith(b"ZISRAWFILE")


def is_ims(start: bytes) -> bool:
    """Return True if a file with these first bytes is an Imaris image: an HDF5 file with names that Imaris writes."""
    return start.startswith(_HDF5) and (b"ImarisDataSet" in start or b"DataSetInfo" in start)


def is_mrc(start: bytes) -> bool:
    """Return True if a file with these first bytes is an MRC or CCP4 image."""
    return start[208:212] == b"MAP "


def is_nifti(start: bytes) -> bool:
    """Return True if a file with these first bytes is a NIfTI image, of version 1 or 2, compressed or not."""
    if start.startswith(_GZIP):
        with contextlib.suppress(zlib.error):
            start = zlib.decompressobj(wbits=31).decompress(start, 1024)
    return start[344:348] in _NIFTI_1 or start[4:8] in _NIFTI_2


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
    if text.startswith((b"<?xml", b"<ome")):
        return "an XML text"
    return ""


def may_be_image(start: bytes) -> bool:
    """Return True if a file with these first bytes may be an image of a format that other programs read."""
    never = ("a git-lfs pointer", "an HTML page", "an XML text", "a PDF document")
    return bool(start.strip(b"\0")) and content_of(start) not in never


def refusal(path: Path, start: bytes, readable: str, else_do: str = "") -> MuguetError:
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
    if content == _JPEG:
        return MuguetError(
            f"{path} is {content}, and its compression has changed the noise: use the file that the microscope wrote"
        )
    if content:
        what = (
            content
            if path.suffix.lower() not in (".tif", ".tiff")
            else f"{content}, not a TIFF despite its name"
        )
        return MuguetError(
            f"{path} is {what}, which muguet cannot read yet: convert it to {readable}{else_do}"
        )
    if not start.strip(b"\0"):
        return MuguetError(
            f"{path} begins with {len(start)} zeros and is damaged: copy it again from where it was recorded"
        )
    if path.suffix.lower() in (".tif", ".tiff"):
        return MuguetError(f"{path} is not a TIFF despite its name: convert it to TIFF")
    return MuguetError(f"{path} has a format that muguet cannot read yet: convert it to {readable}{else_do}")
