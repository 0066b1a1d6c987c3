"""Read Nikon ND2 files with the package nd2: positions are scenes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from muguet.formats.lazy import LazyImage, lazy_image, numbers_of
from muguet.image.pixels import Part
from muguet.system.extras import require

_UNDEFINED = "U"  # The letter of nd2 for a loop of unknown meaning.


def open_all(path: Path, axes: str | None, scenes: Sequence[str] | None) -> tuple[LazyImage, ...]:
    """Open the positions of a file; frames are read when they are needed."""
    nd2 = require("formats", "nd2", f"{path} is a Nikon ND2 image, which")
    with nd2.ND2File(path) as file:
        sizes = dict(file.sizes)
        dtype = file.dtype
        size = _pixel_size(file)
        names = [channel.channel.name for channel in file.metadata.channels or ()]
        positions = _positions(file, sizes.get("P", 1))
    letters = "".join("T" if letter == _UNDEFINED else letter for letter in sizes if letter != "P")
    several = len(positions) > 1
    return tuple(
        lazy_image(
            _Frames(path, sizes, dtype, i),
            letters,
            path,
            axes,
            pixel_size=size,
            channel_names=names,
            kind="nd2",
            name=positions[i] if several else "",
            chunks=tuple(n if letter in "CYXS" else 1 for letter, n in sizes.items() if letter != "P"),
        )
        for i in numbers_of(scenes, positions, path)
    )


class _Frames:
    """The pixels of one position, of which only the frames that are asked for are read.

    Parameters
    ----------
    path
        The file.
    sizes
        Sizes of all axes by their letters, in the order of the file: loops, and then the axes of a frame.
    dtype
        Data type of the pixels.
    position
        Number of the position.
    """

    def __init__(self, path: Path, sizes: Mapping[str, int], dtype: np.dtype[Any], position: int) -> None:
        self.path, self.sizes, self.dtype, self.position = path, sizes, dtype, position
        self.shape = tuple(size for letter, size in sizes.items() if letter != "P")

    def __getitem__(self, part: Part, /) -> npt.NDArray[Any]:
        """Return the pixels of a part."""
        import nd2

        loops = [letter for letter in self.sizes if letter not in "CYXS"]
        wanted = dict(zip((each for each in self.sizes if each != "P"), part, strict=True))
        wanted["P"] = slice(self.position, self.position + 1)
        ranges = [range(self.sizes[each])[wanted[each]] for each in loops]
        inner = tuple(wanted[letter] for letter in self.sizes if letter in "CYXS")
        counts = [self.sizes[letter] for letter in loops]
        frames = []
        with nd2.ND2File(self.path) as file:
            for place in np.ndindex(*(len(each) for each in ranges)):
                at = tuple(each[i] for each, i in zip(ranges, place, strict=True))
                number = int(np.ravel_multi_index(at, counts)) if counts else 0
                frame = file.read_frame(number)
                order = [letter for letter in self.sizes if letter in "CYXS"]
                stored = [letter for letter in "CYXS" if letter in order]
                frames.append(frame.transpose([stored.index(letter) for letter in order])[inner].copy())
        outer = [len(each) for letter, each in zip(loops, ranges, strict=True) if letter != "P"]
        return np.stack(frames).reshape(*outer, *frames[0].shape)


def _pixel_size(file: Any) -> dict[str, float | None]:
    """Return the pixel size; an axis that was not calibrated, or Z without a stack, is unknown."""
    size: dict[str, float | None] = {}
    channels = file.metadata.channels or ()
    calibrated = channels[0].volume.axesCalibrated if channels else (False, False, False)
    voxel = file.voxel_size()
    for letter, known, value in zip("XYZ", calibrated, (voxel.x, voxel.y, voxel.z), strict=True):
        size[letter] = abs(float(value)) if known and value else None
    for loop in file.experiment or ():
        if loop.type == "ZStackLoop" and loop.parameters.stepUm:
            size["Z"] = abs(float(loop.parameters.stepUm))
        if loop.type == "TimeLoop":
            period = loop.parameters.periodMs or loop.parameters.periodDiff.avg
            size["T"] = float(period) / 1e3 or None
        if loop.type == "NETimeLoop" and len(loop.parameters.periods) == 1:
            period = loop.parameters.periods[0].periodMs or loop.parameters.periods[0].periodDiff.avg
            size["T"] = float(period) / 1e3 or None
    return size


def _positions(file: Any, count: int) -> list[str]:
    """Return the names of the positions, or their numbers."""
    for loop in file.experiment or ():
        if loop.type == "XYPosLoop":
            names = [point.name or f"Pos{i}" for i, point in enumerate(loop.parameters.points)]
            if len(set(names)) == len(names) == count:
                return names
    return [f"Pos{i}" for i in range(count)]
