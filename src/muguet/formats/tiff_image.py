"""Read one image of an open TIFF: its pixels in the order of its axes, its metadata, and how it is stored."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from muguet.errors import MuguetError
from muguet.formats import micromanager
from muguet.formats.tiff_axes import axes_still_valid, checked, named, restored, stored_axes_of
from muguet.formats.tiff_capture import OpenFile, lossless, number_in_xml, stored_as
from muguet.formats.tiff_dialects import DTYPES, describe
from muguet.formats.tiff_provenance import read_history
from muguet.formats.tiff_scenes import Scene
from muguet.formats.tiff_stored import Source
from muguet.image.image import Image

if TYPE_CHECKING:
    import tifffile

_COLOURS = frozenset((2, 5, 6, 8))  # PhotometricInterpretation is RGB, CMYK, YCbCr or CIELAB.
# tifffile logs these if the list of pages ends early, a tag lies beyond the end of the file, or a stack is too short.
_DAMAGE = ("invalid page offset", "invalid value offset", "invalid or corrupted")


def read_scene(file: OpenFile, scene: Scene, override: str | None) -> Image:
    """Read an image of an open file.

    Parameters
    ----------
    file
        The file.
    scene
        Which image.
    override
        Axes that replace those in the file, or None.
    """
    path, first = file.path, scene.series[0]
    for series in scene.series:
        _refuse_incomplete(series, path, file.complaints)
    if first.dtype is None or first.dtype.name not in DTYPES:
        raise MuguetError(f"{path} has {first.dtype} pixels: convert them to 8, 16 or 32 bits, or to float")
    if not scene.axes or 0 in scene.shape:
        raise MuguetError(f"{path} holds no pixels (shape {scene.shape}): record or export it again")
    notes: list[str] = []
    description = describe(file.tif, scene.number, number_in_xml(file.tif, scene.number))
    data = _pixels(file, scene)
    stored_axes, names = scene.own_axes, stored_axes_of(scene)
    if description.axes and axes_still_valid(stored_axes, description.axes):
        arrangement, axes = restored(data.shape, stored_axes, description.axes)
    else:
        arrangement, axes = named(data.shape, names, override, path, notes)
    if override is not None:
        axes = checked(override, data, stored_axes, path)
    photometric = int(first.keyframe.photometric)
    if photometric == 3:
        notes.append("The image has a colour palette; its pixels were read as grey values.")
    if photometric == 0:
        notes.append(
            "The image is shown with low values bright (WhiteIsZero); its values were read as they are."
        )
    files = _files(scene, path)
    if len(files) > 1:
        notes.append(f"The image is spread over {len(files)} files, which were read together.")
    pixel_size, channel_names = dict(description.pixel_size), description.channel_names
    annotations: dict[str, str] = {}
    if file.summary and first.kind in ("mmstack", "ndtiff"):
        pixel_size |= micromanager.size_from_summary(file.summary)
        channel_names = micromanager.channels_of(file.summary)
        annotations = micromanager.as_annotation(file.summary)
    pixel_size = {letter: size for letter, size in pixel_size.items() if letter in axes}
    read_axes = axes if override is None or axes == names else ""
    source = Source(
        stored_as(file, scene),
        scene.axis,
        scene.position,
        arrangement,
        read_axes,
        pixel_size,
        channel_names,
    )
    return Image(
        data=arrangement.apply(data),
        axes=axes,
        pixel_size=pixel_size,
        path=path,
        kind="ome" if first.kind == "mmstack" else description.kind,
        compression=lossless(first.keyframe.compression),
        channel_names=channel_names,
        imagej=description.imagej,
        notes=tuple(notes),
        name=scene.name,
        annotations=annotations,
        provenance=read_history(source.stored.pages[0]),
        files=files,
        source=source,
    )


def _pixels(file: OpenFile, scene: Scene) -> npt.NDArray[Any]:
    """Return the pixels of a scene in the stored order; positions of one series share the array that was read."""
    key = id(scene.series[0])
    if key not in file.pixels:
        file.pixels.clear()  # Scenes follow each other in the order of the file.
        out = None if file.reads == "memory" else "memmap"
        if file.reads == "mapped" and (scene.series[0].dataoffset is None or len(scene.series) > 1):
            return np.broadcast_to(np.zeros((), scene.series[0].dtype), scene.own_shape)
        parts = [series.asarray(out=out) for series in scene.series]
        whole = (
            parts[0]
            if len(parts) == 1
            else np.concatenate([part.reshape(-1, *scene.shape[1:]) for part in parts])
        )
        file.pixels[key] = whole.reshape(scene.shape)
    whole = file.pixels[key]
    if scene.axis < 0:
        return whole
    one = whole[(slice(None),) * scene.axis + (scene.position,)]
    return one if file.reads != "memory" else np.ascontiguousarray(one)


def _files(scene: Scene, path: Path) -> tuple[Path, ...]:
    """Return the files that hold the pages of a scene, the one that was opened first."""
    names = {path.name: path}
    for series in scene.series:
        if series.is_multifile:
            for page in series:
                if page is not None:
                    names.setdefault(page.parent.filehandle.name, path.parent / page.parent.filehandle.name)
    return tuple(names.values())


def _refuse_incomplete(series: tifffile.TiffPageSeries, path: Path, complaints: list[str]) -> None:
    """Raise an error if a file lacks pixels or pages; tifffile would read the rest without an error."""
    damage = [line for line in complaints if any(word in line for word in _DAMAGE)]
    if damage:
        raise MuguetError(
            f"{path} is damaged or truncated: copy it again from where it was recorded ({damage[0]})"
        )
    if series.dataoffset is None:
        missing = sum(page is None or not _within_file(page) for page in series.pages)
        if missing:
            raise MuguetError(
                f"{path} lacks {missing} of its {len(series.pages)} planes: "
                "copy it again, with all files that belong to it"
            )


def _within_file(page: tifffile.TiffPage | tifffile.TiffFrame) -> bool:
    # A damaged size can declare millions of strips, which tifffile would fill with zeros one by one.
    if not page.is_contiguous and math.prod(page.chunked) > len(page.dataoffsets):
        return False
    end = max((a + n for a, n in zip(page.dataoffsets, page.databytecounts, strict=True)), default=0)
    return bool(end <= page.parent.filehandle.size)
