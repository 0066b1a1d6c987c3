"""Pictures of a report: the whole plane made smaller, and a crop of which every pixel is there, as PNG in the page."""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from muguet.figures.style import Floats
from muguet.figures.views import (
    Part,
    contrast,
    length_label,
    liveliest,
    round_length,
    shrinkage,
    shrunk,
)

_BYTES = 2_200_000  # of all pictures of a page: base64 makes 2.9 MB of them, and charts need room below 5 MB
_LARGEST_CROP, _LARGEST_WHOLE = 512, 640  # pixels a side
_CROPS_SHARE = 0.6  # of a plane's bytes; noise does not compress, so that a pixel is about a byte
_DETAIL = 64  # pixels a side that the loupe shows
_SIGMAS = 3  # standard deviations of a residual from grey to white
_BAR = 0.3  # of a picture's width, the longest scale bar


@dataclass(frozen=True)
class Picture:
    """A grey picture for an `img` of the page; pixels without a value are transparent.

    Attributes
    ----------
    name
        What it shows: Noisy, Denoised, Noisy − denoised.
    source
        A data URI.
    width, height
        Pixels of the picture.
    is_residual
        Whether grey is zero, and black and white are counts below and above it.
    """

    name: str
    source: str
    width: int
    height: int
    is_residual: bool = False


@dataclass(frozen=True)
class Pictures:
    """Before, after and residual, three times each, and the numbers that belong to them.

    Attributes
    ----------
    wholes
        The whole plane, made smaller; none where the crops are the whole plane.
    crops
        Every pixel of the liveliest part.
    facts
        Contrast, residual, places and scale bars (JSON).
    """

    wholes: tuple[Picture, ...]
    crops: tuple[Picture, ...]
    facts: dict[str, Any]


def pictures(noisy: Floats, estimate: Floats, pixel_size: float | None, channels: int = 1) -> Pictures:
    """Pictures of a plane ``(Y, X)``, as large as a page of so many channels may hold.

    Noisy and denoised share one contrast, the 0.1th to the 99.9th percentile of the denoised plane; a residual is
    grey at zero and shown to ±3 of its standard deviations, the smaller one to ±3 of its own.
    """
    share = _BYTES / (3 * channels)
    largest = int(min(_LARGEST_CROP, math.sqrt(_CROPS_SHARE * share)))
    most = int(min(_LARGEST_WHOLE, math.sqrt(share - largest**2)))
    crop = liveliest(estimate, (largest, largest))
    residual = noisy - estimate
    low, high = contrast(estimate)
    std = _std(residual)
    facts: dict[str, Any] = {
        "shape": list(noisy.shape),
        "pixel_size_um": pixel_size,
        "contrast": [low, high],
        "residual_std": std,
        "residual_white": _SIGMAS * std,
        "crop": _place(crop, noisy.shape, pixel_size),
    }
    crop_planes = [plane[crop] for plane in (noisy, estimate, residual)]
    crops = _three(crop_planes, (low, high), std)
    facts["detail"] = _place(liveliest(crop_planes[1], (_DETAIL, _DETAIL)), crop_planes[1].shape, pixel_size)
    wholes: tuple[Picture, ...] = ()
    if crop_planes[0].shape != noisy.shape:
        small = [shrunk(plane, most) for plane in (noisy, estimate, residual)]
        wholes = _three(small, (low, high), _std(small[2]))
        facts["whole"] = {
            "averaged": shrinkage(noisy, most),
            "residual_white": _SIGMAS * _std(small[2]),
            "bar": scale_bar(noisy.shape[1], pixel_size),
        }
    return Pictures(wholes, crops, facts)


def scale_bar(width: int, pixel_size: float | None) -> dict[str, Any] | None:
    """A scale bar's label, and its length as a part of a picture that is so many pixels wide."""
    if not pixel_size:
        return None
    length = round_length(_BAR * width * pixel_size)
    return {"label": length_label(length), "share": length / (width * pixel_size)}


def _place(part: Part, shape: tuple[int, ...], pixel_size: float | None) -> dict[str, Any]:
    """Where a part lies in a plane of that shape: pixels from the top left."""
    rows, columns = part
    width, height = columns.stop - columns.start, rows.stop - rows.start
    return {
        "x": columns.start,
        "y": rows.start,
        "width": width,
        "height": height,
        "of": [shape[1], shape[0]],
        "bar": scale_bar(width, pixel_size),
    }


def _three(planes: list[Floats], ends: tuple[float, float], std: float) -> tuple[Picture, ...]:
    noisy, estimate, residual = planes
    height, width = noisy.shape
    return (
        Picture("Noisy", data_uri(noisy, *ends), width, height),
        Picture("Denoised", data_uri(estimate, *ends), width, height),
        Picture("Noisy − denoised", data_uri(residual, -_SIGMAS * std, _SIGMAS * std), width, height, True),
    )


def data_uri(plane: Floats, low: float, high: float) -> str:
    """A plane as PNG of 256 greys in a data URI, black at `low`, white at `high`, clear where it is not finite."""
    import imagecodecs

    known = np.isfinite(plane)
    grey = np.clip(255 * (np.where(known, plane, low) - low) / (high - low), 0, 255).round().astype(np.uint8)
    if not known.all():
        grey = np.stack([grey, np.where(known, 255, 0).astype(np.uint8)], axis=-1)
    coded = imagecodecs.png_encode(np.ascontiguousarray(grey), level=9)
    return "data:image/png;base64," + base64.b64encode(coded).decode("ascii")


def _std(residual: Floats) -> float:
    finite = residual[np.isfinite(residual)]
    return (float(finite.std()) if finite.size else 0.0) or 1.0
