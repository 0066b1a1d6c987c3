"""Find the images of a Zarr store: OME-Zarr, plates, the layout of bioformats2raw, and plain arrays."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from muguet.errors import MuguetError
from muguet.formats.lazy import LazyImage, lazy_image, numbers_of
from muguet.formats.network import address_of, network_store
from muguet.formats.ome_zarr import ngff
from muguet.formats.ome_zarr.levels import (
    Level,
    Stored,
    dimension_names,
    levels_of,
    missing_chunks,
    storage_of,
)
from muguet.formats.ome_zarr.provenance import read_provenance
from muguet.image.axes import LETTERS, guess, parse
from muguet.system.atomic import reason
from muguet.system.extras import require

if TYPE_CHECKING:
    import zarr

MARKS = ("zarr.json", ".zgroup", ".zarray")
"""Every group and every array of Zarr has one of these files."""

_MAX_DEPTH = 3  # Images are searched in groups up to this depth if the metadata do not name them.


@dataclass(frozen=True, eq=False)
class Source:
    """Where an image lies in a store: this is the `source` of an image read from OME-Zarr.

    Attributes
    ----------
    root
        The folder of the store.
    group
        Path of the group of the image in the store; an empty string: the store itself.
    zarr_format
        Version of Zarr, 2 or 3.
    levels
        The arrays of the pyramid, full resolution first.
    axes, shape, dtype, pixel_size, channel_names
        What the image was when it was read; the axes are empty if the user gave other ones.
    siblings
        The groups of all images of the store.
    """

    root: Path
    group: str
    zarr_format: int
    levels: tuple[Level, ...]
    axes: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    pixel_size: Mapping[str, float]
    channel_names: tuple[str, ...]
    siblings: tuple[str, ...]


def is_zarr(path: Path) -> bool:
    """Return True if a folder is a group or an array of Zarr."""
    return path.is_dir() and any((path / mark).is_file() for mark in MARKS)


def is_zipped_zarr(path: Path) -> bool:
    """Return True if a file is a ZIP archive whose root is a group or an array of Zarr."""
    try:
        with zipfile.ZipFile(path) as archive:
            return not set(MARKS).isdisjoint(archive.namelist())
    except (OSError, zipfile.BadZipFile):
        return False


def open_all(path: Path, axes: str | None, scenes: Sequence[str] | None) -> tuple[LazyImage, ...]:
    """Open the images of a store at full resolution.

    Raises
    ------
    MuguetError
        If the store holds no image, an array of a pyramid is missing, or the levels contradict each other.
    """
    zarr = require("zarr", "zarr", f"{path} is a Zarr store, which")
    address = address_of(path)
    if address is not None:
        store = network_store(address)
    elif path.is_file():
        store = zarr.storage.ZipStore(path, mode="r", read_only=True)
    else:
        store = zarr.storage.LocalStore(path, read_only=True)
    try:
        node = zarr.open(store, mode="r", use_consolidated=False)
    except Exception as error:  # Damaged metadata raise nearly any exception.
        if address is not None:
            raise MuguetError(
                f"{address} is no Zarr store or cannot be reached: check the address and the network "
                f"({reason(error)})"
            ) from error
        raise MuguetError(
            f"{path} is a Zarr store with damaged metadata: export it again ({reason(error)})"
        ) from error
    if isinstance(node, zarr.Array):
        numbers_of(scenes, [""], path)
        return (_plain(node, path, axes, "", ()),)
    groups = list(_groups(node))
    if groups:
        names = [_scene_name(node[group] if group else node, group) for group in groups]
        names = names if len(set(names)) == len(names) else groups
        several = len(groups) > 1
        return tuple(
            _image(
                node[groups[i]] if groups[i] else node,
                path,
                axes,
                names[i] if several else "",
                groups[i],
                groups,
            )
            for i in numbers_of(scenes, names, path)
        )
    arrays = [
        (name, array)
        for name, array in sorted(node.arrays(), key=lambda each: each[0])
        if array.ndim >= 2 and array.dtype.kind in "buif"
    ]
    if not arrays:
        raise MuguetError(
            f"{path} is a Zarr store without an image: give the folder of an array or of an image"
        )
    names = [name for name, _ in arrays]
    several = len(names) > 1
    notes = (
        ["The store has no metadata of OME-Zarr: each of its arrays is read as an image."] if several else []
    )
    return tuple(
        _plain(arrays[i][1], path, axes, names[i] if several else "", notes)
        for i in numbers_of(scenes, names, path)
    )


def _groups(root: zarr.Group) -> Iterator[str]:
    """Yield the paths of the groups that hold an image: the root, those that the metadata name, or all."""
    entries = ngff.ome(root.attrs.asdict())
    if "multiscales" in entries:
        yield ""
        return
    plate = entries.get("plate")
    if isinstance(plate, Mapping):
        for well in plate.get("wells") or ():
            group = root[str(well["path"])]
            for field in (ngff.ome(group.attrs.asdict()).get("well") or {}).get("images") or ():
                yield f"{well['path']}/{field['path']}"
        return
    series = ngff.ome(root["OME"].attrs.asdict()).get("series") if "OME" in root else None
    if isinstance(series, list):
        yield from (str(each) for each in series if str(each) in root)
        return
    yield from _search(root, "", _MAX_DEPTH)


def _search(group: zarr.Group, path: str, depth: int) -> Iterator[str]:
    members = sorted(group.groups(), key=lambda each: (len(each[0]), each[0]))
    for name, member in members:
        if "multiscales" in ngff.ome(member.attrs.asdict()):
            yield f"{path}{name}"
        elif depth > 1 and name != "labels":
            yield from _search(member, f"{path}{name}/", depth - 1)


def _scene_name(group: zarr.Group, path: str) -> str:
    try:
        first = ngff.ome(group.attrs.asdict())["multiscales"][0]
        return str(first.get("name") or path)
    except (KeyError, IndexError, TypeError, AttributeError):
        return path


def _image(
    group: zarr.Group, path: Path, axes: str | None, name: str, at: str, siblings: Sequence[str]
) -> LazyImage:
    """Return the image of a group with the metadata of OME-Zarr."""
    attributes = group.attrs.asdict()
    where = f"{path}/{at}" if at else str(path)
    arrays = levels_of(group, attributes, where)
    full = arrays[0][1]
    try:
        found = ngff.multiscale(attributes, full.ndim)
    except MuguetError as error:
        raise MuguetError(f"{where} cannot be read, {error}: correct its metadata") from None
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise MuguetError(
            f"{where} has metadata that are not those of OME-Zarr: export it again ({reason(error)})"
        ) from error
    levels = tuple(Level(each, a.shape, a.chunks, a.shards) for each, a in arrays)
    notes = []
    missing = (
        "" if address_of(path) else missing_chunks(full)
    )  # The files of a network store cannot be listed.
    if missing:
        notes.append(missing)
    if not path.is_dir():
        notes.append("Labels, tables and attributes of other programs do not come back from such a store.")
    kind = f"ome-zarr {found.version or ngff.VERSIONS[group.metadata.zarr_format]}"
    letters = found.axes if {"Y", "X"} <= set(found.axes) or axes is not None else guess(full.shape)
    source = Source(
        path,
        at,
        group.metadata.zarr_format,
        levels,
        letters if axes in (None, letters) else "",
        full.shape,
        np.dtype(full.dtype),
        {},
        (),
        tuple(siblings),
    )
    image = lazy_image(
        Stored(full),
        letters,
        path,
        axes,
        pixel_size=found.pixel_size,
        channel_names=found.channel_names,
        kind=kind,
        name=name,
        notes=notes,
        source=source,
        storage=storage_of(levels),
        chunks=full.shards or full.chunks,
    )
    about = replace(image.about, provenance=read_provenance(attributes))
    source = replace(source, pixel_size=about.pixel_size, channel_names=about.channel_names)
    return replace(image, about=replace(about, source=source if path.is_dir() else None))


def _plain(
    array: zarr.Array[Any], path: Path, axes: str | None, name: str, notes: Sequence[str]
) -> LazyImage:
    """Return the image in an array without the metadata of OME-Zarr."""
    names = dimension_names(array)
    letters = "".join(str(each).upper() for each in names)
    found = [*notes]
    if len(letters) != array.ndim or set(letters) - set(LETTERS) or not {"X", "Y"} <= set(letters):
        try:
            letters = guess(array.shape) if axes is None else parse(axes, array.ndim)
        except MuguetError as error:
            raise MuguetError(f"{path}: {error}") from None
        if axes is None and array.ndim > 2:
            found.append(f"The array does not name its axes: {letters} is assumed, --axes gives other ones.")
    missing = "" if address_of(path) else missing_chunks(array)
    if missing:
        found.append(missing)
    level = Level("", array.shape, array.chunks, array.shards)
    return lazy_image(
        Stored(array),
        letters,
        path,
        axes,
        kind="zarr",
        name=name,
        notes=found,
        storage=storage_of((level,)),
        chunks=array.shards or array.chunks,
    )
