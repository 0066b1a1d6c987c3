"""A training set: images with any axes, checked, scaled and split into planes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from muguet.errors import MuguetError
from muguet.image import mosaic
from muguet.image.axes import Layout
from muguet.image.scaling import Scaling
from muguet.image.values import require_real
from muguet.pattern.correction import Correction
from muguet.training.common_scaling import common_scaling
from muguet.training.content import content_of
from muguet.training.exchange import Supply
from muguet.training.paired import doubts_of_pair
from muguet.training.patches import Plane
from muguet.training.planes import Member, Sample, planes_by_block, prepare_plane, targets_of
from muguet.training.tally import Tally
from muguet.training.unlike import unlike

MIN_SIDE = 16
"""Minimum number of pixels along Y and X: a smaller image has no room for a grid of blind spots."""

MAX_PIXELS = 2**28
"""Maximum number of pixels of a training set; each takes five bytes of memory."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """The planes of all samples.

    Attributes
    ----------
    planes
        Planes in network units.
    scalings
        The map from counts to network units for each channel.
    dimensions
        Number of spatial dimensions of a plane, 2 or 3.
    quarter_turns
        Whether patches may be turned by 90°.
    notes
        Sentences for the user about missing, saturated and unused pixels.
    summary
        Name, axes, shape and dtype of each sample.
    content
        SHA-256 of the pixels and axes of all samples and targets, which identifies the images whatever their names.
    supplies
        Further blocks of the images that are larger than memory, see `Exchange`.
    correction
        How the counts of images are corrected, here and by the model.
    patterns
        What was found in each image and each of its channels, see `muguet.pattern.Found`.
    series
        Numbers in `planes` of the successive planes of each channel of each movie and each stack, by their axis, T or
        Z; empty with three dimensions of space.
    """

    planes: list[Plane]
    scalings: tuple[Scaling, ...]
    dimensions: int
    quarter_turns: bool = True
    notes: tuple[str, ...] = ()
    summary: tuple[dict[str, object], ...] = field(default=())
    content: str = ""
    supplies: tuple[Supply, ...] = ()
    correction: Correction = field(default_factory=Correction)
    patterns: tuple[dict[str, Any], ...] = ()
    series: Mapping[str, tuple[tuple[int, ...], ...]] = field(default_factory=dict)

    @property
    def channels(self) -> int:
        """Number of channels, each with a scaling and a noise law."""
        return len(self.scalings)

    @property
    def pixels(self) -> int:
        """Total number of pixels of the planes."""
        return sum(plane.values.size for plane in self.planes)


def collect(samples: Sequence[Sample], dimensions: int = 2, correction: Correction | None = None) -> Dataset:
    """Check samples, correct their counts and turn them into planes ``(*space)`` in network units.

    Parameters
    ----------
    samples
        The images.
    dimensions
        Number of dimensions of space.
    correction
        How counts are corrected; None: as by default, see `muguet.pattern.Correction`.

    Raises
    ------
    MuguetError
        If there is no sample; if an image is empty, complex, constant, too small or without a finite value; if the
        samples differ in their number of channels; if a channel has no finite value in any sample; or if an image and
        its target do not show the same scene.
    """
    if not samples:
        raise MuguetError("there is no image to learn from: give at least one")
    correction = correction or Correction()
    layouts = [_layout(sample, dimensions) for sample in samples]
    channels = {layout.channels for layout in layouts}
    if len(channels) > 1:
        raise MuguetError(
            f"the images have {' and '.join(map(str, sorted(channels)))} channels: "
            "train one model for each number of channels"
        )
    members, thinned = _thin(
        [Member.of(sample, layout, correction) for sample, layout in zip(samples, layouts, strict=True)]
    )
    doubts = [
        _named(doubt, s.name, len(samples))
        for s, m in zip(samples, members, strict=True)
        for doubt in doubts_of_pair(m.values, m.targets, s.name, len(samples))
    ]
    images = [member.values for member in members]
    raw = [member.recorded for member in members]
    scalings = tuple(common_scaling(images, raw, c) for c in range(channels.pop()))
    planes: list[Plane] = []
    made: list[dict[int, list[Plane]]] = []
    tally = Tally()
    for member in members:
        made.append({})
        for n, c in np.ndindex(member.values.shape[:2]):
            plane = prepare_plane(member, n, c, scalings[c], tally)
            if plane is not None:
                planes.append(plane)
                made[-1].setdefault(n, []).append(plane)
    if not planes:
        raise MuguetError("no image has a pixel that is a measurement: there is nothing to learn from")
    planes, small = _without_small(planes)
    found = [
        _named(note, s.name, len(samples)) for s, m in zip(samples, members, strict=True) for note in m.notes
    ]
    notes = [note for note in (thinned, small) if note] + doubts + found + tally.sentences()
    for sample, member in zip(samples, members, strict=True):
        middle = member.values[len(member.values) // 2, 0]
        text = mosaic.describe(mosaic.pattern(middle if middle.ndim == 2 else middle[len(middle) // 2]))
        notes += [_named(text, sample.name, len(samples))] if text else []
    notes += unlike([s.name for s in samples], images, [s.array.dtype for s in samples])
    summary: tuple[dict[str, object], ...] = tuple(
        {"name": s.name, "axes": s.axes, "shape": list(s.array.shape), "dtype": str(s.array.dtype)}
        for s in samples
    )
    content = content_of([(s.axes, s.array, s.target) for s in samples]) + correction.identity
    patterns = tuple(
        {"name": sample.name, "channel": c, **each.as_dict()}
        for sample, member in zip(samples, members, strict=True)
        for c, each in enumerate(member.patterns)
        if each
    )
    supplies: tuple[Supply, ...] = ()
    series: dict[str, tuple[tuple[int, ...], ...]] = {}
    if not thinned:
        at = {id(plane): index for index, plane in enumerate(planes)}
        for letter in "TZ" if dimensions == 2 else "":
            pairs = zip(layouts, made, strict=True)
            series[letter] = tuple(
                one for layout, of_number in pairs for one in _series(layout, letter, of_number, at)
            )
        supplies = tuple(
            _supply(sample, layout, of_number, at, scalings)
            for sample, layout, of_number in zip(samples, layouts, made, strict=True)
            if sample.blocks is not None
        )
    return Dataset(
        planes,
        scalings,
        dimensions,
        notes=tuple(notes),
        summary=summary,
        content=content,
        supplies=supplies,
        correction=correction,
        patterns=patterns,
        series=series,
    )


def _series(
    layout: Layout, letter: str, made: dict[int, list[Plane]], at: dict[int, int]
) -> Iterator[tuple[int, ...]]:
    """Yield the numbers of the planes of each channel of each movie or stack of which all planes are used."""
    for sequence in layout.along(letter):
        planes = [plane for number in sequence for plane in made.get(int(number), [])]
        for channel in range(layout.channels):
            numbers = [at[id(plane)] for plane in planes if plane.channel == channel and id(plane) in at]
            if len(numbers) == len(sequence):
                yield tuple(numbers)


def _supply(
    sample: Sample,
    layout: Layout,
    made: dict[int, list[Plane]],
    at: dict[int, int],
    scalings: tuple[Scaling, ...],
) -> Supply:
    """The further blocks of a sample; a block of which a plane is not used has no planes to be exchanged."""
    assert sample.blocks is not None
    found = []
    for numbers in planes_by_block(sample, layout):
        planes = [plane for number in numbers for plane in made.get(number, [])]
        whole = len(planes) == len(numbers) * layout.channels and all(id(plane) in at for plane in planes)
        found.append(tuple(at[id(plane)] for plane in planes) if whole else ())
    return Supply(sample.blocks, tuple(found), scalings)


def check(sample: Sample, dimensions: int = 2) -> int:
    """Check that a model can be trained on a sample, and return its number of channels.

    Raises
    ------
    MuguetError
        If the sample alone does not allow training, see `collect`.
    """
    layout = _layout(sample, dimensions)
    targets_of(sample, layout)
    return layout.channels


def _layout(sample: Sample, dimensions: int) -> Layout:
    array, name = sample.array, sample.name
    if array.size == 0:
        raise MuguetError(f"{name} is empty (shape {array.shape}): give an image with pixels")
    require_real(array, name)
    layout = Layout(sample.axes, array.shape, dimensions)
    if min(layout.space[-2:]) < MIN_SIDE:
        raise MuguetError(
            f"{name} has {layout.space[-2]}×{layout.space[-1]} pixels in Y and X: at least "
            f"{MIN_SIDE}×{MIN_SIDE} are needed for training (denoise it with a model of larger images, or check --axes)"
        )
    if dimensions == 3 and layout.space[0] < 4:
        raise MuguetError(
            f"{name} has {layout.space[0]} planes in Z, too few for a 3-D model: treat them one by one (--dimensions 2)"
        )
    low, high = _extent(array)
    if not low <= high:
        raise MuguetError(f"{name} has no finite value (all NaN or infinite): there is nothing to learn from")
    if low == high:
        raise MuguetError(f"{name} is constant (every pixel is {low:g}): there is nothing to learn from")
    return layout


def _extent(array: npt.NDArray[np.generic]) -> tuple[float, float]:
    """Smallest and largest finite value; (inf, −inf) if there is none."""
    if np.ma.isMaskedArray(array):
        array = np.ma.masked_array(array).compressed()
        if array.size == 0:
            return np.inf, -np.inf
    if array.dtype.kind != "f":
        return float(array.min()), float(array.max())
    finite = np.isfinite(array)
    low = array.min(where=finite, initial=np.inf)
    return float(low), float(array.max(where=finite, initial=-np.inf))


def _thin(members: list[Member]) -> tuple[list[Member], str]:
    """Every n-th plane, with n such that the planes fit into memory, and a note if n is above 1."""
    total = sum(member.values.size for member in members)
    every = -(-total // MAX_PIXELS)
    if every == 1 or all(len(member.values) == 1 for member in members):
        return members, ""
    kept = [member.every(every) for member in members]
    number, of = (sum(len(member.values) for member in each) for each in (kept, members))
    return (
        kept,
        f"{number} of {of} planes (one in {every}) are used for training: all would not fit into memory.",
    )


def _named(note: str, name: str, number: int) -> str:
    """Return a note about one image, with the name of the image if there are several."""
    return f"{name}: {note}" if number > 1 else note


def _without_small(planes: list[Plane]) -> tuple[list[Plane], str]:
    """Leave out planes narrower than 48 pixels and than 75 % of the widest: the smallest plane limits all patches."""
    widths = [min(plane.values.shape[-2:]) for plane in planes]
    kept = [
        plane for plane, width in zip(planes, widths, strict=True) if width >= min(48, 0.75 * max(widths))
    ]
    n_small = len(planes) - len(kept)
    note = f"{n_small} planes are not used for training: they are much smaller than the others."
    return kept, note if n_small else ""
