"""Read Imaris IMS files, which are HDF5, with the package h5py: the full resolution, part by part."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from muguet.errors import MuguetError
from muguet.formats.lazy import LazyImage, lazy_image, numbers_of
from muguet.formats.pixel_size import MICROMETRES
from muguet.image.pixels import Part
from muguet.system.extras import require

_LEVEL = "DataSet/ResolutionLevel 0"


class _Volumes:
    """The pixels ``(t, c, z, y, x)`` at full resolution without axes of size one, read from the file at each access.

    Parameters
    ----------
    path
        The file.
    shape
        Numbers of time points, channels, planes, rows and columns.
    dtype
        Data type of the pixels.
    kept
        Numbers of the axes that the image has.
    """

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: np.dtype[Any], kept: Sequence[int]) -> None:
        self.path, self.full, self.dtype, self.kept = path, shape, dtype, tuple(kept)
        self.shape = tuple(shape[axis] for axis in self.kept)

    def __getitem__(self, part: Part, /) -> npt.NDArray[Any]:
        """Return the pixels of a part."""
        import h5py

        slices = dict(zip(self.kept, part, strict=True))
        times, channels, *space = (slices.get(axis, slice(0, 1)) for axis in range(5))
        with h5py.File(self.path) as file:
            values = np.stack(
                [
                    np.stack([file[_dataset(t, c)][tuple(space)] for c in range(self.full[1])[channels]])
                    for t in range(self.full[0])[times]
                ]
            )
        return values.reshape([size for axis, size in enumerate(values.shape) if axis in self.kept])


def open_all(path: Path, axes: str | None, scenes: Sequence[str] | None) -> tuple[LazyImage, ...]:
    """Open the image of a file at full resolution."""
    h5py = require("formats", "h5py", f"{path} is an Imaris image (HDF5), which")
    numbers_of(scenes, [""], path)
    with h5py.File(path) as file:
        if _LEVEL not in file:
            raise MuguetError(
                f"{path} is an HDF5 file, but not one of Imaris, and muguet reads no other ones: export the image as "
                "TIFF or OME-Zarr"
            )
        level = file[_LEVEL]
        n_times, n_channels = len(level), len(level["TimePoint 0"])
        data, channel = file[_dataset(0, 0)], level["TimePoint 0/Channel 0"]
        # The stored array is padded to whole chunks; the attributes hold the size of the image.
        space = [
            int(_text(channel, f"ImageSize{letter}") or size)
            for letter, size in zip("ZYX", data.shape, strict=True)
        ]
        shape = (n_times, n_channels, *space)
        kept = [axis for axis, size in enumerate(shape) if size > 1 or axis > 2]
        image = _Volumes(path, shape, data.dtype, kept)
        info = file.get("DataSetInfo", {})
        names = [_text(info.get(f"Channel {c}"), "Name") for c in range(n_channels)]
        chunks = (1, 1, *(data.chunks or data.shape))
        levels = [
            list(file[f"DataSet/ResolutionLevel {i}/TimePoint 0/Channel 0/Data"].shape)
            for i in range(len(file["DataSet"]))
        ]
        size = _pixel_size(info, space, n_times)
    return (
        lazy_image(
            image,
            "".join("TCZYX"[axis] for axis in kept),
            path,
            axes,
            pixel_size=size,
            channel_names=names,
            kind="ims",
            chunks=tuple(chunks[axis] for axis in kept),
            storage={"levels": ["×".join(map(str, each)) for each in levels]} if len(levels) > 1 else {},
        ),
    )


def _dataset(t: int, c: int) -> str:
    return f"{_LEVEL}/TimePoint {t}/Channel {c}/Data"


def _text(group: Any, name: str) -> str:
    """Return an attribute, which Imaris stores as an array of single characters; an empty text if it is missing."""
    value = None if group is None else group.attrs.get(name)
    if value is None:
        return ""
    raw = np.asarray(value)
    return b"".join(raw.astype("S1").ravel().tolist()).decode(errors="replace").strip("\0 ")


def _pixel_size(info: Any, space: Sequence[int], n_times: int) -> dict[str, float | None]:
    """Return the pixel size in micrometres from the extent of the image, and the mean interval in seconds."""
    image = info.get("Image") if info else None
    size: dict[str, float | None] = {}
    factor = MICROMETRES.get(_text(image, "Unit").lower() or "um", None)
    for number, (letter, pixels) in enumerate(zip("XYZ", reversed(space), strict=True)):
        low, high = (_text(image, f"Ext{end}{number}") for end in ("Min", "Max"))
        try:
            step = abs(float(high) - float(low)) / pixels
        except ValueError:
            continue
        size[letter] = step * factor if step and factor else None
    times = info.get("TimeInfo") if info else None
    if n_times > 1:
        try:
            first, last = (datetime.fromisoformat(_text(times, f"TimePoint{i}")) for i in (1, n_times))
        except ValueError:
            return size
        size["T"] = (last - first).total_seconds() / (n_times - 1) or None
    return size
