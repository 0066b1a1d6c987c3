"""The metadata of OME-Zarr (NGFF): read axes, scales, units and names, and convert between versions 0.4 and 0.5.

The specification is https://ngff.openmicroscopy.org. Version 0.5 holds the same entries as 0.4 within the attribute
`ome`, and stores arrays as Zarr version 3 instead of 2.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from muguet.errors import MuguetError
from muguet.formats.pixel_size import in_micrometres, in_seconds
from muguet.image.axes import LETTERS

VERSIONS = {2: "0.4", 3: "0.5"}
"""The version that is written in each version of Zarr."""

_ENTRIES = ("multiscales", "omero", "labels", "image-label", "plate", "well", "bioformats2raw.layout")


@dataclass(frozen=True)
class Multiscale:
    """What the metadata of an image say.

    Attributes
    ----------
    axes
        One letter of TCZYX for each axis.
    pixel_size
        Micrometres and seconds by axis; None: unknown.
    paths
        The paths of the arrays, full resolution first.
    channel_names
        Names of the channels, as far as they are there.
    name
        Name of the image.
    version
        Version of the metadata, such as 0.4; an empty string if it is not given.
    """

    axes: str
    pixel_size: Mapping[str, float | None]
    paths: tuple[str, ...]
    channel_names: tuple[str, ...]
    name: str
    version: str


def ome(attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the entries of OME-Zarr among the attributes of a group: those in `ome`, or all."""
    inner = attributes.get("ome")
    return inner if isinstance(inner, Mapping) else attributes


def multiscale(attributes: Mapping[str, Any], ndim: int) -> Multiscale:
    """Return what the attributes of a group say about its image.

    Parameters
    ----------
    attributes
        The attributes.
    ndim
        Number of axes of the array at full resolution.

    Raises
    ------
    KeyError, TypeError, ValueError, IndexError, AttributeError
        If the metadata are not as the specification wants them.
    """
    entries = ome(attributes)
    first = entries["multiscales"][0]
    axes = _axes(first.get("axes"), ndim)
    level = first["datasets"][0]
    scale = [1.0] * ndim
    for transformation in (
        *level.get("coordinateTransformations", ()),
        *first.get("coordinateTransformations", ()),
    ):
        if transformation.get("type") == "scale" and isinstance(transformation.get("scale"), list):
            scale = [a * float(b) for a, b in zip(scale, transformation["scale"], strict=True)]
    units = [axis.get("unit", "") if isinstance(axis, Mapping) else "" for axis in first.get("axes") or ()]
    units = units or [""] * ndim
    size = {
        letter: in_seconds(value, unit) if letter == "T" else in_micrometres(value, unit)
        for letter, value, unit in zip(axes, scale, units, strict=True)
        if letter in "TZYX"
    }
    channels = (entries.get("omero") or {}).get("channels") or ()
    return Multiscale(
        axes,
        size,
        tuple(str(each["path"]) for each in first["datasets"]),
        tuple(str(channel.get("label") or "") for channel in channels),
        str(first.get("name") or ""),
        str(entries.get("version") or first.get("version") or ""),
    )


def _axes(axes: Sequence[Any] | None, ndim: int) -> str:
    """Return one letter for each axis, from its name or its type; versions before 0.3 have no axes but TCZYX."""
    if not axes:
        return "TCZYX"[-ndim:]
    if len(axes) != ndim:
        raise MuguetError(f"its metadata name {len(axes)} axes, but its array has {ndim}")
    letters: list[str] = []
    for axis in axes:
        name, kind = (axis.get("name", ""), axis.get("type", "")) if isinstance(axis, Mapping) else (axis, "")
        letter = str(name).upper()
        if letter not in LETTERS or letter == "S" or len(letter) != 1:
            letter = {"channel": "C", "time": "T"}.get(str(kind), "?" if kind == "space" else "T")
        letters.append(letter)
    for letter in "XYZ":  # Axes of space with other names are ZYX in this order, as the specification has it.
        unnamed = [i for i, each in enumerate(letters) if each == "?"]
        if unnamed and letter not in letters:
            letters[unnamed[-1]] = letter
    if "?" in letters or len(set(letters)) < len(letters):
        raise MuguetError(f"the meaning of its axes {', '.join(map(str, axes))} is not known")
    return "".join(letters)


def converted(attributes: Mapping[str, Any], zarr_format: int) -> dict[str, Any]:
    """Return the attributes of a group as another version of OME-Zarr has them; all foreign entries are kept.

    Parameters
    ----------
    attributes
        Attributes of a group of version 0.4 or 0.5.
    zarr_format
        2: return those of version 0.4; 3: those of 0.5.
    """
    found = copy.deepcopy(dict(attributes))
    inner = found.pop("ome", None)
    entries = dict(inner) if isinstance(inner, Mapping) else {}
    for name in _ENTRIES:
        if name in found:
            entries[name] = found.pop(name)
    if not entries:
        return found
    version = VERSIONS[zarr_format]
    entries.pop("version", None)
    versioned = [*(entries.get("multiscales") or ())]
    versioned += [entries[name] for name in ("plate", "well", "image-label") if name in entries]
    for each in versioned:
        if isinstance(each, dict):
            each.pop("version", None)
            if zarr_format == 2:
                each["version"] = version
    return found | (entries if zarr_format == 2 else {"ome": {"version": version, **entries}})
