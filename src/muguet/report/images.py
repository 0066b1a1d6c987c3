"""Pictures of a report, as PNG inside the page: the whole plane, a crop at full resolution, and a blur beside it."""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from muguet.figures.style import Floats
from muguet.figures.views import (
    Part,
    block_averaged,
    block_side,
    contrast,
    length_label,
    most_varied_part,
    scale_bar_length,
)
from muguet.report.blur import MatchingBlur, blurred_part, matching_blur

# All pictures of a page have at most this many bytes. Base64 makes 2.9 MB of them, which leaves room for the charts
# below 5 MB. Noise does not compress: a pixel takes about one byte.
_MAX_BYTES = 2_200_000
_MAX_CROP_SIDE = 512  # pixels
_MAX_WHOLE_SIDE = 640  # pixels
_CROP_SHARE = 0.6  # The crops take at most this share of a plane's bytes; the whole plane takes the rest.
_DETAIL_SIDE = 64  # The magnifier shows this many pixels in each direction.
_EDGE_SIDE = 96  # The pictures around an edge show this many pixels in each direction.
_RESIDUAL_SIGMAS = 3  # A residual is white (black) at this many standard deviations above (below) zero.
_MAX_BAR_SHARE = 0.3  # The scale bar takes at most this share of a picture's width.


@dataclass(frozen=True)
class Picture:
    """A grey picture for an ``img`` element of the page; missing pixels are transparent.

    Attributes
    ----------
    name
        The title of the picture: Noisy, Denoised, Noisy − denoised, or Gaussian blur.
    source
        The PNG as a data URI.
    width, height
        Size of the picture in pixels.
    is_residual
        Whether the picture shows a difference, for which the middle grey is zero.
    """

    name: str
    source: str
    width: int
    height: int
    is_residual: bool = False


@dataclass(frozen=True)
class Pictures:
    """Noisy plane, denoised plane and residual as pictures, and the numbers that belong to them.

    Attributes
    ----------
    wholes
        The three whole planes, averaged down; empty if the crops show the whole plane.
    crops
        The part of the three planes in which values vary most, at full resolution.
    facts
        Contrast, size of the residual, positions and scale bars, as values that JSON can hold.
    beside
        The surroundings of the strongest edge: noisy, denoised, and behind the Gaussian blur that removes as much
        noise; empty where there is no such blur or edge.
    blur
        That blur; None: there is none.
    """

    wholes: tuple[Picture, ...]
    crops: tuple[Picture, ...]
    facts: dict[str, Any]
    beside: tuple[Picture, ...] = ()
    blur: MatchingBlur | None = None


