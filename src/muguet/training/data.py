"""A training set: images of any axes, checked, scaled and cut into planes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from muguet.errors import MuguetError
from muguet.image.axes import Layout
from muguet.image.scaling import Scaling
from muguet.image.values import clipping_level, fill_missing, quantum, require_real
from muguet.training.patches import Plane

SMALLEST = 16  # pixels along Y and X: less holds neither a grid of blind spots nor anything to learn
MOST_PIXELS = 2**28  # of a training set held in memory, at five bytes each


@dataclass(frozen=True, eq=False)
class Sample:
    """An image of a training set: its array, its axes, and what to call it in a message.

    `target` is a clean image of the same scene, or a second noisy one, for methods that learn from one: of the same
    shape, or of fewer axes, and then it is every plane's.
    """

    array: npt.NDArray[np.generic]
    axes: str
    name: str = "the image"
    target: npt.NDArray[np.generic] | None = None


@dataclass(frozen=True, eq=False)
class Dataset:
    """Planes of all samples, with one scaling a channel.

    `notes` are sentences for the user; `summary` says of every sample what it was.
    """

    planes: list[Plane]
    scalings: tuple[Scaling, ...]
    dimensions: int
    quarter_turns: bool = True
    notes: tuple[str, ...] = ()
    summary: tuple[dict[str, object], ...] = field(default=())

    @property
    def channels(self) -> int:
        """Number of channels, each with a scaling and a noise law."""
        return len(self.scalings)

    @property
    def pixels(self) -> int:
        """Number of pixels of all planes."""
        return sum(plane.values.size for plane in self.planes)


def collect(samples: Sequence[Sample], dimensions: int = 2) -> Dataset:
    """Check samples and turn them into planes ``(*space)`` in network units.

    Raises
    ------
    MuguetError
        If an image is empty, complex, constant, without a finite value or too small to learn from, if the
        samples differ in their number of channels, if none has a finite value in some channel, or if there is
        no sample at all.
    """
    if not samples:
        raise MuguetError("there is no image to learn from: give at least one")
    layouts = [_layout(sample, dimensions) for sample in samples]
    channels = {layout.channels for layout in layouts}
    if len(channels) > 1:
        raise MuguetError(
            f"the images have {' and '.join(map(str, sorted(channels)))} channels: "
            "train one model for images of one kind"
        )
    split = [layout.split(sample.array) for sample, layout in zip(samples, layouts, strict=True)]
    targets = [_targets(sample, layout) for sample, layout in zip(samples, layouts, strict=True)]
    split, targets, thinned = _thin(split, targets)
    scalings = tuple(_scaling(split, c) for c in range(channels.pop()))
    planes: list[Plane] = []
    missing = clipped = total = 0
    for images, aims in zip(split, targets, strict=True):
        for n, c in np.ndindex(images.shape[:2]):
            plane, lost, cut = _prepare(images[n, c], None if aims is None else aims[n, c], scalings[c], c)
            if plane is not None:
                planes.append(plane)
            missing, clipped, total = missing + lost, clipped + cut, total + images[n, c].size
    planes, small = _without_small(planes)
    notes = [note for note in (thinned, small) if note]
    if missing:
        notes.append(f"{_share(missing, total)} of the pixels are NaN or infinite: treated as missing.")
    if clipped:
        notes.append(
            f"{_share(clipped, total)} of the pixels are saturated: the noise law does not learn from them."
        )
    summary: tuple[dict[str, object], ...] = tuple(
        {"name": s.name, "axes": s.axes, "shape": list(s.array.shape), "dtype": str(s.array.dtype)}
        for s in samples
    )
    return Dataset(planes, scalings, dimensions, notes=tuple(notes), summary=summary)


def _layout(sample: Sample, dimensions: int) -> Layout:
    array, name = sample.array, sample.name
    if array.size == 0:
        raise MuguetError(f"{name} is empty (shape {array.shape}): give an image with pixels")
    require_real(array, name)
    layout = Layout(sample.axes, array.shape, dimensions)
    if min(layout.space[-2:]) < SMALLEST:
        raise MuguetError(
            f"{name} has {layout.space[-2]}×{layout.space[-1]} pixels in Y and X: at least "
            f"{SMALLEST}×{SMALLEST} are needed to learn from (denoise it with --model, or check --axes)"
        )
    if dimensions == 3 and layout.space[0] < 4:
        raise MuguetError(
            f"{name} has {layout.space[0]} planes in Z: learn from them one by one (--dimensions 2)"
        )
    low, high = _extent(array)
    if not low <= high:
        raise MuguetError(f"{name} has no finite value (all NaN or infinite): there is nothing to learn from")
    if low == high:
        raise MuguetError(f"{name} is constant (every pixel is {low:g}): there is nothing to learn from")
    return layout


def _extent(array: npt.NDArray[np.generic]) -> tuple[float, float]:
    """Smallest and largest finite value; (inf, −inf) if there is none."""
    if array.dtype.kind != "f":
        return float(array.min()), float(array.max())
    finite = np.isfinite(array)
    low = array.min(where=finite, initial=np.inf)
    return float(low), float(array.max(where=finite, initial=-np.inf))


def _targets(sample: Sample, layout: Layout) -> npt.NDArray[np.generic] | None:
    """The planes of a sample's target, one for each of its own."""
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


