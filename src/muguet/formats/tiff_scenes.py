"""Find the images of a TIFF: which of its series of pages are one stack, several scenes, or something else."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from muguet.errors import MuguetError

if TYPE_CHECKING:
    import tifffile

_SERIES_OF_IMAGES = "TQI"  # Time, and tifffile's letters for a series of images of unknown meaning.
_COLOURS = frozenset((2, 5, 6, 8))  # PhotometricInterpretation is RGB, CMYK, YCbCr or CIELAB.
_NAMED_BY_METADATA = ("ome", "mmstack", "lsm")  # Their series are images, never frames of one image.


@dataclass(frozen=True, eq=False)
class Scene:
    """An image of a file, before its pixels are read.

    Attributes
    ----------
    name
        Its name in the file, or an empty string.
    series
        The series of pages that hold it; several are one stack along its first axis.
    number
        Number of the first of `series` in the file.
    axes, shape
        Axes and shape of all pixels in `series`.
    axis, position
        The axis along which `series` holds several scenes, and the place of this one; -1: it is the only one.
    """

    name: str
    series: tuple[tifffile.TiffPageSeries, ...]
    number: int
    axes: str
    shape: tuple[int, ...]
    axis: int = -1
    position: int = -1

    @property
    def own_axes(self) -> str:
        """Axes of this scene alone."""
        return self.axes if self.axis < 0 else self.axes[: self.axis] + self.axes[self.axis + 1 :]

    @property
    def own_shape(self) -> tuple[int, ...]:
        """Shape of this scene alone."""
        return self.shape if self.axis < 0 else self.shape[: self.axis] + self.shape[self.axis + 1 :]

    @property
    def kind(self) -> tuple[Any, ...]:
        """What two scenes have in common that are recorded alike: data type, and all axes but time."""
        sizes = {
            letter: size
            for letter, size in zip(self.own_axes, self.own_shape, strict=True)
            if size > 1 and letter not in _SERIES_OF_IMAGES
        }
        page = self.series[0].keyframe
        return (
            str(self.series[0].dtype),
            tuple(sorted(sizes.items())),
            int(page.photometric),
            page.is_reduced,
        )

    @property
    def sentence(self) -> str:
        """Name, axes and size of the scene in a few words."""
        sizes = "×".join(map(str, self.own_shape))
        name = f" {self.name}" if self.name else ""
        return f"{name} ({self.own_axes} {sizes} {self.series[0].dtype})".strip()


@dataclass
class _Group:
    """Series of pages that may be one stack."""

    series: list[tifffile.TiffPageSeries]
    number: int
    frame: tuple[Any, ...]
    lengths: list[int] = field(default_factory=list)


def scenes_of(tif: tifffile.TiffFile, position_names: Sequence[str]) -> list[Scene]:
    """Return the images of a file in their order; positions of a series are separate images.

    Parameters
    ----------
    tif
        The file.
    position_names
        Names of the positions of a series with a position axis, as far as they are known.
    """
    found: list[Scene] = []
    for group in _stacks(tif.series):
        first = group.series[0]
        axes, shape = first.axes, tuple(first.shape)
        if len(group.series) > 1:
            leading = axes[0] if axes[0] in _SERIES_OF_IMAGES else ""
            axes = (leading or "T") + axes[len(leading) :]
            shape = (sum(group.lengths), *shape[len(leading) :])
        positions = "PMR" if first.kind == "lsm" else "R"
        axis = next((i for i, letter in enumerate(axes) if letter in positions and shape[i] > 1), -1)
        if axis < 0:
            found.append(Scene(first.name, tuple(group.series), group.number, axes, shape))
            continue
        names = [*position_names, *(f"Pos{i}" for i in range(len(position_names), shape[axis]))]
        found += [
            Scene(names[i], tuple(group.series), group.number, axes, shape, axis, i)
            for i in range(shape[axis])
        ]
    return found


def _stacks(series: Sequence[tifffile.TiffPageSeries]) -> list[_Group]:
    """Return the series in groups: frames or parts of one stack that were written one by one are together."""
    groups: list[_Group] = []
    for number, each in enumerate(series):
        leading = each.axes[:1] in tuple(_SERIES_OF_IMAGES) and len(each.axes) > 2
        axes, shape = (each.axes[1:], each.shape[1:]) if leading else (each.axes, each.shape)
        page = each.keyframe
        frame = (str(each.dtype), axes, tuple(shape), each.name, int(page.photometric), page.is_reduced)
        joins = (
            each.kind not in _NAMED_BY_METADATA
            and not set(axes) & set(_SERIES_OF_IMAGES)
            and not each.levels[1:]
        )
        same = next((group for group in groups if joins and group.frame == frame), None)
        if same is None:
            same = _Group([], number, frame if joins else (frame, number))
            groups.append(same)
        same.series.append(each)
        same.lengths.append(int(each.shape[0]) if leading else 1)
    return groups


def chosen(scenes: Sequence[Scene], wanted: Sequence[str] | None, path: Path) -> tuple[list[int], list[str]]:
    """Return the numbers of the scenes to read, and sentences about those that are left out.

    Without a wish, the scenes that are recorded alike and have the most pixels are read. A picture in colour, in few
    bits or of a single plane is a preview where there are others.

    Raises
    ------
    MuguetError
        If there is no scene of the wanted name or number.
    """
    if wanted:
        return sorted({_number_of(each, scenes, path) for each in wanted}), []
    kinds: dict[tuple[Any, ...], list[int]] = {}
    for number, scene in enumerate(scenes):
        kinds.setdefault(scene.kind, []).append(number)
    best = max(kinds.values(), key=lambda numbers: (*_worth([scenes[i] for i in numbers]), -numbers[0]))
    left = [i for i in range(len(scenes)) if i not in best]
    if not left:
        return best, []
    names = ", ".join(f"{i}: {scenes[i].sentence}" for i in left[:8]) + (", …" if len(left) > 8 else "")
    read = f"number {best[0]} was" if len(best) == 1 else f"{len(best)} of them, which are alike, were"
    return best, [
        f"The file has {len(scenes)} images; {read} read. Left out: {names}. To read one of these, give --scene NUMBER."
    ]


def _worth(scenes: Sequence[Scene]) -> tuple[bool, bool, bool, bool, int]:
    """Return what makes scenes the data of a file rather than a preview, a label or a mask; more is better."""
    page, dtype = scenes[0].series[0].keyframe, scenes[0].series[0].dtype
    colour = int(page.photometric) in _COLOURS
    sizes = [dict(zip(each.own_axes, each.own_shape, strict=True)) for each in scenes]
    planes = sum(math.prod(size for letter, size in each.items() if letter not in "YXS") for each in sizes)
    return (
        not page.is_reduced,
        not colour,
        dtype is not None and dtype.itemsize > 1,
        not colour and planes > 1,
        sum(math.prod(each.own_shape) for each in scenes),
    )


def _number_of(wanted: str, scenes: Sequence[Scene], path: Path) -> int:
    """Return the number of the scene with this name, or with this number."""
    names = [scene.name for scene in scenes]
    if wanted in names:
        return names.index(wanted)
    if wanted.isdecimal() and int(wanted) < len(scenes):
        return int(wanted)
    listed = ", ".join(f"{i}: {scene.sentence}" for i, scene in enumerate(scenes[:12]))
    raise MuguetError(
        f"--scene {wanted}: {path} has no such image; it has {listed}{', …' if len(scenes) > 12 else ''}"
    )


def names_from_micromanager(summary: Mapping[str, Any]) -> list[str]:
    """Return the names of the positions in the summary of a Micro-Manager recording, as far as it has them."""
    for key in ("StagePositions", "InitialPositionList"):
        positions = summary.get(key)
        if isinstance(positions, list) and positions:
            labels = [each.get("Label") or each.get("label") for each in positions if isinstance(each, dict)]
            if len(labels) == len(positions) and all(isinstance(label, str) for label in labels):
                return [str(label) for label in labels]
    return []