def pictures(noisy: Floats, estimate: Floats, pixel_size: float | None, n_channels: int = 1) -> Pictures:
    """Return the pictures of a noisy and a denoised plane ``(Y, X)``.

    Noisy and denoised share one contrast, from the 0.1th to the 99.9th percentile of the denoised plane. The
    residual is grey at zero and shown to ±3 of its standard deviations; the averaged residual, which is smaller, to
    ±3 standard deviations of its own.

    Parameters
    ----------
    noisy, estimate
        Planes of one shape; missing pixels are NaN.
    pixel_size
        Micrometres per pixel, for scale bars; None: no scale bars.
    n_channels
        Number of channels on the page, which share its maximal size.
    """
    max_bytes = _MAX_BYTES / (3 * n_channels)
    crop_side = int(min(_MAX_CROP_SIDE, math.sqrt(_CROP_SHARE * max_bytes)))
    whole_side = int(min(_MAX_WHOLE_SIDE, math.sqrt(max_bytes - crop_side**2)))
    crop = most_varied_part(estimate, (crop_side, crop_side))
    residual = noisy - estimate
    low, high = contrast(estimate)
    std = _std(residual)
    facts: dict[str, Any] = {
        "shape": list(noisy.shape),
        "pixel_size_um": pixel_size,
        "contrast": [low, high],
        "residual_std": std,
        "residual_white": _RESIDUAL_SIGMAS * std,
        "crop": _place(crop, noisy.shape, pixel_size),
    }
    crop_planes = [plane[crop] for plane in (noisy, estimate, residual)]
    crops = _three(crop_planes, (low, high), std)
    facts["detail"] = _place(
        most_varied_part(crop_planes[1], (_DETAIL_SIDE, _DETAIL_SIDE)), crop_planes[1].shape, pixel_size
    )
    wholes: tuple[Picture, ...] = ()
    if crop_planes[0].shape != noisy.shape:
        small = [block_averaged(plane, whole_side) for plane in (noisy, estimate, residual)]
        wholes = _three(small, (low, high), _std(small[2]))
        facts["whole"] = {
            "averaged": block_side(noisy, whole_side),
            "residual_white": _RESIDUAL_SIGMAS * _std(small[2]),
            "bar": scale_bar(noisy.shape[1], pixel_size),
        }
    blur = matching_blur(noisy, estimate)
    if blur is None or blur.edge is None:
        return Pictures(wholes, crops, facts)
    part = _around(blur.edge.centre, noisy.shape)
    origin = (part[0].start, part[1].start)
    facts["blur"] = blur.facts() | {
        "place": _place(part, noisy.shape, pixel_size),
        "line": [[end[1] - origin[1] + 0.5, end[0] - origin[0] + 0.5] for end in blur.edge.ends],
    }
    shown = {
        "Noisy": noisy[part],
        "Denoised": estimate[part],
        "Gaussian blur": blurred_part(noisy, blur.sigma, part),
    }
    beside = tuple(
        Picture(name, data_uri(plane, low, high), *plane.shape[::-1]) for name, plane in shown.items()
    )
    return Pictures(wholes, crops, facts, beside, blur)


def _around(centre: tuple[float, float], shape: tuple[int, ...]) -> Part:
    """Return the part of a plane of that shape around a point, moved where it would reach beyond the border."""
    starts = [
        min(max(round(at) - _EDGE_SIDE // 2, 0), max(size - _EDGE_SIDE, 0))
        for at, size in zip(centre, shape, strict=True)
    ]
    rows, columns = (
        slice(start, start + min(_EDGE_SIDE, size)) for start, size in zip(starts, shape, strict=True)
    )
    return rows, columns


def scale_bar(width: int, pixel_size: float | None) -> dict[str, Any] | None:
    """Return the label of a scale bar and its length relative to the width of a picture; None without a pixel size."""
    if not pixel_size:
        return None
    length = scale_bar_length(_MAX_BAR_SHARE * width * pixel_size)
    return {"label": length_label(length), "share": length / (width * pixel_size)}


def _place(part: Part, shape: tuple[int, ...], pixel_size: float | None) -> dict[str, Any]:
    """Return position and size of a part in a plane of that shape, in pixels from the top left."""
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
        Picture(
            "Noisy − denoised",
            data_uri(residual, -_RESIDUAL_SIGMAS * std, _RESIDUAL_SIGMAS * std),
            width,
            height,
            True,
        ),
    )


def data_uri(plane: Floats, low: float, high: float) -> str:
    """Return a plane as PNG in a data URI, see `png`."""
    return "data:image/png;base64," + base64.b64encode(png(plane, low, high)).decode("ascii")


def png(plane: Floats, low: float, high: float, level: int = 9) -> bytes:
    """Return a plane as PNG: 256 greys, black at `low`, white at `high`, transparent if not finite.

    `level` is the effort of the compression, from 0 to 9.
    """
    import imagecodecs

    finite = np.isfinite(plane)
    grey = np.clip(255 * (np.where(finite, plane, low) - low) / (high - low), 0, 255).round().astype(np.uint8)
    if not finite.all():
        grey = np.stack([grey, np.where(finite, 255, 0).astype(np.uint8)], axis=-1)
    return bytes(imagecodecs.png_encode(np.ascontiguousarray(grey), level=level))


def _std(residual: Floats) -> float:
    finite = residual[np.isfinite(residual)]
    return (float(finite.std()) if finite.size else 0.0) or 1.0
