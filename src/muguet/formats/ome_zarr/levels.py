"""The arrays of a pyramid in a Zarr store: found, checked, described for people, and read."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from muguet.errors import MuguetError
from muguet.formats.ome_zarr import ngff
from muguet.image.pixels import Part
from muguet.system.atomic import reason

if TYPE_CHECKING:
    import zarr


@dataclass(frozen=True, eq=False)
class Level:
    """An array of a pyramid: its path in the group, shape, chunks and shards."""

    path: str
    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    shards: tuple[int, ...] | None


class Stored:
    """The pixels of an array of Zarr."""

    def __init__(self, array: zarr.Array[Any]) -> None:
        self.array, self.shape, self.dtype = array, array.shape, np.dtype(array.dtype)

    def __getitem__(self, part: Part, /) -> npt.NDArray[Any]:
        """Return the pixels of a part."""
        return np.asarray(self.array[part])


def levels_of(
    group: zarr.Group, attributes: Mapping[str, Any], where: str
) -> list[tuple[str, zarr.Array[Any]]]:
    """Return the paths and arrays of a pyramid, after a check that they are alike and become smaller."""
    import zarr

    try:
        paths = [str(each["path"]) for each in ngff.ome(attributes)["multiscales"][0]["datasets"]]
    except (KeyError, TypeError, IndexError) as error:
        raise MuguetError(f"{where} has a pyramid without levels in its metadata: export it again") from error
    arrays: list[tuple[str, zarr.Array[Any]]] = []
    for each in paths:
        try:
            array = group[each]
        except Exception as error:  # Damaged metadata raise nearly any exception.
            raise MuguetError(
                f"{where} lacks the level {each} of its pyramid, or it is damaged: copy it again ({reason(error)})"
            ) from error
        if not isinstance(array, zarr.Array):
            raise MuguetError(
                f"{where} has a group, not an array, at the level {each} of its pyramid: export it again"
            )
        arrays.append((each, array))
    if not arrays:
        raise MuguetError(f"{where} has a pyramid without levels in its metadata: export it again")
    for (larger, a), (smaller, b) in itertools.pairwise(arrays):
        if (
            a.ndim != b.ndim
            or a.dtype != b.dtype
            or any(m < n for m, n in zip(a.shape, b.shape, strict=True))
        ):
            raise MuguetError(
                f"{where} has a pyramid whose levels contradict each other: level {larger} is "
                f"{'×'.join(map(str, a.shape))} {a.dtype}, and level {smaller} is "
                f"{'×'.join(map(str, b.shape))} {b.dtype}: export it again"
            )
    return arrays


def dimension_names(array: zarr.Array[Any]) -> list[str]:
    """Return the names of the axes, as Zarr 3 stores them or as xarray does in Zarr 2."""
    stored = array.metadata.to_dict().get("dimension_names")
    names = stored or array.attrs.asdict().get("_ARRAY_DIMENSIONS") or ()
    return [str(name) for name in names] if isinstance(names, list | tuple) else []


def storage_of(levels: Sequence[Level]) -> dict[str, Any]:
    """Return how the pixels are stored, for people."""
    facts: dict[str, Any] = {"chunks": list(levels[0].chunks)}
    if levels[0].shards is not None:
        facts["shards"] = list(levels[0].shards)
    if len(levels) > 1:
        facts["levels"] = [f"{level.path}: {'×'.join(map(str, level.shape))}" for level in levels]
    return facts


def missing_chunks(array: zarr.Array[Any]) -> str:
    """Return a sentence about the chunks that are not in the store; an empty string if all are."""
    stored = array.shards or array.chunks
    each = math.prod(stored) // math.prod(array.chunks)
    there = array.nchunks_initialized // each
    total = math.prod(-(-size // part) for size, part in zip(array.shape, stored, strict=True))
    if there >= total:
        return ""
    part = "shards" if array.shards is not None else "chunks"
    return (
        f"{total - there} of {total} {part} are not in the store: their pixels are read as the fill value "
        f"{array.fill_value}."
    )
