"""A training set: images with any axes, checked, scaled and split into planes."""

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

MIN_SIDE = 16
"""Minimum number of pixels along Y and X: a smaller image has no room for a grid of blind spots."""

MAX_PIXELS = 2**28
"""Maximum number of pixels of a training set; each takes five bytes of memory."""


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
    """

    array: npt.NDArray[np.generic]
    axes: str
    name: str = "the image"
    target: npt.NDArray[np.generic] | None = None


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
        """Total number of pixels of the planes."""
        return sum(plane.values.size for plane in self.planes)


def collect(samples: Sequence[Sample], dimensions: int = 2) -> Dataset:
    """Check samples and turn them into planes ``(*space)`` in network units.

    Raises
    ------
    MuguetError
        If there is no sample; if an image is empty, complex, constant, too small or without a finite value; if the
        samples differ in their number of channels; or if a channel has no finite value in any sample.
    """
    if not samples:
        raise MuguetError("there is no image to learn from: give at least one")
    layouts = [_layout(sample, dimensions) for sample in samples]
    channels = {layout.channels for layout in layouts}
    if len(channels) > 1:
        raise MuguetError(
            f"the images have {' and '.join(map(str, sorted(channels)))} channels: "
            "train one model for each number of channels"
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
            f"{_share(clipped, total)} of the pixels are saturated: the noise law is not learned from them."
        )
    summary: tuple[dict[str, object], ...] = tuple(
        {"name": s.name, "axes": s.axes, "shape": list(s.array.shape), "dtype": str(s.array.dtype)}
        for s in samples
    )
    return Dataset(planes, scalings, dimensions, notes=tuple(notes), summary=summary)


def check(sample: Sample, dimensions: int = 2) -> int:
    """Check that a model can be trained on a sample, and return its number of channels.

    Raises
    ------
    MuguetError
        If the sample alone does not allow training, see `collect`.
    """
    layout = _layout(sample, dimensions)
    _targets(sample, layout)
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
            f"{MIN_SIDE}×{MIN_SIDE} are needed for training (denoise it with --model, or check --axes)"
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
    if array.dtype.kind != "f":
        return float(array.min()), float(array.max())
    finite = np.isfinite(array)
    low = array.min(where=finite, initial=np.inf)
    return float(low), float(array.max(where=finite, initial=-np.inf))


def _targets(sample: Sample, layout: Layout) -> npt.NDArray[np.generic] | None:
    """The planes of a sample's target, one for each plane of the image; None if there is no target."""
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
    """Every n-th plane, with n such that the planes fit into memory, and a note if n is above 1."""
    total = sum(planes.size for planes in split)
    every = -(-total // MAX_PIXELS)
    if every == 1 or all(len(planes) == 1 for planes in split):
        return split, targets, ""
    kept = [planes[::every] for planes in split]
    number, of = sum(map(len, kept)), sum(map(len, split))
    note = f"{number} of {of} planes (one in {every}) are used for training: all would not fit into memory."
    return kept, [None if planes is None else planes[::every] for planes in targets], note


def _without_small(planes: list[Plane]) -> tuple[list[Plane], str]:
    """Leave out planes narrower than 48 pixels and than 75 % of the widest: the smallest plane limits all patches."""
    widths = [min(plane.values.shape[-2:]) for plane in planes]
    kept = [
        plane for plane, width in zip(planes, widths, strict=True) if width >= min(48, 0.75 * max(widths))
    ]
    n_small = len(planes) - len(kept)
    note = f"{n_small} planes are not used for training: they are much smaller than the others."
    return kept, note if n_small else ""


def _prepare(
    image: npt.NDArray[np.generic], target: npt.NDArray[np.generic] | None, scaling: Scaling, channel: int
) -> tuple[Plane | None, int, int]:
    """The plane in network units (None if all pixels are missing), and its numbers of missing and saturated pixels."""
    with np.errstate(
        over="ignore"
    ):  # Values that float32 cannot represent count as missing, see `fill_missing`.
        counts = image.astype(np.float32)
    finite = np.isfinite(counts)
    missing = image.size - int(finite.sum())
    if missing == image.size:
        return None, missing, 0
    saturated = finite & _saturated(image)
    clipped = int(saturated.sum())
    values = fill_missing(counts)
    # This is scaling.apply in place, since an image may take half of the memory.
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
    """Mask of the pixels at the level where the image is clipped."""
    level = clipping_level(image)
    return np.zeros(image.shape, bool) if level is None else np.greater_equal(image, level)


def _scaling(split: list[npt.NDArray[np.generic]], channel: int) -> Scaling:
    """Fit the scaling of one channel to all images."""
    values = np.concatenate([_finite(planes[:, channel], 400_000 // len(split)) for planes in split])
    if values.size == 0:
        raise MuguetError(
            f"channel {channel + 1} has no finite value (all NaN or infinite): leave it out, there is nothing to learn"
        )
    # Saturated pixels share one value, which may be the mode but shows neither the background nor the scale.
    level = clipping_level(values)
    return Scaling.fit(values if level is None else values[values < level])


def _finite(planes: npt.NDArray[np.generic], max_values: int) -> npt.NDArray[np.generic]:
    """About `max_values` evenly spaced values, without missing ones; all finite values if these are all missing."""
    flat = planes.reshape(-1)
    for step in (max(flat.size // max(max_values, 1000), 1), 1):
        with np.errstate(over="ignore"):
            thin = flat[::step].astype(np.float32)
        known: npt.NDArray[np.generic] = thin[np.isfinite(thin)]
        if known.size:
            break
    return known


def _share(part: int, total: int) -> str:
    percent = 100 * part / total
    return f"{percent:.3g} %" if percent >= 0.01 else "less than 0.01 %"