def _thin(
    split: list[npt.NDArray[np.generic]], targets: list[npt.NDArray[np.generic] | None]
) -> tuple[list[npt.NDArray[np.generic]], list[npt.NDArray[np.generic] | None], str]:
    """Every so-many-th plane where all of them would not fit into memory."""
    total = sum(planes.size for planes in split)
    every = -(-total // MOST_PIXELS)
    if every == 1 or all(len(planes) == 1 for planes in split):
        return split, targets, ""
    kept = [planes[::every] for planes in split]
    number, of = sum(map(len, kept)), sum(map(len, split))
    told = f"{number} of {of} planes are used, one in {every}: so many are enough and fit into memory."
    return kept, [None if planes is None else planes[::every] for planes in targets], told


def _without_small(planes: list[Plane]) -> tuple[list[Plane], str]:
    """Leave out planes far smaller than others (and than 48 pixels): the smallest sets the size of all patches."""
    widths = [min(plane.values.shape[-2:]) for plane in planes]
    kept = [
        plane for plane, width in zip(planes, widths, strict=True) if width >= min(48, 0.75 * max(widths))
    ]
    few = len(planes) - len(kept)
    return kept, f"{few} planes are much smaller than the others: not learned from." if few else ""


def _prepare(
    image: npt.NDArray[np.generic], target: npt.NDArray[np.generic] | None, scaling: Scaling, channel: int
) -> tuple[Plane | None, int, int]:
    """Return the plane in network units, or None if all is missing; how many pixels are missing; how many clipped."""
    with np.errstate(over="ignore"):  # what float32 cannot hold is missing, as `fill_missing` says
        counts = image.astype(np.float32)
    finite = np.isfinite(counts)
    missing = image.size - int(finite.sum())
    if missing == image.size:
        return None, missing, 0
    saturated = finite & _saturated(image)
    clipped = int(saturated.sum())
    values = fill_missing(counts)
    # In place, since an image may take half of the memory: the same as scaling.apply.
    values -= np.float32(scaling.offset)
    values /= np.float32(scaling.scale)
    if target is None:
        step = quantum(image) / scaling.scale
        return Plane(values, finite & ~saturated, channel, step, None, saturated), missing, clipped
    aim = target.astype(np.float32)
    known = finite & np.isfinite(aim)
    saturated = known & _saturated(target)
    units = scaling.apply(np.where(known, aim, scaling.offset)).astype(np.float32, copy=False)
    return Plane(values, known & ~saturated, channel, 0.0, units, saturated), missing, clipped


def _saturated(image: npt.NDArray[np.generic]) -> npt.NDArray[np.bool_]:
    """Where an image is at the level where it is clipped."""
    level = clipping_level(image)
    return np.zeros(image.shape, bool) if level is None else np.greater_equal(image, level)


def _scaling(split: list[npt.NDArray[np.generic]], channel: int) -> Scaling:
    """Fit the scaling of one channel to all images."""
    values = np.concatenate([_finite(planes[:, channel], 400_000 // len(split)) for planes in split])
    if values.size == 0:
        raise MuguetError(
            f"channel {channel + 1} has no finite value (all NaN or infinite): leave it out, nothing can be learned"
        )
    # Saturated pixels pile up at one value, which is the mode then but neither background nor scale.
    level = clipping_level(values)
    return Scaling.fit(values if level is None else values[values < level])


def _finite(planes: npt.NDArray[np.generic], most: int) -> npt.NDArray[np.generic]:
    """Return about `most` values that float32 holds, or all of them where the first look finds none."""
    flat = planes.reshape(-1)
    for step in (max(flat.size // max(most, 1000), 1), 1):
        with np.errstate(over="ignore"):
            thin = flat[::step].astype(np.float32)
        known: npt.NDArray[np.generic] = thin[np.isfinite(thin)]
        if known.size:
            break
    return known


def _share(part: int, total: int) -> str:
    percent = 100 * part / total
    return f"{percent:.3g} %" if percent >= 0.01 else "less than 0.01 %"
