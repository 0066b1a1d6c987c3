"""The frames around a plane of a movie, with which its estimate is compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from muguet.image.axes import Layout
from muguet.movies import AUTO_WINDOW


@dataclass(frozen=True, eq=False)
class Frames:
    """Successive noisy frames ``(Y, X)`` in counts, and the position of the one that is judged among them."""

    planes: Sequence[npt.NDArray[Any]]
    middle: int


def frames_around(planes: npt.NDArray[Any], layout: Layout, n: int, channel: int) -> Frames | None:
    """Return the frames of one channel before and after a plane; None if the image is no series of frames.

    Parameters
    ----------
    planes
        The planes ``(n, c, *space)`` of the image.
    layout
        How its axes became planes.
    n, channel
        The plane that is judged, and its channel.
    """
    for sequence in layout.sequences():
        at = np.flatnonzero(sequence == n)
        if at.size and len(sequence) > 1:
            first = max(int(at[0]) - AUTO_WINDOW, 0)
            chosen = sequence[first : int(at[0]) + AUTO_WINDOW + 1]
            return Frames([planes[k, channel] for k in chosen], int(at[0]) - first)
    return None
