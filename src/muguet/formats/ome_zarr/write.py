"""Create Zarr stores for images, with the metadata, labels and other groups of the input."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from muguet.formats.ome_zarr import create, ngff
from muguet.formats.ome_zarr.provenance import add_provenance
from muguet.formats.ome_zarr.store import Source
from muguet.formats.ome_zarr.target import StoredLevel, Target
from muguet.image.image import Image
from muguet.image.pixels import parts
from muguet.system.extras import require
from muguet.system.folders import replacing_folder

if TYPE_CHECKING:
    import zarr


@contextlib.contextmanager
def creating(path: Path, images: Sequence[Image]) -> Iterator[tuple[list[Target], list[str]]]:
    """Create a store for images, and yield where to write their pixels, and sentences about what is lost.

    The store appears at `path` when the `with` block ends without an error. The pixels of `images` are not used. Images
    that were read from OME-Zarr keep all its metadata, labels and other groups.
    """
    with replacing_folder(path) as folder:
        lost = create_store(folder, images)
        targets = open_targets(folder, images)
        yield targets, lost
        for target in targets:
            target.finish()


def create_store(folder: Path, images: Sequence[Image]) -> list[str]:
    """Create the groups and arrays for images in an empty folder; return sentences about what is lost."""
    zarr = require("zarr", "zarr", f"{folder}, the name of a Zarr store,")
    zarr_format = create.zarr_format_of(images[0])
    root = zarr.create_group(zarr.storage.LocalStore(folder), zarr_format=zarr_format, overwrite=True)
    sources = _sources(images)
    if sources:
        return _like_input(root, folder, images, sources, zarr_format)
    _anew(root, images, zarr_format)
    return []


def open_targets(folder: Path, images: Sequence[Image]) -> list[Target]:
    """Return where to write the pixels of images in a store that `create_store` made for them."""
    zarr = require("zarr", "zarr", f"{folder}, the name of a Zarr store,")
    sources = _sources(images)
    whole = bool(sources) and _are_all(sources)
    targets = []
    for number, image in enumerate(images):
        at = sources[number].group if whole else "" if len(images) == 1 else str(number)
        group = zarr.open_group(folder / at, mode="r+", use_consolidated=False)
        paths = [each["path"] for each in ngff.ome(group.attrs.asdict())["multiscales"][0]["datasets"]]
        levels = [StoredLevel(folder / at / path) for path in paths]
        axes = image.axes if sources else _axes_and_shape(image)[0]
        targets.append(Target(group, levels, image, axes, anew=not sources))
    return targets


def write(path: Path, images: Sequence[Image]) -> tuple[str, ...]:
    """Write images to one store; return sentences about metadata of the input that it does not hold."""
    with creating(path, images) as (targets, lost):
        for target, image in zip(targets, images, strict=True):
            for part in parts(image.data.shape, target.step):
                target.write(part, image.data[part])
    return tuple(lost)


def _sources(images: Sequence[Image]) -> list[Source]:
    """Return where the images were read from; an empty list if this does not describe all of them any more."""
    sources = [image.source for image in images]
    kept = [
        source
        for image, source in zip(images, sources, strict=True)
        if isinstance(source, Source)
        and (source.axes, source.shape) == (image.axes, image.data.shape)
        and dict(source.pixel_size) == dict(image.pixel_size)
        and source.channel_names == image.channel_names
    ]
    return kept if len(kept) == len(images) and len({source.root for source in kept}) == 1 else []


def _like_input(
    root: zarr.Group, folder: Path, images: Sequence[Image], sources: Sequence[Source], zarr_format: int
) -> list[str]:
    """Create the images as they lie in the input; return sentences about what is lost."""
    all_of_them, lost = _are_all(sources), list[str]()
    for number, (image, source) in enumerate(zip(images, sources, strict=True)):
        at = source.group if all_of_them else "" if len(images) == 1 else str(number)
        group = create.groups_like(root, source, at, zarr_format, all_of_them)
        add_provenance(group, image.provenance)
        create.arrays_like(group, folder / at, source, image.data.dtype, zarr_format)
        taken = [level.path.split("/")[0] for level in source.levels]
        lost += _copy_rest(source.root / source.group, folder / at, taken, source, zarr_format)
    root_of_images = sources[0].root
    if all_of_them and "" not in sources[0].siblings:
        taken = [group.split("/")[0] for group in sources[0].siblings]
        lost += _copy_rest(root_of_images, folder, taken, sources[0], zarr_format)
    elif not all_of_them:
        if len(images) > 1:
            _as_series(root, len(images), zarr_format)
        lost.append("The metadata of the whole store are not written, because it holds other images too.")
    return lost


def _are_all(sources: Sequence[Source]) -> bool:
    """Return whether images are all those of the store that they were read from, in its order."""
    return [source.group for source in sources] == list(sources[0].siblings)


def _copy_rest(old: Path, new: Path, taken: Sequence[str], source: Source, zarr_format: int) -> list[str]:
    """Copy labels, tables and all other groups and files beside the levels of a pyramid; return sentences."""
    lost: list[str] = []
    for each in sorted(old.iterdir()):
        if each.name in taken or each.name.startswith(".z") or each.name == "zarr.json":
            continue
        if zarr_format == source.zarr_format or each.name == "OME" or not each.is_dir():
            copy = shutil.copytree if each.is_dir() else shutil.copyfile
            copy(each, new / each.name)
            if zarr_format != source.zarr_format and each.is_dir():
                _convert_group(each, new / each.name, zarr_format)
        elif each.name == "labels":
            _convert(each, new / each.name, zarr_format)
        else:
            lost.append(f"The group {each.name} is not written, because the version of Zarr is another one.")
    return lost


def _convert_group(old: Path, new: Path, zarr_format: int) -> None:
    """Replace the metadata of a group by those of another version of Zarr; its files stay."""
    import zarr

    found: dict[str, Any] = dict(zarr.open_group(old, mode="r", use_consolidated=False).attrs.asdict())
    for name in (".zgroup", ".zattrs", "zarr.json"):
        (new / name).unlink(missing_ok=True)
    version = ngff.VERSIONS[zarr_format]
    if zarr_format == 3 and "series" in found:
        found = {"ome": {"version": version, **found}}
    elif zarr_format == 2 and "ome" in found:
        inner = dict(found.pop("ome"))
        inner.pop("version", None)
        found |= inner
    group = zarr.open_group(new, mode="a", zarr_format=create.as_format(zarr_format))
    group.attrs.update(found)


def _convert(old: Path, new: Path, zarr_format: int) -> None:
    """Copy a group with all its groups and arrays to another version of Zarr, values as they are."""
    import zarr

    source = zarr.open_group(old, mode="r", use_consolidated=False)
    target = zarr.open_group(new, mode="w", zarr_format=create.as_format(zarr_format))
    target.attrs.update(ngff.converted(source.attrs.asdict(), zarr_format))
    for name, array in source.arrays():
        copy = create.array_like(target, name, array, zarr_format)
        for part in parts(array.shape, array.shards or array.chunks):
            copy[part] = array[part]
    for name, _ in source.groups():
        _convert(old / name, new / name, zarr_format)


def _anew(root: zarr.Group, images: Sequence[Image], zarr_format: int) -> None:
    """Create images with new metadata; several are a series, as bioformats2raw lays them out."""
    for number, image in enumerate(images):
        group = root if len(images) == 1 else root.create_group(str(number))
        create.group_anew(group, image, *_axes_and_shape(image), zarr_format)
        add_provenance(group, image.provenance)
    if len(images) > 1:
        _as_series(root, len(images), zarr_format)


def _axes_and_shape(image: Image) -> tuple[str, list[int]]:
    """Return the axes and the shape of the array of a new image: in the order TCZYX, with S as a part of C."""
    sizes = dict(zip(image.axes, image.data.shape, strict=True))
    if "S" in sizes:
        sizes["C"] = sizes.pop("S") * sizes.get("C", 1)
    axes = "".join(letter for letter in "TCZYX" if letter in sizes)
    return axes, [sizes[letter] for letter in axes]


def _as_series(root: zarr.Group, number: int, zarr_format: int) -> None:
    """Write the metadata of a store that holds several images, named by their numbers."""
    root.attrs.update(ngff.converted({"bioformats2raw.layout": 3}, zarr_format))
    series: dict[str, Any] = {"series": [str(i) for i in range(number)]}
    version = ngff.VERSIONS[zarr_format]
    root.create_group("OME").attrs.update(
        {"ome": {"version": version, **series}} if zarr_format == 3 else series
    )
