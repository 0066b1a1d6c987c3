"""The plane of an image that a report shows."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from muguet.image.axes import Layout
from muguet.quality.frames import Frames, frames_around, stack_around

Array = npt.NDArray[Any]

_MIN_VARIANCE_SHARE = 0.9  # Planes with at least this share of the largest variance are equally good to show.
_MAX_PIXELS = 2**18  # The variance of a plane is computed from at most about twice as many pixels.


def plane_to_show(planes: Array) -> tuple[int, int | None]:
    """Return the sample, and in a stack the depth, of the plane that the report shows.

    It is the middle one of the planes with the largest variance. The variance of a plane is averaged over the
    channels, each relative to its largest; planes within 10 % of the largest count as equal.
    """
    depths = range(planes.shape[2]) if planes.ndim == 5 else (None,)
    places = [(n, z) for n in range(len(planes)) for z in depths]
    variances = np.array([[_variance(plane_of(channel, z)) for channel in planes[n]] for n, z in places])
    relative = (variances / np.maximum(variances.max(0), 1e-300)).mean(1)
    candidates = np.flatnonzero(relative >= _MIN_VARIANCE_SHARE * relative.max())
    return places[int(candidates[len(candidates) // 2])]


def _variance(plane: Array) -> float:
    sample = plane.reshape(-1)[:: max(plane.size // _MAX_PIXELS, 1)].astype(np.float64)
    sample = sample[np.isfinite(sample)]
    return float(sample.var()) if sample.size else 0.0


def plane_of(channel: Array, z: int | None) -> Array:
    """Return a plane ``(y, x)`` of a channel, at a depth of a stack."""
    return channel if z is None else channel[z]


def planes_around(before: Array, layout: Layout, n: int, c: int, z: int | None) -> Frames | None:
    """Return the planes before and after one of a channel, along T or Z; None: there are none."""
    return frames_around(before, layout, n, c) if z is None else stack_around(before[n, c], z)


def plane_note(layout: Layout, n: int, z: int | None) -> tuple[str, ...]:
    """Return a sentence about which plane is shown; nothing if the image has only one."""
    axes = "".join(letter for letter in "TZ" if letter in layout.axes and letter not in layout.spatial_axes)
    sizes = [layout.shape[layout.axes.index(letter)] for letter in axes]
    index = [int(each) for each in np.unravel_index(n, sizes)] if sizes else []
    position = [*zip(axes, index, sizes, strict=True)]
    if z is not None:
        position.append(("Z", z, layout.space[0]))
    shown = [f"{letter} {place} (of 0 to {size - 1})" for letter, place, size in position if size > 1]
    if not shown:
        return ()
    return (
        "This report shows and checks one plane, from where the denoised image varies most: "
        f"{', '.join(shown)}.",
    )
