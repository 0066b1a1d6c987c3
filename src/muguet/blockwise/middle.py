"""The middle of an image larger than memory, noisy and denoised, for a report and for checks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from muguet.blockwise.plan import Plan
from muguet.blockwise.work import Rounding, part_at
from muguet.image.axes import Layout
from muguet.image.pixels import Part
from muguet.neighbours.movie_search import AUTO_WINDOW
from muguet.pattern.stored.notes import sentences_of
from muguet.quality.frames import Frames
from muguet.quality.residual import Residual

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Middle:
    """A part of an image: one plane of every channel, or some planes of a volume.

    Attributes
    ----------
    part
        Its place.
    noisy, counts
        Its values in the file, and those that were denoised.
    stored, std
        The denoised values as they are stored, and the standard deviations of their errors; None: not predicted.
    residual
        What was removed.
    frames
        The noisy planes around that of each channel, None if there are none; empty for a volume.
    notes
        Sentences on what was subtracted from the counts.
    """

    part: Part
    noisy: Array
    counts: Array
    stored: Array
    std: Array | None
    residual: Residual
    frames: tuple[Frames | None, ...]
    notes: tuple[str, ...]


def middle(plan: Plan, side: int, depth: int) -> Middle:
    """Return the middle of an image with its estimate, which is that of the result.

    Parameters
    ----------
    plan
        How the image is estimated.
    side, depth
        Largest number of rows and columns, and of planes along Z.
    """
    part = part_at(plan.image, 0.5, side, depth, plan.cut.stride)
    noisy, counts = plan.work.read(plan.image, part), plan.correction.read(part)
    mean, *errors = plan.part(part)
    missing = np.isnan(mean) & np.isfinite(noisy)
    mean[missing] = noisy[missing]
    residual = Residual()
    residual.add(counts, mean)
    rounding = Rounding.of(plan.work, plan.image)
    return Middle(
        part,
        noisy,
        counts,
        rounding(mean, 0, 0),
        errors[0] if errors else None,
        residual,
        _frames(plan, part),
        tuple(sentences_of(plan.correction.patterns)),
    )


def _frames(plan: Plan, part: Part) -> tuple[Frames | None, ...]:
    """Return the noisy planes around the middle one of each channel, along T or else Z."""
    layout = plan.layout
    if layout.dimensions == 3:
        return ()
    letter = next((each for each in "TZ" if layout.along(each) and len(layout.along(each)[0]) > 1), "")
    if not letter:
        return (None,) * layout.channels
    axis = layout.axes.index(letter)
    own, size = part[axis].start, layout.shape[axis]
    around = list(part)
    around[axis] = slice(max(own - AUTO_WINDOW, 0), min(own + AUTO_WINDOW + 1, size))
    values = plan.correction.read(tuple(around))
    inner = Layout(layout.axes, values.shape, layout.dimensions)
    return tuple(
        Frames([inner.plane(values, n, c) for n in range(inner.planes)], own - around[axis].start, letter)
        for c in range(inner.channels)
    )
