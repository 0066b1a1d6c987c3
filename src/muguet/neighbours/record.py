"""What was found of the planes of an image, in values that JSON can hold, for other processes and later runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from muguet.image.axes import Layout
from muguet.image.planes import Readable
from muguet.image.scaling import Scaling
from muguet.neighbours.members import Members
from muguet.neighbours.movie import movie
from muguet.neighbours.series import DEPTH, TIME, Neighbours, Series, Summary
from muguet.neighbours.stack import Stack
from muguet.prediction.error_scale import ErrorScale
from muguet.restoration.axial import Equations


def to_record(neighbours: Neighbours) -> dict[str, Any]:
    """Return what was found, from which `from_record` makes the same again."""
    return {
        "letter": neighbours.letter,
        "sentence": neighbours.sentence,
        "found": [{**asdict(each), "axis": each.axis.letter} for each in neighbours.found],
        "channels": [_channel(each) for each in neighbours.of_channels],
    }


def _channel(of_channel: Sequence[Series]) -> dict[str, Any]:
    record: dict[str, Any] = {"windows": [[each.before, each.after] for each in of_channel]}
    first = of_channel[0]
    if isinstance(first, Stack) and first.equations is not None:
        found = first.equations
        record["offsets"] = list(found.offsets)
        record["gram"], record["moment"] = found.gram.tolist(), found.moment.tolist()
        record["scale"], record["refused"] = first.scale.as_dict(), [list(each) for each in first.refused]
    return record


def from_record(
    record: Mapping[str, Any], source: Readable, layout: Layout, scalings: Sequence[Scaling]
) -> Neighbours:
    """Return what was found of an image, which is read only when planes are estimated.

    Parameters
    ----------
    record
        What `to_record` returned.
    source, layout
        The planes of the image in counts, NaN where a pixel is missing, and how its axes became planes.
    scalings
        The map from counts of each channel to a scale on which no light is 0.
    """
    axes = {each.letter: each for each in (TIME, DEPTH)}
    found = tuple(Summary(**{**each, "axis": axes[each["axis"]]}) for each in record["found"])
    of_channels = tuple(
        _series(of_channel, record["letter"], source, layout, channel, scalings[channel])
        for channel, of_channel in enumerate(record["channels"])
    )
    return Neighbours(of_channels, record["sentence"], found)


def _series(
    record: Mapping[str, Any],
    letter: str,
    source: Readable,
    layout: Layout,
    channel: int,
    scaling: Scaling,
) -> tuple[Series, ...]:
    pairs = list(zip(layout.along(letter), record["windows"], strict=True))
    if letter == TIME.letter:
        return tuple(
            movie(source, sequence, channel, scaling, before, after, at_once=False)
            for sequence, (before, after) in pairs
        )
    if "gram" not in record:
        return tuple(Stack(sequence, before, after) for sequence, (before, after) in pairs)
    offsets = tuple(record["offsets"])
    equations = Equations(offsets, np.array(record["gram"]), np.array(record["moment"]))
    scale, refused = ErrorScale.of(record["scale"]), tuple(map(tuple, record["refused"]))
    return tuple(
        Stack(sequence, before, after, Members(source, sequence, channel, offsets), equations, scale, refused)
        for sequence, (before, after) in pairs
    )
