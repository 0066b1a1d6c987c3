"""The metadata of three TIFF dialects (plain, ImageJ and OME), read and written.

A file must be read as it was written, so this module holds both directions of each dialect.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from muguet.errors import MuguetError
from muguet.formats.ome_xml import parsed
from muguet.formats.pixel_size import (
    MICROMETRES,
    only_known,
    positive,
    size_from_imagej,
    size_from_lsm,
    size_from_ome,
    size_from_stk,
    size_from_tags,
)
from muguet.formats.tiff_provenance import HISTORY, PROGRAM, history, info, software
from muguet.formats.tiff_stored import Source
from muguet.image.image import Image

if TYPE_CHECKING:
    import tifffile

IMAGEJ_DTYPES = frozenset(("uint8", "uint16", "int16", "float32"))
OME_DTYPES = IMAGEJ_DTYPES | {"bool", "int8", "int32", "uint32", "float64"}
DTYPES = OME_DTYPES | {"float16"}
BIGTIFF_SUFFIXES = (".btf", ".tf2", ".tf8")
MAX_CLASSIC_BYTES = 2**32 - 2**25  # A classic TIFF holds 4 GiB: at most this for pixels, the rest for tags.

# Each dialect has its own order of axes and drops axes of size one. These keys store the original axes and sizes.
_AXES_KEY = "muguet_axes"
_SIZE_KEY = "muguet_pixel_size"

# Display settings and annotations of ImageJ. They stay valid because the output has the input's units.
_IMAGEJ_KEYS = ("mode", "min", "max", "LUTs", "Ranges", "Info", "Labels", "ROI", "Overlays")


@dataclass(frozen=True)
class Description:
    """The metadata of a file, in one form for all dialects."""

    kind: str
    pixel_size: Mapping[str, float]
    axes: str = ""  # In files written by muguet; otherwise empty.
    channel_names: tuple[str, ...] = ()
    imagej: Mapping[str, Any] = field(default_factory=dict)


def describe(tif: tifffile.TiffFile, index: int, image: int) -> Description:
    """Return the metadata of a series of a file of any dialect.

    Parameters
    ----------
    tif, index
        The file, and the number of the series.
    image
        Number of the element Image in OME-XML that describes it.
    """
    series = tif.series[index]
    page = series.keyframe
    if series.kind == "ome" and tif.ome_metadata:
        return _describe_ome(tif.ome_metadata, image)
    if series.kind == "imagej":
        meta = tif.imagej_metadata or {}
        kept = {key: meta[key] for key in _IMAGEJ_KEYS if key in meta}
        return Description("imagej", size_from_imagej(meta, page), str(meta.get(_AXES_KEY, "")), imagej=kept)
    if series.kind == "lsm":
        info = tif.lsm_metadata or {}
        names = (info.get("ChannelColors") or {}).get("ColorNames") or ()
        return Description("tiff", size_from_lsm(info), channel_names=tuple(names))
    if series.kind == "stk":
        return Description("tiff", size_from_stk(tif.stk_metadata or {}))
    shaped = tif.shaped_metadata or ()
    meta = shaped[index] if index < len(shaped) else {}
    sizes = meta.get(_SIZE_KEY)
    stored = only_known({a: positive(s) for a, s in sizes.items()}) if isinstance(sizes, dict) else None
    return Description(
        "tiff", size_from_tags(page) if stored is None else stored, str(meta.get(_AXES_KEY, ""))
    )


def _describe_ome(text: str, index: int) -> Description:
    root = parsed(text)
    images = root.findall("{*}Image")
    image = images[min(index, len(images) - 1)] if images else None
    pixels = image.find("{*}Pixels") if image is not None else None
    if image is None or pixels is None:
        return Description("ome", {})
    names = tuple(channel.get("Name", "") for channel in pixels.findall("{*}Channel"))
    own = {reference.get("ID") for reference in image.findall("{*}AnnotationRef")}
    axes = [
        entry.text or ""
        for annotation in root.iterfind("{*}StructuredAnnotations/{*}MapAnnotation")
        for entry in annotation.iterfind(".//{*}M")
        if entry.get("K") == _AXES_KEY and annotation.get("ID") in own
    ]
    return Description(
        "ome", size_from_ome(pixels.attrib), axes[0] if axes else "", names if any(names) else ()
    )


def stored_order(image: Image) -> tuple[npt.NDArray[Any], str]:
    """Return data and axes in the order that all dialects accept: TZCYXS for colour, TZCSYX otherwise."""
    order = "TZCYXS" if _is_colour(image) else "TZCSYX"
    axes = "".join(letter for letter in order if letter in image.axes)
    return image.data.transpose([image.axes.index(letter) for letter in axes]), axes


def _is_colour(image: Image) -> bool:
    return (
        "S" in image.axes
        and image.data.shape[image.axes.index("S")] in (3, 4)
        and image.data.dtype.name in ("uint8", "uint16")
    )


def _dialect(path: Path, image: Image, several: bool) -> str:
    """Return the dialect in which to store the image: ``"ome"``, ``"imagej"`` or ``"tiff"``."""
    dtype = image.data.dtype.name
    samples = "S" in image.axes
    if dtype not in DTYPES:
        raise MuguetError(
            f"{path} cannot be written with {dtype} pixels: convert them to 8, 16 or 32 bits, or to float"
        )
    ome = dtype in OME_DTYPES and (not samples or _is_colour(image))
    if path.stem.lower().endswith(".ome"):
        if not ome:
            raise MuguetError(
                f"{path} cannot be written, because OME-TIFF cannot store {dtype} with axes {image.axes}: "
                f"end the name in .tif without .ome"
            )
        return "ome"
    if (image.kind == "ome" or several) and ome:
        return "ome"
    if several:
        return "tiff"  # An ImageJ TIFF holds one image.
    lateral = {"X", "Y"} & set(image.pixel_size)
    imagej = (
        dtype in IMAGEJ_DTYPES
        and (not samples or (dtype == "uint8" and _is_colour(image)))
        # tifffile mistakes a single column for samples, and writes the rows as columns.
        and image.data.shape[image.axes.index("X")] > 1
        # ImageJ has one unit for all axes, so it cannot store a depth without a width and a height.
        and (len(lateral) == 2 or not {"X", "Y", "Z"} & set(image.pixel_size))
    )
    if imagej and image.data.nbytes <= MAX_CLASSIC_BYTES:
        return "imagej"
    return "ome" if imagej and ome else "tiff"


def options(path: Path, image: Image, axes: str, several: bool = False) -> dict[str, Any]:
    """Return the keyword arguments of ``tifffile.imwrite`` for an image, alone in its file or one of several."""
    dialect = _dialect(path, image, several)
    metadata = {"axes": axes}
    white_is_zero = isinstance(image.source, Source) and image.source.stored.photometric == 0
    metadata |= {"ome": _ome_metadata, "imagej": _imagej_metadata, "tiff": _plain_metadata}[dialect](image)
    keywords: dict[str, Any] = {
        "photometric": "rgb" if _is_colour(image) else "miniswhite" if white_is_zero else "minisblack",
        "metadata": metadata,
        "ome": dialect == "ome",
        "imagej": dialect == "imagej",
        "bigtiff": image.data.nbytes > MAX_CLASSIC_BYTES or path.suffix.lower() in BIGTIFF_SUFFIXES,
    }
    if image.provenance:
        before = image.source.stored.pages[0] if isinstance(image.source, Source) else {}
        tag = history(image.provenance, before)
        keywords["software"] = software(image.provenance, before).encode()
        keywords["extratags"] = [(HISTORY, tag.dtype, tag.count, tag.value, True)]
    if image.compression:
        keywords["compression"] = image.compression
        # ImageJ's own reader supports the predictor for 8 and 16 bits only.
        small = image.data.dtype.kind in "iu" and image.data.dtype.itemsize <= 2
        keywords["predictor"] = small and image.compression != "packbits"
    unit = 1.0 if dialect == "imagej" else MICROMETRES["cm"]
    resolution = [unit / image.pixel_size[letter] for letter in "XY" if letter in image.pixel_size]
    # TIFF stores a resolution as a fraction of 32-bit integers, which cannot hold values beyond these limits.
    if len(resolution) == 2 and all(1e-6 < value < 2**32 for value in resolution):
        keywords["resolution"] = tuple(resolution)
        keywords["resolutionunit"] = "NONE" if dialect == "imagej" else "CENTIMETER"
    return keywords


def _plain_metadata(image: Image) -> dict[str, Any]:
    name = {"name": image.name} if image.name else {}
    return {_AXES_KEY: image.axes, _SIZE_KEY: dict(image.pixel_size), **name}


def _imagej_metadata(image: Image) -> dict[str, Any]:
    kept = dict(image.imagej)
    if "S" in image.axes:
        kept.pop("mode", None)  # A colour image has only one mode.
    if image.axes != "".join(letter for letter in "TZCYXS" if letter in image.axes):
        kept.pop("Labels", None)  # The labels follow the order of the planes, which has changed.
    sizes = image.pixel_size
    kept |= {"unit": "micron"} if "X" in sizes else {}
    kept |= {"spacing": sizes["Z"]} if "Z" in sizes else {}
    kept |= {"finterval": sizes["T"]} if "T" in sizes else {}
    if image.provenance:
        kept["Info"] = info(str(kept.get("Info", "")), image.provenance)
    return kept | {_AXES_KEY: image.axes}


def _ome_metadata(image: Image) -> dict[str, Any]:
    sizes = image.pixel_size
    annotations: list[dict[str, Any]] = [{_AXES_KEY: image.axes, **image.annotations}]
    if image.provenance:
        facts = {name: str(value) for name, value in image.provenance.items()}
        annotations.append({"Namespace": PROGRAM, "Value": facts})
    metadata: dict[str, Any] = {"MapAnnotation": annotations}
    if image.name:
        metadata["Name"] = image.name
    for letter in "XYZ":
        if letter in sizes:
            metadata |= {f"PhysicalSize{letter}": sizes[letter], f"PhysicalSize{letter}Unit": "µm"}
    if "T" in sizes:
        metadata |= {"TimeIncrement": sizes["T"], "TimeIncrementUnit": "s"}
    channels = image.data.shape[image.axes.index("C")] if "C" in image.axes else 1
    if len(image.channel_names) == channels:
        metadata["Channel"] = {"Name": list(image.channel_names)}
    return metadata
