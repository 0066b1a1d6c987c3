"""Read what Micro-Manager writes about a recording: pixel size, channels, interval and names of positions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from muguet.formats.pixel_size import only_known, positive

SUMMARY = "Micro-Manager Summary"
"""Name of the annotation that keeps the whole summary."""


def size_from_summary(summary: Mapping[str, Any]) -> dict[str, float]:
    """Return the pixel size in micrometres, and the interval in seconds."""
    lateral = positive(summary.get("PixelSize_um")) or positive(summary.get("PixelSizeUm"))
    interval = positive(summary.get("Interval_ms")) or positive(summary.get("WaitInterval"))
    aspect = positive(summary.get("PixelAspect")) or 1.0
    return only_known(
        {
            "X": lateral,
            "Y": lateral and lateral * aspect,
            "Z": positive(summary.get("z-step_um")),
            "T": interval and interval / 1000,
        }
    )


def channels_of(summary: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the channels, or an empty tuple."""
    names = summary.get("ChNames")
    if isinstance(names, str):
        try:
            names = json.loads(names)
        except ValueError:
            return ()
    return tuple(map(str, names)) if isinstance(names, list) else ()


def as_annotation(summary: Mapping[str, Any]) -> dict[str, str]:
    """Return the whole summary as a text, by the name of its annotation."""
    return {SUMMARY: json.dumps(summary, ensure_ascii=False)}
