"""The planes of an image in a training set: screened, in network units, with the pixels that can be targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from muguet.errors import MuguetError
from muguet.image.axes import Layout
from muguet.image.scaling import Scaling
from muguet.image.screen import screen
from muguet.image.values import fill_missing, quantum, require_real
from muguet.pattern.correction import Corrected, Correction
from muguet.pattern.found import Found
from muguet.training.blocks import Blocks
from muguet.training.patches import Plane
from muguet.training.tally import Tally


@dataclass(frozen=True, eq=False)
class Sample:
    """An image of a training set.

    Attributes
    ----------
    array
        Pixel values in camera counts.
    axes
        One letter of TCZYXS for each axis.
    name
        Name of the image in messages.
    target
        A clean image of the same scene, or a second noisy one, for methods that learn from pairs. It has the shape of
        the image, or fewer axes, in which case it is the target of every plane.
    blocks
        The blocks of an image that is larger than memory, of which `array` is the sample; None: it is a whole image.
    """

    array: npt.NDArray[np.generic]
    axes: str
    name: str = "the image"
    target: npt.NDArray[np.generic] | None = None
    blocks: Blocks | None = None


def targets_of(sample: Sample, layout: Layout) -> npt.NDArray[np.generic] | None:
    """Return the planes of a sample's target, one for each plane of the image; None if there is no target."""
    if sample.target is None:
        return None
    array = sample.target
    require_real(array, f"the target of {sample.name}")
    try:
        whole = np.broadcast_to(array, layout.shape)
    except ValueError as error:
        raise MuguetError(
            f"{sample.name} and its target are no pair, their shapes are {tuple(layout.shape)} and {array.shape}: "
            "give registered images of one shape"
        ) from error
    return layout.split(whole)


@dataclass(frozen=True, eq=False)
class Member:
    """The planes ``(n, c, *space)`` of one sample: as recorded, screened and corrected, with targets and defects."""

    recorded: npt.NDArray[np.generic]
    values: npt.NDArray[np.generic]
    targets: npt.NDArray[np.generic] | None
    defects: npt.NDArray[np.bool_] | None
    notes: tuple[str, ...]
    patterns: tuple[Found, ...] = ()

    @classmethod
    def of(cls, sample: Sample, layout: Layout, correction: Correction) -> Member:
        """Screen and correct a sample and split it into planes; blocks were corrected when they were read."""
        screened = screen(sample.array, layout)
        corrected = (
            correction(screened, layout, sample.name, move=sample.target is None)
            if sample.blocks is None
            else Corrected(screened, sample.blocks.patterns)
        )
        found = corrected.screened
        defects = None if found.defects is None else layout.split(found.defects)
        recorded = layout.split(found.original)
        values = recorded if found.values is found.original else layout.split(found.values)
        notes = (*found.notes, *corrected.notes)
        return cls(recorded, values, targets_of(sample, layout), defects, notes, corrected.found)

    def every(self, number: int) -> Member:
        """Return every n-th plane."""
        return replace(
            self,
            recorded=self.recorded[::number],
            values=self.values[::number],
            targets=None if self.targets is None else self.targets[::number],
            defects=None if self.defects is None else self.defects[::number],
        )


def prepare_plane(member: Member, n: int, c: int, scaling: Scaling, tally: Tally) -> Plane | None:
    """Return the plane in network units, or None if all its pixels are missing; the tally counts its pixels."""
    image = member.values[n, c]
    target = None if member.targets is None else member.targets[n, c]
    with np.errstate(
        over="ignore"
    ):  # Values that float32 cannot represent count as missing, see `fill_missing`.
        counts = scaling.to_units(image) if scaling.wide else image.astype(np.float32)
    finite = np.isfinite(counts)
    recorded = member.recorded[n, c]
    tally.add_missing(recorded)
    if not finite.any():
        return None
    values = fill_missing(counts)
    if not scaling.wide:  # This is scaling.apply in place, since an image may take half of the memory.
        values -= np.float32(scaling.offset)
        values /= np.float32(scaling.scale)
    known = finite if member.defects is None else finite & ~member.defects[n, c]
    if target is None:
        saturated = known & tally.add_clipped(image)
        step = quantum(recorded) / scaling.scale
        return Plane(values, known & ~saturated, c, step, None, saturated)
    aim = scaling.to_units(target)
    known = known & np.isfinite(aim)
    saturated = known & tally.add_clipped(target)
    units = np.where(known, aim, np.float32(0))
    return Plane(values, known & ~saturated, c, 0.0, units, saturated)


def planes_of_block(
    values: npt.NDArray[Any], axes: str, dimensions: int, scalings: Sequence[Scaling]
) -> list[Plane | None]:
    """Return the planes of a block of an image, whose pixels are not searched for defects, as in a training set."""
    layout = Layout(axes, values.shape, dimensions)
    found = screen(values, layout, search=False)
    recorded, screened = layout.split(found.original), layout.split(found.values)
    member = Member(recorded, screened, None, None, ())
    return [prepare_plane(member, n, c, scalings[c], Tally()) for n, c in np.ndindex(recorded.shape[:2])]


def planes_by_block(sample: Sample, layout: Layout) -> list[list[int]]:
    """Return the numbers of the planes that each block of a sample becomes."""
    assert sample.blocks is not None
    space = "ZYX" if layout.dimensions == 3 else "YX"
    shape = tuple(
        1 if axis in space else size for axis, size in zip(sample.axes, sample.array.shape, strict=True)
    )
    along = [-1 if axis == "T" else 1 for axis in sample.axes]
    n_frames = sample.array.shape[sample.axes.index("T")]
    block = (np.arange(n_frames) // sample.blocks.length).reshape(along)
    numbers = Layout(sample.axes, shape, layout.dimensions).split(np.broadcast_to(block, shape))
    of_plane = numbers.reshape(*numbers.shape[:2], -1)[:, 0, 0]
    return [np.flatnonzero(of_plane == each).tolist() for each in range(len(sample.blocks.sampled))]
