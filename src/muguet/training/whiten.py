"""Whiten a training set whose noise is correlated, before anything is learned from it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from muguet.noise.correlated.first import measure_whitening
from muguet.noise.correlated.whitening import Whitening
from muguet.noise.transfer.bins import Floats
from muguet.training.data import Dataset
from muguet.training.patches import Plane
from muguet.training.second_look import refined, second_look

_MAX_PLANES = 4  # The correlation of a channel is measured on at most this many slices.


def measure_whitenings(dataset: Dataset) -> tuple[Whitening | None, ...]:
    """Measure the whitening of each channel, in the units of the training set; empty if all noise is independent."""
    found = tuple(_measured(dataset.planes, channel) for channel in range(dataset.channels))
    return found if any(found) else ()


def _measured(planes: Sequence[Plane], channel: int) -> Whitening | None:
    slices = _slices(planes, channel)
    differences = _differences(planes, channel)
    first = measure_whitening(slices, differences)
    found = second_look(slices, first)
    return refined(slices, first, differences) if first is not None and found is first else found


def whitened(dataset: Dataset, whitenings: Sequence[Whitening | None]) -> Dataset:
    """Return the training set with white noise."""
    planes = [plane.whitened(whitenings) for plane in dataset.planes]
    supplies = tuple(replace(supply, whitenings=tuple(whitenings)) for supply in dataset.supplies)
    return replace(dataset, planes=planes, supplies=supplies)


def _slices(planes: Sequence[Plane], channel: int) -> list[Floats]:
    """Up to `_MAX_PLANES` slices ``(y, x)`` of a channel, with NaN for saturated and missing pixels."""
    chosen = [plane for plane in planes if plane.channel == channel]
    return [_slice(plane) for plane in chosen[:: -(-len(chosen) // _MAX_PLANES) or 1]]


def _differences(planes: Sequence[Plane], channel: int) -> list[Floats]:
    """Up to `_MAX_PLANES` differences of successive planes of one shape, in which a scene that stands still is zero."""
    chosen = [plane for plane in planes if plane.channel == channel]
    pairs = [
        (one, other)
        for one, other in itertools.pairwise(chosen)
        if one.values.ndim == 2
        and one.values.shape == other.values.shape
        and not np.array_equal(one.values, other.values)
    ]
    every = -(-len(pairs) // _MAX_PLANES) or 1
    return [(_slice(one) - _slice(other)) / np.sqrt(2) for one, other in pairs[::every]]


def _slice(plane: Plane) -> Floats:
    """The middle slice ``(y, x)`` of a plane, with NaN for saturated and missing pixels."""
    values = np.where(plane.trusted, plane.values, np.nan).astype(np.float64)
    return values if values.ndim == 2 else values[len(values) // 2]
