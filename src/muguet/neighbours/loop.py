"""The loop over the planes of movies and stacks: each is computed from itself and from planes before and after it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from muguet.image.planes import Planes
from muguet.neighbours.series import Series
from muguet.prediction.regions import Cut
from muguet.prediction.tiles import tiles

_PIXELS = 2**23  # A part of a series that is held at once has about this many pixels.
_MIN_FRAMES = 8  # It has at least this many planes beside its neighbours.


class SeriesFunction(Protocol):
    """Function that estimates planes of a region of a series."""

    def __call__(
        self, values: npt.NDArray[np.generic], channel: int, series: Series, held: slice, wanted: slice, /
    ) -> npt.NDArray[np.floating]:
        """Return the results ``(wanted, *space)`` of some planes from the values ``(held, *space)`` of those held.

        Several results of each plane, ``(wanted, results, *space)``, are for `muguet.image.Several` planes.
        """


def map_series(
    function: SeriesFunction,
    source: Planes,
    into: Planes,
    cut: Cut,
    of_channels: Sequence[Sequence[Series]],
) -> Iterator[float]:
    """Apply a function to every region of all planes, write the results, and yield the completed share.

    Parameters
    ----------
    function
        Function of the values of a region with its halo in consecutive planes.
    source, into
        Planes of the same shape ``(n, c, *space)``.
    cut
        The sizes of the regions, see `muguet.prediction.map_regions`.
    of_channels
        The movies or stacks of each channel, which together have all planes.
    """
    done, total = 0, math.prod(into.shape)
    for channel, of_channel in enumerate(of_channels):
        for series in of_channel:
            for tile in tiles(source.shape[2:], cut.core, cut.halo, cut.stride):
                pixels = int(np.prod([len(each) for each in tile.indices]))
                for held, wanted in _runs(series, max(_PIXELS // pixels, _MIN_FRAMES)):
                    values = np.stack(
                        [tile.take(source.read(int(n), channel, tile.bounds)) for n in series.planes[held]]
                    )
                    results = function(values, channel, series, held, wanted)
                    for n, result in zip(series.planes[wanted], results, strict=True):
                        into.write(int(n), channel, tile.place, tile.core_of(result))
                    done += len(results) * math.prod(each.stop - each.start for each in tile.place)
                    yield done / total


def _runs(series: Series, planes: int) -> Iterator[tuple[slice, slice]]:
    """Cut a series into runs of planes; yield those that are held, and those that are wanted of them."""
    number = len(series.planes)
    for start in range(0, number, planes):
        stop = min(start + planes, number)
        yield slice(max(start - series.before, 0), min(stop + series.after, number)), slice(start, stop)
