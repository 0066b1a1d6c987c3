"""Read NIfTI files with the package nibabel: values after slope and intercept, in either byte order."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from muguet.formats.lazy import LazyImage, lazy_image, numbers_of
from muguet.formats.pixel_size import in_micrometres, in_seconds
from muguet.image.pixels import Part
from muguet.system.extras import require

_LETTERS = "XYZTC"  # the axes of a file, in its order


class _Values:
    """The values of a file, with its axes in reverse order and those of size one left out."""

    def __init__(self, proxy: Any, kept: Sequence[int], dtype: np.dtype[Any]) -> None:
        self.proxy, self.kept, self.dtype = proxy, tuple(kept), dtype
        self.shape = tuple(proxy.shape[axis] for axis in reversed(self.kept))

    def __getitem__(self, part: Part, /) -> npt.NDArray[Any]:
        """Return the values of a part."""
        slices = dict(zip(reversed(self.kept), part, strict=True))
        index = tuple(slices.get(axis, 0) for axis in range(len(self.proxy.shape)))
        return np.asarray(self.proxy[index]).astype(self.dtype).T


def open_all(path: Path, axes: str | None, scenes: Sequence[str] | None) -> tuple[LazyImage, ...]:
    """Open the image of a file. Its first axis is X; results are in the order CTZYX."""
    nibabel = require("formats", "nibabel", f"{path} is a NIfTI image, which")
    numbers_of(scenes, [""], path)
    image = nibabel.load(path)
    proxy, header = image.dataobj, image.header
    kept = [axis for axis, size in enumerate(image.shape) if size > 1 or axis < 2]
    scaled = (proxy.slope, proxy.inter) != (1, 0)
    dtype = np.dtype(np.float32) if scaled else np.dtype(proxy.dtype).newbyteorder("=")
    notes = []
    if scaled:
        notes.append(
            f"The values are the stored ones times {proxy.slope:g} plus {proxy.inter:g}: they are read, and "
            "written, as float32."
        )
    space, time = header.get_xyzt_units()
    zooms = dict(zip(_LETTERS, map(float, header.get_zooms()), strict=False))
    size = {letter: in_micrometres(zooms.get(letter), space) for letter in "XYZ"}
    return (
        lazy_image(
            _Values(proxy, kept, dtype),
            "".join(_LETTERS[axis] for axis in reversed(kept)),
            path,
            axes,
            pixel_size={**size, "T": in_seconds(zooms.get("T"), time)},
            kind="nifti",
            notes=notes,
        ),
    )
