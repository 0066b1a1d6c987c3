"""The loop over the planes of movies and stacks: each is computed from itself and from planes before and after it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from muguet.image.planes import Planes
from muguet.neighbours.series import Series
from muguet.prediction.regions import Cut, Window
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


@dataclass(frozen=True, eq=False)
class Stretch:
    """Successive planes of a series, with those around them, and where they are read and written.

    Attributes
    ----------
    series
        The series.
    held, wanted
        Which of its planes can be read, and which of them are to be estimated.
    sources, targets
        Their numbers among the planes that are read, and among those that are written.
    """

    series: Series
    held: slice
    wanted: slice
    sources: npt.NDArray[np.intp]
    targets: npt.NDArray[np.intp]

    @classmethod
    def whole(cls, series: Series) -> Stretch:
        """Return all planes of a series."""
        every = slice(0, len(series.planes))
        return cls(series, every, every, series.planes, series.planes)


def map_series(
    function: SeriesFunction,
    source: Planes,
    into: Planes,
    cut: Cut,
    of_channels: Sequence[Sequence[Stretch]],
    window: Window | None = None,
) -> Iterator[float]:
    """Apply a function to every region of all planes, write the results, and yield the completed share.

    Parameters
    ----------
    function
        Function of the values of a region with its halo in consecutive planes.
    source, into
        Planes ``(n, c, *space)``.
    cut
        The sizes of the regions, see `muguet.prediction.map_regions`.
    of_channels
        The movies or stacks of each channel, which together have all planes.
    window
        The part of the planes to be processed, see `muguet.prediction.map_regions`; None: all.
    """
    window = window or Window.whole(source.shape[2:])
    done, total = 0, math.prod(into.shape)
    for channel, stretches in enumerate(of_channels):
        for each in stretches:
            for tile in tiles(window.space, cut.core, cut.halo, cut.stride, window.core):
                bounds, place = window.in_held(tile.bounds), window.in_core(tile.place)
                pixels = math.prod(len(indices) for indices in tile.indices)
                for held, wanted in _runs(each, planes_at_once(pixels)):
                    numbers = each.sources[held.start - each.held.start : held.stop - each.held.start]
                    values = np.stack([tile.take(source.read(int(n), channel, bounds)) for n in numbers])
                    results = function(values, channel, each.series, held, wanted)
                    first = each.wanted.start
                    targets = each.targets[wanted.start - first : wanted.stop - first]
                    for n, result in zip(targets, results, strict=True):
                        into.write(int(n), channel, place, tile.core_of(result))
                    done += len(results) * math.prod(span.stop - span.start for span in place)
                    yield done / total


def planes_at_once(pixels: int) -> int:
    """Return how many planes are estimated at once from a region of this many pixels, halo included."""
    return max(_PIXELS // pixels, _MIN_FRAMES)


def _runs(stretch: Stretch, planes: int) -> Iterator[tuple[slice, slice]]:
    """Cut a stretch into runs of planes; yield those that are held, and those that are wanted of them."""
    series, first, last = stretch.series, stretch.held.start, stretch.held.stop
    for start in range(stretch.wanted.start, stretch.wanted.stop, planes):
        stop = min(start + planes, stretch.wanted.stop)
        yield slice(max(start - series.before, first), min(stop + series.after, last)), slice(start, stop)
