"""Which frames of a movie or planes of a stack in layers help each other; pixels are read when they are needed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from muguet.image.axes import Layout
from muguet.image.planes import Readable
from muguet.image.stored_planes import StoredPlanes
from muguet.interactive.source import Source
from muguet.neighbours.series import DEPTH, Neighbours
from muguet.quality.frames import Frames

if TYPE_CHECKING:
    from muguet.denoiser.denoiser import Denoiser
    from muguet.image.pixels import Part
    from muguet.image.planes import Region

TOO_MANY_AXES = (
    "Every plane is denoised by itself: which axes of the layer are time and depth is not clear. Label them t and z "
    "(double-click the name beside a slider of the viewer) so that neighbours help each other."
)
"""What is said of layers with more axes than time, depth and channels."""

_MAX_AROUND = 4  # The checks compare a plane with at most this many on each side.


def find(
    denoiser: Denoiser, source: Source, planes: Readable | None = None, at_once: bool = False
) -> Neighbours:
    """Decide which planes of layers help each other, see `muguet.Denoiser.find_neighbours`.

    A single axis without a label is taken for time, and for depth if its frames do not help each other.

    Parameters
    ----------
    denoiser
        The model.
    source
        The layers.
    planes
        Their planes, screened and corrected; None: they are read from the layers, and only some of them.
    at_once
        See `muguet.Denoiser.find_neighbours`.
    """
    if source.samples < 2:
        return Neighbours()
    if source.letters is None:
        return Neighbours(sentence=TOO_MANY_AXES)
    planes = planes or LayerPlanes(source)
    found = denoiser.find_neighbours(planes, source.layout(), at_once=at_once)
    if source.letters[1] and not found.helps:
        stack = denoiser.find_neighbours(planes, source.layout(DEPTH.letter), at_once=at_once)
        found = stack if stack.helps else found
    return found


class LayerPlanes(StoredPlanes):
    """The planes of layers, which the threads of several views read."""

    def __init__(self, source: Source) -> None:
        layout = source.layout()
        super().__init__(_reader(source, layout), layout, np.dtype(source.arrays[0].dtype))
        self._lock = threading.RLock()

    def read(self, n: int, c: int, region: Region) -> npt.NDArray[Any]:
        """Return a region of a plane, see `StoredPlanes.read`."""
        with self._lock:
            return super().read(n, c, region)


def _reader(source: Source, layout: Layout) -> Callable[[Part], npt.NDArray[Any]]:
    def read(part: Part) -> npt.NDArray[Any]:
        channels = part[layout.axes.index("C")]
        values = [
            [source.read(int(n), c, part[-2:]) for c in range(channels.start, channels.stop)]
            for n in layout.numbers(part)
        ]
        return np.array(values).reshape([each.stop - each.start for each in part])

    return read


@dataclass(frozen=True, eq=False)
class Shown:
    """The part of one plane that is looked at.

    Attributes
    ----------
    noisy, estimate
        Its counts, and how they are denoised.
    frames
        The planes around it, noisy; None: there are none.
    """

    noisy: npt.NDArray[Any]
    estimate: npt.NDArray[np.floating]
    frames: Frames | None = None


def frames_around(
    source: Source, neighbours: Neighbours | None, n: int, channel: int, part: Region
) -> Frames | None:
    """Return a part of the planes before and after sample `n`, along the axis that helps, or else time; None: no axis.

    Parameters
    ----------
    source, neighbours
        The layers, and which of their planes help each other.
    n, channel, part
        The sample, the channel, and rows and columns.
    """
    if source.letters is None or source.samples < 2:
        return None
    layout = source.layout(neighbours.letter if neighbours and source.letters[1] else "")
    axis = (neighbours.letter if neighbours else "") or layout.axes[0]
    sequence = next(each for each in layout.along(axis) if n in each)
    at = int(np.flatnonzero(sequence == n)[0])
    first = max(at - _MAX_AROUND, 0)
    chosen = sequence[first : at + _MAX_AROUND + 1]
    return Frames([source.read(int(k), channel, part) for k in chosen], at - first, axis)
