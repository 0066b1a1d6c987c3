"""How long the denoising of a file takes on this machine, and how much memory: estimated before it is begun."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from muguet.system.budget import memory_for_images
from muguet.system.text import duration

if TYPE_CHECKING:
    from muguet.formats.lazy import LazyImage

_TILE = 192  # Rows and columns of the tile whose estimate is timed.
_OVERLAP = 1.5  # Tiles are computed with their halo, so that pixels are computed 1.5 times.
_START = 5.0  # Seconds in which the program starts, reads a small image and measures its noise.
_PROGRAM = 0.5e9  # Bytes of Python, PyTorch and the network.
_PER_PIXEL = 20  # Bytes that a pixel takes in memory beside the image and its result.
_FIRST = 60.0  # A first result that takes longer than this is not written.
_MINUTES = 5.0  # The longest training without --minutes.
_EIGHT = 2**22  # Images of at most this number of pixels are averaged over eight views.
_NETWORKS = 2  # A result is a weighted mean of the trained network and of the prior.


def estimate(images: Sequence[LazyImage], in_zarr: bool) -> dict[str, Any]:
    """Return the estimated cost of `muguet denoise` with its default options for all images of a file.

    Parameters
    ----------
    images
        The images.
    in_zarr
        Whether the result is a Zarr store, to which blocks are written without a temporary file.

    Returns
    -------
    dict
        `first_result_seconds` (None: there is none), `training_seconds` (at most), `result_seconds` (the prediction
        after the training), `memory_bytes`, `temporary_bytes` on the disk, `block_by_block`, and `device`.
    """
    pixels = sum(each.about.data.size for each in images)
    size = sum(each.nbytes for each in images)
    rate, device = _seconds_per_pixel()
    needed = _PER_PIXEL * pixels + 2 * size
    limit = memory_for_images(None)
    streamed = needed > limit
    first = _START + rate * pixels
    views = sum(each.about.data.size * (8 if each.about.data.size <= _EIGHT else 1) for each in images)
    return {
        "first_result_seconds": None if streamed or first > _FIRST else first,
        "training_seconds": 60 * _MINUTES,
        "result_seconds": _NETWORKS * rate * views,
        "memory_bytes": _PROGRAM + min(needed, limit),
        "temporary_bytes": size if streamed and not in_zarr else 0,
        "block_by_block": streamed,
        "device": device,
    }


def described(cost: dict[str, Any]) -> str:
    """Return an estimate as a sentence."""
    first, last = cost["first_result_seconds"], cost["training_seconds"] + cost["result_seconds"]
    words = [
        "there is no first result" if first is None else f"about {duration(first)} for the first result",
        f"at most about {duration(last)} for the final one, of which {duration(cost['training_seconds'])} are "
        "training (--minutes)",
        f"{_gigabytes(cost['memory_bytes'])} of memory",
    ]
    if cost["block_by_block"]:
        words[-1] += ", block by block (--memory)"
    if cost["temporary_bytes"]:
        words.append(f"{_gigabytes(cost['temporary_bytes'])} on the disk for a temporary file")
    text = "; ".join(words)
    return text[0].upper() + text[1:] + "."


def _gigabytes(size: float) -> str:
    return f"{size / 1e9:.2g} GB" if size < 1e10 else f"{size / 1e9:.0f} GB"


def _seconds_per_pixel() -> tuple[float, str]:
    """Return the time that the prior takes for one pixel, measured on a small tile, and the device."""
    import torch

    from muguet.restoration.prior import load_prior
    from muguet.system.device import find_device, seconds_on

    device = find_device("auto")
    net = load_prior().to(device)
    tile = torch.zeros((1, 1, _TILE, _TILE), device=device)
    times = []
    with torch.inference_mode():
        for _ in range(3):
            started = seconds_on(device)
            net(tile)
            times.append(seconds_on(device) - started)
    return _OVERLAP * min(times) / tile.numel(), str(device)
