"""The planes around one of a movie or a stack, with which its estimate is compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from muguet.image.axes import Layout
from muguet.neighbours.movie_search import AUTO_WINDOW


@dataclass(frozen=True, eq=False)
class Frames:
    """Successive noisy planes ``(Y, X)`` along T or Z in counts, and the position of the one that is judged."""

    planes: Sequence[npt.NDArray[Any]]
    middle: int
    axis: str = "T"


def frames_around(planes: npt.NDArray[Any], layout: Layout, n: int, channel: int) -> Frames | None:
    """Return the planes of one channel before and after one, along T or else Z; None if the image has neither.

    Parameters
    ----------
    planes
        The planes ``(n, c, *space)`` of the image.
    layout
        How its axes became planes.
    n, channel
        The plane that is judged, and its channel.
    """
    for axis, every in (("T", layout.sequences()), ("Z", layout.stacks())):
        for sequence in every:
            at = np.flatnonzero(sequence == n)
            if at.size and len(sequence) > 1:
                first = max(int(at[0]) - AUTO_WINDOW, 0)
                chosen = sequence[first : int(at[0]) + AUTO_WINDOW + 1]
                return Frames([planes[k, channel] for k in chosen], int(at[0]) - first, axis)
    return None


def stack_around(volume: npt.NDArray[Any], z: int) -> Frames:
    """Return the planes before and after plane `z` of a volume ``(Z, Y, X)``."""
    first = max(z - AUTO_WINDOW, 0)
    return Frames(list(volume[first : z + AUTO_WINDOW + 1]), z - first, "Z")
