"""Judge a denoiser on an image: its predictions for hidden pixels, and its response to noise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch

from muguet.denoiser.denoiser import Denoiser
from muguet.image.screen import screened_plane
from muguet.image.values import fill_missing, quantum, unsaturated
from muguet.noise.correlated.whitening import Whitening
from muguet.noise.law import Law
from muguet.noise.numerics import extreme
from muguet.quality.card import Quality, quality
from muguet.quality.frames import Frames
from muguet.quality.frc import Response
from muguet.quality.held_out import HeldOut
from muguet.quality.image_checks import SOURCE, WHITE, check_source
from muguet.quality.normalised import centre
from muguet.quality.second_opinion import second_opinion
from muguet.quality.whitened import explained, whitened_pair
from muguet.restoration.blind import Grid, Mask

Floats = npt.NDArray[np.float64]

SIDE = 512
"""The network is run again on at most this many pixels along each axis, at the centre of a plane."""

SIDE_OF_STACKS = 192
"""The same for planes of a stack, several of which a network with three dimensions of space needs."""

_N_MASKS = 4
"""Number of random grids of hidden pixels."""

_N_DRAWS = 4
"""Number of draws of noise to which the response of the network is measured."""

_SHARE = 0.03
"""The image is changed by this share of a draw, because larger changes have a larger response."""


def examine(
    denoiser: Denoiser,
    noisy: npt.NDArray[np.generic],
    estimate: npt.NDArray[np.generic],
    channel: int = 0,
    frames: Frames | None = None,
) -> Quality:
    """Judge a denoiser's estimate of one plane ``(Y, X)`` of a channel, in camera counts.

    In addition to the checks that `quality` makes of any estimate, the network is run nine times on the central
    512×512 pixels: four times with a grid of hidden pixels, to test whether the law fits, and five times on the image
    and on the image with a little more noise, to measure its resolution. The image is also
    denoised by the shipped prior, for comparison. This takes about ten seconds on one core.

    Parameters
    ----------
    denoiser
        The denoiser. If it has three dimensions of space, its resolution is not measured, and pixels are hidden in the
        planes of `frames`.
    noisy, estimate
        The recorded plane and the denoiser's estimate of it; NaN marks missing pixels.
    channel
        The channel whose law and scaling are used.
    frames
        The planes around one of a movie or a stack, if they helped to make its estimate. The resolution is then not
        measured, as it follows from the response of the network to the noise of one plane.

    Raises
    ------
    MuguetError
        If the planes do not have one shape.
    """
    recorded, signal = (np.asarray(plane, dtype=np.float64) for plane in (noisy, estimate))
    correction, counts = denoiser.correction, denoiser.correction.plane(np.asarray(noisy), channel)
    recorded = np.asarray(counts, dtype=np.float64)
    law = denoiser.laws[channel] if denoiser.method.learns_law else None
    reach = denoiser.parts.reach or ()
    if denoiser.parts.dimensions != 2 or recorded.shape != signal.shape or recorded.ndim != 2:
        opinion = second_opinion(noisy, frames) if np.ndim(noisy) == 2 else None
        held_out = None
        if (
            denoiser.parts.dimensions == 3
            and frames is not None
            and law is not None
            and not extreme(recorded)
        ):
            held_out = blind(denoiser, np.stack(frames.planes), channel)
        return quality(noisy, estimate, law, held_out, reach=reach, opinion=opinion, correction=correction)
    recorded = screened_plane(recorded)
    if extreme(recorded):
        return quality(noisy, estimate, correction=correction)
    whitening = denoiser.whitening(channel)
    if whitening is not None:
        return _examine_white(denoiser, whitening, recorded, signal, channel, frames)
    found, opinion = None, second_opinion(noisy, frames)
    from_one = opinion is None or not opinion.uses_neighbours
    if law is not None and from_one and np.isfinite(signal).any():
        found = response(denoiser, centre(recorded, SIDE), centre(signal, SIDE), law, channel)
    # Before the first step of training there is a law of the noise alone, but none of hidden pixels.
    held_out = None if denoiser.untrained else blind(denoiser, counts, channel)
    return quality(noisy, estimate, law, held_out, found, reach, opinion, correction)


def _examine_white(
    denoiser: Denoiser,
    whitening: Whitening,
    recorded: Floats,
    signal: Floats,
    channel: int,
    frames: Frames | None,
) -> Quality:
    """Judge a denoiser of correlated noise on the whitened image, to which all checks apply as they are."""
    white, sharp = whitened_pair(whitening, recorded, signal)
    around = frames and replace(frames, planes=[whitening(fill_missing(each)) for each in frames.planes])
    card = examine(denoiser.of_white, white, sharp, channel, around)
    replaced = {SOURCE: check_source(recorded)}
    replaced |= {each.name: explained(each, whitening) for each in card.checks if each.name == WHITE}
    return replace(card, checks=tuple(replaced.get(each.name, each) for each in card.checks))


def response(denoiser: Denoiser, noisy: Floats, signal: Floats, law: Law, channel: int = 0) -> Response:
    """Measure how the network's estimate of one plane ``(Y, X)`` responds to noise.

    Parameters
    ----------
    denoiser, channel
        The network, and the channel whose scaling it uses.
    noisy, signal
        The recorded plane and an estimate of its signal, at which the law gives the size of the noise, in counts.
    law
        The law of the noise, in counts.
    """
    plane = fill_missing(noisy).astype(np.float64)
    std = np.asarray(law.std(fill_missing(signal).astype(np.float64)), np.float64)
    estimate = _answer(denoiser, plane, channel)
    draws = std * np.random.default_rng(0).normal(size=(_N_DRAWS, *plane.shape))
    changes = [(_answer(denoiser, plane + _SHARE * each, channel) - estimate) / _SHARE for each in draws]
    return Response(plane, std, estimate, draws, np.stack(changes))


def blind(denoiser: Denoiser, plane: npt.NDArray[np.generic], channel: int = 0) -> HeldOut:
    """Hide pixels of a plane ``(Y, X)``, or of a stack if the network has three dimensions, and return their estimates.

    The pixels of four random grids are hidden, one grid after the other. The estimates are not averaged over
    symmetries, and are in counts. Missing and saturated pixels are left out.
    """
    if plane.ndim == 3:
        cut = np.stack([screened_plane(centre(each.astype(np.float64), SIDE_OF_STACKS)) for each in plane])
    else:
        cut = screened_plane(centre(np.asarray(plane, dtype=np.float64), SIDE))
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
    """Return the network's estimate of a plane, seen once, in counts; with a mask, of a plane with hidden pixels."""
    scaling = denoiser.scalings[channel]
    filled = fill_missing(scaling.to_units(plane) if scaling.wide else plane)
    hidden: npt.NDArray[np.floating] = filled
    if mask is not None:
        hidden = _grid(denoiser).hide(torch.from_numpy(filled)[None, None], mask)[0, 0].numpy()
    if scaling.wide:
        hidden = scaling.to_counts(hidden.astype(np.float32))
    if mask is None:
        return denoiser.denoise_plane(hidden, channel, symmetries=1).astype(np.float64)
    return denoiser.denoise_plane(hidden, channel, symmetries=1, own=False).astype(np.float64)


def _grid(denoiser: Denoiser) -> Grid:
    """Return the grid of hidden pixels, as wide as the noise of the denoiser's images requires, for any training."""
    return Grid((5,), denoiser.parts.reach or ())
