"""Whiten a training set whose noise is correlated, before anything is learned from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from muguet.noise.correlated.first import measure_whitening
from muguet.noise.correlated.whitening import Whitening
from muguet.noise.transfer.bins import Floats
from muguet.training.data import Dataset
from muguet.training.patches import Plane

_MAX_PLANES = 4  # The correlation of a channel is measured on at most this many slices.


def measure_whitenings(dataset: Dataset) -> tuple[Whitening | None, ...]:
    """Measure the whitening of each channel, in the units of the training set; empty if all noise is independent."""
    found = tuple(measure_whitening(_slices(dataset.planes, channel)) for channel in range(dataset.channels))
    return found if any(found) else ()


def whitened(dataset: Dataset, whitenings: Sequence[Whitening | None]) -> Dataset:
    """Return the training set with white noise."""
    planes = [plane.whitened(whitenings) for plane in dataset.planes]
    supplies = tuple(replace(supply, whitenings=tuple(whitenings)) for supply in dataset.supplies)
    return replace(dataset, planes=planes, supplies=supplies)


def _slices(planes: Sequence[Plane], channel: int) -> list[Floats]:
    """Up to `_MAX_PLANES` slices ``(y, x)`` of a channel, with NaN for saturated and missing pixels."""
    chosen = [plane for plane in planes if plane.channel == channel]
    found = []
    for plane in chosen[:: -(-len(chosen) // _MAX_PLANES) or 1]:
        middle = np.where(plane.trusted, plane.values, np.nan).astype(np.float64)
        found.append(middle if middle.ndim == 2 else middle[len(middle) // 2])
    return found
