"""Judge a denoiser on an image: its predictions for hidden pixels, and its estimates of two halves of the image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from muguet.denoiser import Denoiser
from muguet.image.values import fill_missing, quantum, unsaturated
from muguet.prediction.tiles import reflected
from muguet.quality.card import Quality, quality
from muguet.quality.frc import halves
from muguet.quality.held_out import HeldOut
from muguet.quality.normalised import centre
from muguet.restoration.blind import Grid, Mask

Floats = npt.NDArray[np.float64]

SIDE = 512
"""The network is run again on at most this many pixels along each axis, at the centre of a plane."""

_N_MASKS = 4
"""Number of random grids of hidden pixels."""


def examine(
    denoiser: Denoiser, noisy: npt.NDArray[np.generic], estimate: npt.NDArray[np.generic], channel: int = 0
) -> Quality:
    """Judge a denoiser's estimate of one plane ``(Y, X)`` of a channel, in camera counts.

    In addition to the checks that `quality` makes of any estimate, the network is run six times on the central
    512×512 pixels: four times with a grid of hidden pixels, to test whether the law fits, and on two halves of the
    image, to measure its resolution. This takes about five seconds on one core.

    Parameters
    ----------
    denoiser
        The denoiser. If it has three dimensions of space, only the checks that need no network are made.
    noisy, estimate
        The recorded plane and the denoiser's estimate of it; NaN marks missing pixels.
    channel
        The channel whose law and scaling are used.

    Raises
    ------
    MuguetError
        If the planes do not have one shape.
    """
    recorded, signal = (np.asarray(plane, dtype=np.float64) for plane in (noisy, estimate))
    law = denoiser.laws[channel] if denoiser.method.learns_law else None
    reach = denoiser.parts.reach or ()
    if denoiser.parts.dimensions != 2 or recorded.shape != signal.shape or recorded.ndim != 2:
        return quality(noisy, estimate, law, reach=reach)
    both = None
    if law is not None and np.isfinite(signal).any():
        y, x = centre(recorded, SIDE), fill_missing(centre(signal, SIDE)).astype(np.float64)
        first, second = halves(y, law.std(x).astype(np.float64))
        both = (_answer(denoiser, first, channel), _answer(denoiser, second, channel))
    return quality(noisy, estimate, law, blind(denoiser, noisy, channel), both, reach)


def blind(denoiser: Denoiser, plane: npt.NDArray[np.generic], channel: int = 0) -> HeldOut:
    """Hide pixels of one plane ``(Y, X)`` from the network, and return its estimates of them, in counts.

    The pixels of four random grids are hidden, one grid after the other. The estimates are not averaged over
    symmetries. Missing and saturated pixels are left out.
    """
    cut = centre(np.asarray(plane, dtype=np.float64), SIDE)
    known = np.isfinite(unsaturated(cut))
    generator = torch.Generator().manual_seed(0)
    recorded, signal = [], []
    for _ in range(_N_MASKS):
        mask = _grid(denoiser).draw(torch.Size((1, 1, *cut.shape)), generator)
        guess = _answer(denoiser, cut, channel, mask)
        recorded.append(cut[mask][known[mask]])
        signal.append(guess[mask][known[mask]])
    law = denoiser.learned_laws[channel] if denoiser.method.learns_law else None
    return HeldOut(np.concatenate(recorded), np.concatenate(signal), law, quantum(np.asarray(plane)))


def _answer(denoiser: Denoiser, plane: Floats, channel: int, mask: Mask | None = None) -> Floats:
    """The network's answer to a plane, once, in counts, with the pixels of a mask hidden."""
    scaling, net = denoiser.scalings[channel], denoiser.method.net
    units = torch.from_numpy(scaling.apply(fill_missing(plane)))[None, None].to(denoiser.device)
    with torch.inference_mode():
        own = None
        if mask is not None:
            units, own = _grid(denoiser).hide(units, mask), False
        whole = [torch.from_numpy(each) for each in _multiples(plane.shape, net.stride)]
        answer = denoiser.method.estimate(units[..., whole[0][:, None], whole[1]], own)[0, 0]
    counts = scaling.invert(answer.cpu().numpy().astype(np.float64))
    return counts[: plane.shape[0], : plane.shape[1]].astype(np.float64)


def _grid(denoiser: Denoiser) -> Grid:
    """Return the grid of hidden pixels, as wide as the noise of the denoiser's images requires, for any training."""
    return Grid((5,), denoiser.parts.reach or ())


def _multiples(shape: Sequence[int], stride: Sequence[int]) -> list[npt.NDArray[np.intp]]:
    """Indices of every axis, reflected beyond its end up to a multiple of the network's stride."""
    return [
        reflected(np.arange(-(-size // step) * step), size) for size, step in zip(shape, stride, strict=True)
    ]
