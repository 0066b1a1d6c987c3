"""Open a TIFF with the OME-XML that describes it, which may lie in another file of the same folder."""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from muguet.errors import MuguetError
from muguet.formats.identify import is_tiff, start_of

if TYPE_CHECKING:
    import tifffile

_MASTER = re.compile(r"<(?:\w+:)?BinaryOnly\b[^>]*?\bMetadataFile\s*=\s*[\"']([^\"']+)[\"']")


@contextlib.contextmanager
def open_tiff(path: Path) -> Iterator[tifffile.TiffFile]:
    """Open a TIFF; of a set of OME-TIFF files, the one that describes all is opened, or its description is used.

    Raises
    ------
    MuguetError
        If the file that describes the set is missing.
    """
    import tifffile

    with tifffile.TiffFile(path) as tif:
        _count_pages(tif)
        master = _master_of(tif)
        if master is None:
            yield tif
            return
    described_by = path.parent / master
    if not described_by.is_file():
        raise MuguetError(
            f"{path} is one file of a set that {described_by.name} describes, which is missing: copy it to the same "
            "folder"
        )
    if is_tiff(start_of(described_by)):
        opened = tifffile.TiffFile(described_by)
    else:
        opened = tifffile.TiffFile(path, omexml=described_by.read_text(encoding="utf-8"))
    with opened as tif:
        _count_pages(tif)
        yield tif


def _count_pages(tif: tifffile.TiffFile) -> None:
    """Count the pages of a file, which finds directories that go in a circle: tifffile would follow them for ever."""
    logger = logging.getLogger("tifffile")
    disabled, logger.disabled = logger.disabled, tif.is_imagej  # ImageJ's pixels need no page but the first.
    try:
        len(tif.pages)
    finally:
        logger.disabled = disabled


def _master_of(tif: tifffile.TiffFile) -> str | None:
    """Return the name of the file that describes the images in OME-XML, if it is another one."""
    if not tif.is_ome:
        return None
    found = _MASTER.search(tif.pages.first.description[:10_000])
    return None if found is None else found[1]
