"""Say which metadata of the input a written file does not hold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from muguet.formats.tiff_provenance import HISTORY
from muguet.formats.tiff_stored import CONVERTED, Source, Stored
from muguet.image.image import Image

_COLORMAP, _SUB_IFDS = 320, 330
# These are read and written in another way: description, resolution, and what programs write about themselves.
_TRANSLATED = frozenset((254, 270, 280, 281, 282, 283, 284, 296, 297, 305, 306, 339, 51123, 50838, 50839))


def lost(images: Sequence[Image], series: object | None) -> tuple[str, ...]:
    """Return sentences about metadata of the input that were not written.

    Parameters
    ----------
    images
        The images as they were written.
    series
        Anything but None if they were stored as they were in the input.
    """
    sentences: list[str] = []
    sources = [image.source for image in images if isinstance(image.source, Source)]
    if not sources:
        return ()
    stored = sources[0].stored
    tags = {code for page in stored.pages for code in page}
    changed = images[0].data.dtype != np.dtype(stored.dtype)
    program = CONVERTED.get(stored.file.kind) if series is None else None
    if series is None:
        translated = _TRANSLATED | ({HISTORY} if images[0].provenance else set())
        names = _names((tags | set(stored.left_out if program else ())) - translated)
        if program:
            sentences.append(
                f"The result is an ordinary TIFF instead of a {program} file: pixel size, axes and names are kept"
                f"{f', and lost are {names}' if names else ''}."
            )
        elif names:
            sentences.append(f"The file cannot hold these tags of the input: {names}.")
    if (
        changed
        and images[0].data.dtype.kind == "f"
        and stored.file.kind == "imagej"
        and _is_calibrated(stored)
    ):
        sentences.append(
            "ImageJ applies its calibration function (c0, c1) to 8 and 16 bits only: it will show the values of this "
            f"{images[0].data.dtype} image without it."
        )
    if series is not None and changed and _COLORMAP in tags:
        sentences.append(f"The colour palette is lost, because it does not go with {images[0].data.dtype}.")
    if _SUB_IFDS in stored.left_out:
        sentences.append("The smaller copies of the image (its pyramid) are not written.")
    others = set(stored.left_out - {_SUB_IFDS})
    if others and not program:
        sentences.append(f"These tags hold places in the input, so they are not written: {_names(others)}.")
    return tuple(sentences)


def _is_calibrated(stored: Stored) -> bool:
    """Return True if ImageJ converts the values to others for display: signed 16 bits, or an optical density."""
    description = stored.pages[0].get(270)
    return description is not None and b"c0=" in description.value


def _names(codes: set[int]) -> str:
    """Return the names of tags, the first ten in the order of their codes."""
    import tifffile

    names = [tifffile.TIFF.TAGS.get(code, str(code)) for code in sorted(codes)]
    return ", ".join(names[:10]) + (", …" if len(names) > 10 else "")
