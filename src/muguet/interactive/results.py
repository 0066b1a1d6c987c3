"""Results of a model on layers: where they are looked at, with neighbours that help, and complete at the end."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from threading import Event
from typing import TYPE_CHECKING

import numpy as np

from muguet.interactive.computation import Computation, computation
from muguet.interactive.messages import NEIGHBOURS, Advanced, Better, Complete, Message, Note
from muguet.interactive.source import Source, as_layers
from muguet.system.text import duration

if TYPE_CHECKING:
    from muguet.denoiser.denoiser import Denoiser
    from muguet.neighbours.series import Neighbours

MAX_RESULT = 2**28
"""Pixels of layers in memory whose result is computed completely at the end; of larger ones, what is looked at."""

SHOW_EVERY = 0.25
"""Seconds between two messages about the progress."""


def found_neighbours(denoiser: Denoiser, source: Source) -> Generator[Message, None, Neighbours]:
    """Find which planes of layers help each other, see `find`, and yield the sentence about it."""
    from muguet.interactive.neighbours import find

    found = find(denoiser, source)
    if found.sentence:
        yield Note(found.sentence, NEIGHBOURS)
    return found


def better(
    denoiser: Denoiser,
    source: Source,
    coarse: Sequence[Computation],
    words: str,
    symmetries: int | None = 1,
    neighbours: Neighbours | None = None,
) -> Better:
    """Return the message that shows the results of a model.

    Parameters
    ----------
    denoiser, source
        The model and the finest level of the layers.
    coarse
        How coarser levels are computed.
    words
        What the model is, in a few words.
    symmetries, neighbours
        See `muguet.interactive.computation.computation`.
    """
    finest = computation(denoiser, source, symmetries, neighbours)
    return Better(denoiser, [finest, *coarse], words)


def is_completed(levels: Sequence[Source]) -> bool:
    """Return whether layers are denoised completely: lazy, multiscale and very large ones are where they are seen."""
    return len(levels) == 1 and levels[0].in_memory and levels[0].pixels <= MAX_RESULT


def complete(
    denoiser: Denoiser, levels: Sequence[Source], words: str, stop: Event | None = None
) -> Iterator[Message]:
    """Denoise all planes of layers, as `muguet.denoise` does, if they are denoised completely; yield what happens."""
    from muguet.image.planes import ArrayPlanes
    from muguet.image.screen import screen
    from muguet.interactive.neighbours import find

    if not is_completed(levels):
        yield Complete(None, words)
        return
    source = levels[0]
    layout = source.layout()
    corrected = denoiser.correction(screen(layout.join(source.whole()), layout), layout)
    planes = ArrayPlanes(corrected.screened.values, layout)
    neighbours = find(denoiser, source, planes, at_once=True)
    if neighbours.sentence:
        yield Note(neighbours.sentence, NEIGHBOURS)
    result = np.empty(layout.shape, denoiser.dtype)
    started, shown_at = time.monotonic(), 0.0
    for share in denoiser.denoise_planes(planes, ArrayPlanes(result, layout), None, neighbours):
        now = time.monotonic()
        if stop is not None and stop.is_set():
            yield Complete(None, f"{words} Stopped: planes are denoised where they are looked at.")
            return
        if now - shown_at >= SHOW_EVERY and share < 1:
            shown_at = now
            left = (now - started) * (1 - share) / share
            yield Advanced(share, f"Denoising, {duration(left)} left")
    corrected.screened.restore(result)
    counts = None if corrected.removed is None else layout.split(corrected.screened.values)
    every = as_layers(source, layout.split(result))
    yield Complete(every, words, counts, computation(denoiser, source, None, neighbours))
