"""Runs in the background: denoise layers with the prior at once, then train, and yield ever better models."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import numpy as np

from muguet.errors import MuguetError
from muguet.interactive.computation import Computation, computation
from muguet.interactive.messages import Advanced, Message, Note
from muguet.interactive.results import SHOW_EVERY, better, complete, found_neighbours, is_completed
from muguet.interactive.source import Source
from muguet.system.text import duration

if TYPE_CHECKING:
    from muguet.denoiser.denoiser import Denoiser
    from muguet.training.data import Dataset
    from muguet.training.session import Session

MINUTES = 5.0
"""Longest training, as that of the command line."""

MAX_PIXELS = 2**24
"""Pixels that are read for training: of larger layers, blocks that are spread over them."""

_SIDE = 256  # The first model is fitted to so many rows and columns of the shown plane, which takes a second or two.
_SMALL = _SIDE**2  # Up to so many pixels, the first result needs no model of its own.
_SEARCHED = 2**22  # In planes of up to so many pixels, the first model takes the part that varies most.
_BETTER_EVERY = 15.0  # Seconds between two better results, at least.
_BETTER_SHARE = 0.1  # Better results take at most this share of the time.


def denoise(
    levels: Sequence[Source],
    shown: int = 0,
    stop: Event | None = None,
    minutes: float = MINUTES,
    steps: int | None = None,
) -> Iterator[Message]:
    """Denoise layers by a model that is trained on them, see `train`, and yield what happens.

    The last message has the complete result of layers in memory, which is that of `muguet.denoise`.
    """
    denoiser, words = yield from train(levels, shown, stop, minutes, steps)
    yield from complete(denoiser, levels, words)


def train(
    levels: Sequence[Source],
    shown: int = 0,
    stop: Event | None = None,
    minutes: float = MINUTES,
    steps: int | None = None,
) -> Generator[Message, None, tuple[Denoiser, str]]:
    """Train a model on layers, and yield what happens.

    The first model is the shipped prior with the noise law of the shown plane. The next one has the law of all planes,
    and frames of a movie or planes of a stack help each other if that lowers the error. Training then yields better
    ones.

    Parameters
    ----------
    levels
        The layers; of multiscale layers, all levels from the finest to the coarsest.
    shown
        The sample that is looked at.
    stop
        Set by the user to end the training; the best model so far is then used.
    minutes, steps
        Length of the training, see `muguet.fit`.

    Returns
    -------
    denoiser, words
        The trained model, and the outcome in a sentence or two.

    Raises
    ------
    MuguetError
        If the layers cannot be denoised; the message gives the reason.
    """
    from muguet.training.fitting import prepare
    from muguet.training.fitting import steps as advance

    source, stop = levels[0], stop or Event()
    yield Advanced(None, "Looking at the image …")
    coarse = [_coarse(level) for level in levels[1:]]
    if source.pixels > _SMALL:
        yield from _first(source, coarse, shown)
    yield Advanced(None, "Measuring the noise …")
    dataset, note = training_set(source)
    yield from (Note(text) for text in [note, *dataset.notes] if text)
    session = prepare(dataset, minutes=minutes, steps=steps)
    yield from (Note(text) for text in _notes(session) if text)
    neighbours = None
    if source.samples > 1:
        neighbours = yield from found_neighbours(session.denoiser(), source)
    if (source.pixels <= _SMALL and session.first_laws) or (neighbours and neighbours.helps):
        words = "the first result, before training"
        yield better(session.denoiser(), source, coarse, words, neighbours=neighbours)
    updated, cost, shown_at = time.monotonic(), 0.0, 0.0
    for progress in advance(session):
        now = time.monotonic()
        if stop.is_set():
            break
        if now - shown_at >= SHOW_EVERY:
            shown_at = now
            words = f"Training: step {progress.step}, {duration(progress.seconds_left)} left"
            yield Advanced(progress.step / max(progress.total, 1), words, _held_out(session))
        if now - updated > max(_BETTER_EVERY, cost / _BETTER_SHARE) and not session.finished:
            words = f"after {_count(progress.step, 'step')}"
            yield better(session.denoiser(), source, coarse, words, neighbours=neighbours)
            updated, cost = time.monotonic(), time.monotonic() - now
    yield Advanced(None, "Measuring the noise with the trained model …", _held_out(session))
    denoiser = session.denoiser()
    stopped = ", stopped" if stop.is_set() else session.schedule.remark()
    words = f"after {_count(session.step, 'step')} in {duration(session.seconds)}{stopped}"
    if not is_completed(levels):
        neighbours = yield from found_neighbours(denoiser, source)
    yield better(denoiser, source, coarse, words, None, neighbours)
    return denoiser, f"Trained {words.removeprefix('after ')}. {_outcome(denoiser)}".strip()


def apply(denoiser: Denoiser, levels: Sequence[Source], stop: Event | None = None) -> Iterator[Message]:
    """Denoise layers by a model that there is, and yield what happens.

    Raises
    ------
    MuguetError
        If the model does not fit the layers.
    """
    source = levels[0]
    if denoiser.parts.dimensions != 2:
        raise MuguetError(
            "this model treats stacks as volumes, which layers are not denoised as: use it on the command line, "
            "with muguet denoise --model"
        )
    if denoiser.parts.channels != source.channels:
        raise MuguetError(
            f"the model has {_count(denoiser.parts.channels, 'channel')} and the chosen layers have {source.channels}: "
            "choose as many layers as the model has channels, or denoise these layers anew"
        )
    yield Advanced(None, "Applying the model …")
    coarse = [_coarse(level) for level in levels[1:]]
    yield better(denoiser, source, coarse, "by the model", symmetries=None)
    if not is_completed(levels):
        neighbours = yield from found_neighbours(denoiser, source)
        if neighbours.helps:
            yield better(denoiser, source, coarse, "by the model", None, neighbours)
    yield from complete(denoiser, levels, f"The model was applied to {', '.join(source.names)}.", stop)


def warm_up() -> None:
    """Import what the first result needs, and then its figures, while the user still looks at the image."""
    import muguet.training.fitting

    with contextlib.suppress(ImportError):
        import matplotlib.backends.backend_agg  # noqa: F401
    import muguet.interactive.neighbours
    import muguet.report.gather  # noqa: F401


def load(path: Path) -> Denoiser:
    """Read a model file.

    Raises
    ------
    MuguetError
        If the file is missing, damaged or no model.
    """
    from muguet.denoiser.model_file import load as load_model

    return load_model(path)


def training_set(source: Source) -> tuple[Dataset, str]:
    """Return the training set of the layers, and a sentence if they are too large to be read completely."""
    from muguet.image.axes import Layout
    from muguet.training.blocks import Blocks
    from muguet.training.data import collect
    from muguet.training.planes import Sample

    name = source.names[0] if len(source.names) == 1 else "the chosen layers"
    if source.pixels <= MAX_PIXELS:
        layout = source.layout()
        return collect([Sample(layout.join(source.whole()), layout.axes, name)]), ""
    layout = Layout("TCYX", (source.samples, source.channels, *source.space))
    blocks = Blocks(source.block, layout, MAX_PIXELS)
    array = blocks.sample()
    share = array.size / source.pixels
    return collect(
        [Sample(array, blocks.axes, name)]
    ), f"{share:.2g} of the pixels, in blocks, are used for training."


def _first(source: Source, coarse: Sequence[Computation], shown: int) -> Iterator[Message]:
    """The first result of large layers, by a model of the centre of the shown plane."""
    try:
        yield better(_prior(source, shown), source, coarse, "the first result, before training")
    except MuguetError as error:
        yield Note(f"There is no first result before training: {error}.")


def _prior(source: Source, n: int) -> Denoiser:
    """The prior with the noise law of a part of one sample, which has dark and bright pixels where that is possible."""
    from muguet.figures.views import most_varied_part
    from muguet.training.data import collect
    from muguet.training.fitting import prepare
    from muguet.training.planes import Sample

    pixels = source.centre(n, _SIDE)
    if math.prod(source.space) <= _SEARCHED:
        part = most_varied_part(source.read(n, 0).astype(np.float64), (_SIDE, _SIDE))
        pixels = np.stack([source.read(n, c, part) for c in range(source.channels)])
    return prepare(collect([Sample(pixels, "CYX", source.names[0])]), minutes=0).denoiser()


def _coarse(level: Source) -> Computation:
    """How a coarser level of a multiscale layer is denoised: by the prior, as its noise differs from the finest."""
    from muguet.prediction.regions import Cut

    n = level.samples // 2
    try:
        return computation(_prior(level, n), level)
    except MuguetError:  # A level of a few pixels, or one without noise, is shown as it is.
        return Computation(lambda values, _: values.astype(np.float32), Cut.whole(level.space))


def _notes(session: Session) -> Iterator[str]:
    """Sentences about the noise that was measured before training."""
    from muguet.training import correlated_noise

    yield correlated_noise.describe(
        session.correlation, session.parts.reach or (), False, session.whitenings, session.white
    )
    for law in session.first_laws:
        if law.doubt:
            yield (
                f"The noise law cannot be measured on this image before training: {law.doubt}. The first result "
                "assumes noise of the same size at every signal."
            )


def _held_out(session: Session) -> tuple[tuple[float, float], ...]:
    return tuple((record["step"], record["held_out"]) for record in session.history)


def _outcome(denoiser: Denoiser) -> str:
    return str(denoiser.training.get("outcome", {}).get("sentence", ""))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
