"""Create the groups and arrays of a store: those of an input with the same metadata, or new ones in OME-Zarr."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from muguet.formats.ome_zarr import ngff
from muguet.formats.ome_zarr.levels import Level
from muguet.formats.ome_zarr.pyramid import level_factors
from muguet.formats.ome_zarr.store import Source
from muguet.image.image import Image

if TYPE_CHECKING:
    import zarr

_UNITS = {"T": "second", "Z": "micrometer", "Y": "micrometer", "X": "micrometer"}
_TYPES = {"T": "time", "C": "channel"}  # All other axes are space.
_CHUNK, _SHARD = 512, 2048  # Rows and columns of a chunk, and of a shard.
_COLOURS = ("00FF00", "FF00FF", "00FFFF", "FFFF00", "FF0000", "0000FF")
_LOSSLESS = {
    *("blosc", "zstd", "gzip", "zlib", "lz4", "lzma", "bz2", "shuffle", "delta"),
    *("bytes", "endian", "transpose", "crc32c", "sharding_indexed"),
}
_ARRAY_FILES = {2: (".zarray", ".zattrs"), 3: ("zarr.json",)}
_CONFIG: Any = {"write_empty_chunks": True}  # So that a chunk that is missing is one that was not written.


def zarr_format_of(image: Image) -> int:
    """Return the version of Zarr in which to write an image: that of its version of OME-Zarr, and 3 for others."""
    name, _, version = image.kind.partition(" ")
    return 2 if name == "ome-zarr" and version.startswith("0.") and version < "0.5" else 3


def groups_like(
    root: zarr.Group, source: Source, at: str, zarr_format: int, attributes_of_root: bool
) -> zarr.Group:
    """Create the group of an image, and the groups above it, with all attributes of the input.

    Parameters
    ----------
    root
        The new store.
    source
        Where the image lies in the input.
    at
        Path of the image in the new store.
    zarr_format
        Version of Zarr of the new store.
    attributes_of_root
        Whether the paths are those of the input, so that the groups above the image have attributes too.
    """
    import zarr

    old = zarr.open_group(source.root, mode="r", use_consolidated=False)

    def attributes(path: str) -> dict[str, Any]:
        found = dict((old[path] if path else old).attrs.asdict())
        same = zarr_format == source.zarr_format
        return found if same else ngff.converted(found, zarr_format)

    names = at.split("/") if at else []
    for depth in range(len(names)) if attributes_of_root else ():
        path = "/".join(names[:depth])
        group = _group(root, path)
        group.attrs.update(attributes(path))
    group = _group(root, at)
    group.attrs.update(attributes(source.group))
    return group


def _group(root: zarr.Group, path: str) -> zarr.Group:
    """Return a group, which is created with those above it if it does not exist."""
    group = root
    for name in filter(None, path.split("/")):
        group = group.require_group(name)
    return group


def arrays_like(
    group: zarr.Group, folder: Path, source: Source, dtype: np.dtype[Any], zarr_format: int
) -> None:
    """Create the arrays of a pyramid with the shapes, chunks, shards and compression of the input.

    Parameters
    ----------
    group, folder
        The new group of the image, and its folder.
    source
        Where the image lies in the input.
    dtype
        Data type of the new pixels.
    zarr_format
        Version of Zarr of the new store.
    """
    same = zarr_format == source.zarr_format and dtype == source.dtype.newbyteorder("=")
    for level in source.levels:
        old = source.root / source.group / level.path
        if same and _is_lossless(old, zarr_format):
            _group(group, level.path.rpartition("/")[0])
            new = folder / level.path
            new.mkdir(parents=True, exist_ok=True)
            for name in _ARRAY_FILES[zarr_format]:
                if (old / name).is_file():
                    shutil.copyfile(old / name, new / name)
        else:
            _new_array(group, level, source.axes, dtype, zarr_format)


def open_for_writing(folder: Path) -> zarr.Array[Any]:
    """Open an array in which every shard that is written becomes a file, an empty one too."""
    import zarr

    return zarr.open_array(folder, mode="r+").with_config(_CONFIG)


def as_format(number: int) -> Any:
    """Return a version of Zarr as its library wants it, which is a literal 2 or 3."""
    return number


def array_like(group: zarr.Group, name: str, array: zarr.Array[Any], zarr_format: int) -> zarr.Array[Any]:
    """Create an array of the shape, chunks and data type of another one, in another version of Zarr."""
    level = Level(name, array.shape, array.chunks, array.shards)
    return _new_array(group, level, "", array.dtype, zarr_format)


def _is_lossless(folder: Path, zarr_format: int) -> bool:
    """Return True if all codecs of an array are known to keep every value."""
    stored = json.loads((folder / _ARRAY_FILES[zarr_format][0]).read_text())
    if zarr_format == 2:
        names = [each["id"] for each in (stored.get("compressor"), *(stored.get("filters") or ())) if each]
        return set(names) <= _LOSSLESS
    return {name.removeprefix("numcodecs.") for name in _codecs(stored.get("codecs"))} <= _LOSSLESS


def _codecs(codecs: Any) -> list[str]:
    names: list[str] = []
    for each in codecs or ():
        names.append(each["name"] if isinstance(each, Mapping) else str(each))
        if isinstance(each, Mapping):
            names += _codecs(each.get("configuration", {}).get("codecs"))
    return names


def _new_array(
    group: zarr.Group, level: Level, axes: str, dtype: np.dtype[Any], zarr_format: int
) -> zarr.Array[Any]:
    parent, _, name = level.path.rpartition("/")
    array: zarr.Array[Any] = _group(group, parent).create_array(
        name,
        shape=level.shape,
        dtype=dtype,
        chunks=level.chunks,
        shards=level.shards if zarr_format == 3 else None,
        fill_value=0,
        chunk_key_encoding={"name": "default" if zarr_format == 3 else "v2", "separator": "/"},
        dimension_names=[letter.lower() for letter in axes] if zarr_format == 3 and axes else None,
        config=_CONFIG,
    )
    return array


def group_anew(group: zarr.Group, image: Image, axes: str, shape: Sequence[int], zarr_format: int) -> None:
    """Create the arrays of a pyramid with new metadata of OME-Zarr.

    Parameters
    ----------
    group
        The group of the image.
    image
        The image: data type, pixel size, names.
    axes, shape
        Axes in the order of OME-Zarr, a part of TCZYX, and the shape in this order.
    zarr_format
        Version of Zarr: 2 for OME-Zarr 0.4, 3 for 0.5.
    """
    scale = [float(image.pixel_size.get(letter, 1.0)) for letter in axes]
    every = level_factors(axes, shape, scale)
    levels = []
    for number, by in enumerate(every):
        size = tuple(-(-n // f) for n, f in zip(shape, by, strict=True))
        levels.append(Level(str(number), size, *_chunks(axes, size)))
    datasets = []
    for level, by in zip(levels, every, strict=True):
        transformations: list[dict[str, Any]] = [
            {"type": "scale", "scale": [s * f for s, f in zip(scale, by, strict=True)]}
        ]
        if any(f > 1 for f in by):  # The centre of a block of pixels is not that of its first pixel.
            shift = [s * (f - 1) / 2 for s, f in zip(scale, by, strict=True)]
            transformations.append({"type": "translation", "translation": shift})
        datasets.append({"path": level.path, "coordinateTransformations": transformations})
    multiscale = {
        "name": image.name or (image.path.name if image.path else "image"),
        "axes": [_axis(letter, image) for letter in axes],
        "datasets": datasets,
        "type": "mean",
    }
    attributes: dict[str, Any] = {"multiscales": [multiscale]}
    channels = shape[axes.index("C")] if "C" in axes else 1
    if len(image.channel_names) == channels:
        attributes["omero"] = {"channels": _channels(image, channels)}
    group.attrs.update(ngff.converted(attributes, zarr_format))
    for level in levels:
        _new_array(group, level, axes, image.data.dtype, zarr_format)


def _axis(letter: str, image: Image) -> dict[str, str]:
    axis = {"name": letter.lower(), "type": _TYPES.get(letter, "space")}
    return axis | ({"unit": _UNITS[letter]} if letter in image.pixel_size else {})


def _chunks(axes: str, shape: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...] | None]:
    """Return the shape of chunks and of shards: tiles of single planes; None: planes are too small for shards."""
    chunks = tuple(min(_CHUNK, n) if a in "YX" else 1 for a, n in zip(axes, shape, strict=True))
    wide = {a: min(_SHARD, -(-n // c) * c) for a, n, c in zip(axes, shape, chunks, strict=True) if a in "YX"}
    if wide["Y"] <= _CHUNK and wide["X"] <= _CHUNK:
        return chunks, None
    return chunks, tuple(wide.get(a, 1) for a in axes)


def _channels(image: Image, number: int) -> list[dict[str, Any]]:
    """Return the settings with which OMERO shows the channels; the window is set when the pixels are there."""
    dtype = image.data.dtype
    low, high = (float(np.iinfo(dtype).min), float(np.iinfo(dtype).max)) if dtype.kind in "iu" else (0.0, 1.0)
    return [
        {
            "label": name,
            "color": "FFFFFF" if number == 1 else _COLOURS[i % len(_COLOURS)],
            "active": True,
            "window": {"min": low, "max": high, "start": low, "end": high},
        }
        for i, name in enumerate(image.channel_names)
    ]


def set_windows(group: zarr.Group, smallest: zarr.Array[Any], axes: str) -> None:
    """Set the window in which OMERO shows each channel from the values of the smallest level."""
    attributes = group.attrs.asdict()
    channels = (ngff.ome(attributes).get("omero") or {}).get("channels")
    if not channels:
        return
    values = np.asarray(smallest[...])
    for number, channel in enumerate(channels):
        one = values.take(number, axes.index("C")) if "C" in axes else values
        finite = one[np.isfinite(one)]
        if finite.size:
            low, high = (float(each) for each in np.percentile(finite, (0.5, 99.8)))
            window = channel["window"]
            window |= {"start": low, "end": high if high > low else low + 1}
            if values.dtype.kind == "f":
                window |= {"min": float(finite.min()), "max": float(finite.max())}
    group.attrs.update(attributes)
