"""What a run in the background says to the interface."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from muguet.interactive.computation import Computation

if TYPE_CHECKING:
    from muguet.denoiser.denoiser import Denoiser


NEIGHBOURS = "neighbours"
"""The topic of notes on frames and planes that help each other."""


@dataclass(frozen=True)
class Note:
    """A sentence for the user, which replaces an earlier one on the same topic, if it has a topic."""

    text: str
    topic: str = ""


@dataclass(frozen=True, eq=False)
class Better:
    """A model that is better than the one before, and how its results are computed at each level of the layers.

    Attributes
    ----------
    denoiser
        The model.
    levels
        The computation of each level of a multiscale layer; of other layers, the only one.
    words
        What the model is, in a few words.
    """

    denoiser: Denoiser
    levels: Sequence[Computation]
    words: str


@dataclass(frozen=True)
class Advanced:
    """The progress of a run.

    Attributes
    ----------
    share
        The completed share, from 0 to 1; None: unknown.
    words
        What is being done, and the time left.
    held_out
        Steps and held-out losses so far.
    """

    share: float | None
    words: str
    held_out: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, eq=False)
class Complete:
    """The end of a run.

    Attributes
    ----------
    arrays
        The complete result of each layer; None: results are computed where they are looked at.
    words
        The outcome, in a sentence or two.
    counts
        The planes ``(n, c, y, x)`` that were denoised, if a pattern was subtracted from the layers first; else None.
    computation
        How `arrays` were computed, which the layers beside the result use; None if there are none.
    """

    arrays: tuple[npt.NDArray[Any], ...] | None
    words: str
    counts: npt.NDArray[Any] | None = None
    computation: Computation | None = None


Message = Note | Better | Advanced | Complete
