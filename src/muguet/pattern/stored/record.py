"""What was found of an image larger than memory, in JSON and files, for other processes and later runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from muguet.pattern.found import Found, LineNoise
from muguet.pattern.halves import Halves
from muguet.pattern.noisy_pixels import NoisyPixels
from muguet.pattern.shift import Shift
from muguet.pattern.stored.correction import StoredCorrection
from muguet.pattern.stored.removal import LineRule, Removal
from muguet.pattern.stored.screen import Screen

_FLAGS = ("whole", "screens", "missing_found")
_KINDS: dict[str, Any] = {
    "rows": LineNoise,
    "columns": LineNoise,
    "upper_lower": Halves,
    "left_right": Halves,
    "row_shift": Shift,
    "column_shift": Shift,
}


def to_record(stored: StoredCorrection, folder: Path, name: str) -> dict[str, Any]:
    """Return what was found, from which `from_record` sets it again.

    Parameters
    ----------
    stored
        The image.
    folder, name
        Maps of pixels are written to files in this folder whose names begin with `name`.
    """
    channels = []
    for c, each in enumerate(stored.removals):
        noisy = each.found.noisy_pixels
        maps = {
            "defects": each.defects,
            "standing": each.standing,
            "variance": None if noisy is None else noisy.variance,
        }
        given = {kind: values for kind, values in maps.items() if values is not None}
        for kind, values in given.items():
            np.save(folder / f"{name}-{c}-{kind}.npy", values)
        found = {kind: getattr(each.found, kind) for kind in _KINDS}
        channels.append(
            {
                "found": {kind: None if one is None else asdict(one) for kind, one in found.items()},
                "standing": [each.found.standing, each.found.standing_removed],
                "noisy_error": None if noisy is None else noisy.error,
                "maps": list(given),
                "rules": [_of_rule(rule) for rule in (each.rows, each.columns)],
                "levels": [_finite(stored.usual[c].low), _finite(stored.usual[c].high)],
            }
        )
    return {flag: getattr(stored, flag) for flag in _FLAGS} | {"channels": channels}


def from_record(stored: StoredCorrection, record: Mapping[str, Any], folder: Path, name: str) -> None:
    """Set in `stored` what `to_record` has returned; maps stay in their files until they are used."""
    for flag in _FLAGS:
        setattr(stored, flag, record[flag])
    for c, each in enumerate(record["channels"]):
        maps: dict[str, npt.NDArray[Any]] = {
            kind: np.load(folder / f"{name}-{c}-{kind}.npy", mmap_mode="r") for kind in each["maps"]
        }
        found = Found(
            **{kind: None if one is None else _KINDS[kind](**one) for kind, one in each["found"].items()},
            standing=each["standing"][0],
            standing_removed=each["standing"][1],
        )
        if "variance" in maps:
            found = replace(found, noisy_pixels=NoisyPixels(maps["variance"], each["noisy_error"]))
        rows, columns = map(_rule, each["rules"])
        stored.removals[c] = Removal(found, maps.get("defects"), maps.get("standing"), rows, columns)
        low, high = each["levels"]
        stored.usual[c] = Screen(-np.inf if low is None else low, np.inf if high is None else high)


def _of_rule(rule: LineRule | None) -> dict[str, Any] | None:
    if rule is None:
        return None
    stripes = None if rule.stripes is None else rule.stripes.tolist()
    return {"expected": rule.expected, "looked": list(rule.looked), "stripes": stripes}


def _rule(record: Mapping[str, Any] | None) -> LineRule | None:
    if record is None:
        return None
    stripes = None if record["stripes"] is None else np.array(record["stripes"])
    return LineRule(record["expected"], tuple(record["looked"]), stripes)


def _finite(level: float) -> float | None:
    return float(level) if np.isfinite(level) else None
