"""Store in an image of OME-Zarr what made it, beside all attributes of other programs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import zarr

ATTRIBUTE = "muguet"
"""Name of the attribute of an image's group: a list of what made it, of which the last entry is the newest."""


def add_provenance(group: zarr.Group, provenance: Mapping[str, Any]) -> None:
    """Add what made an image to the attributes of its group, unless it is there already or empty."""
    attributes = group.attrs.asdict()
    if provenance and dict(provenance) != read_provenance(attributes):
        group.attrs[ATTRIBUTE] = [*_history(attributes), dict(provenance)]


def read_provenance(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return what made an image, from the attributes of its group; empty if muguet did not make it."""
    for found in reversed(_history(attributes)):
        if isinstance(found, Mapping) and str(found.get("software", "")).startswith(f"{ATTRIBUTE} "):
            return {str(name): value for name, value in found.items() if isinstance(value, str | int)}
    return {}


def _history(attributes: Mapping[str, Any]) -> list[Any]:
    found = attributes.get(ATTRIBUTE)
    return list(found) if isinstance(found, list) else []
