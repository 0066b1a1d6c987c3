"""The loop over the planes of movies and stacks: each is computed from itself and from planes before and after it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from muguet.image.planes import Planes
from muguet.prediction.regions import Cut
from muguet.prediction.tiles import tiles

_PIXELS = 2**23  # A part of a series that is held at once has about this many pixels.
_MIN_FRAMES = 8  # It has at least this many planes beside its neighbours.


class Series(Protocol):
    """Planes of one channel, of which each is computed from those around it."""

    @property
    def planes(self) -> npt.NDArray[np.intp]:
        """Numbers of the planes, in their order."""

    @property
    def before(self) -> int:
        """Number of planes before one that help to estimate it."""

    @property
    def after(self) -> int:
        """Number of planes after one that help to estimate it."""


OneSeries = TypeVar("OneSeries", bound=Series)
OneSeriesIn = TypeVar("OneSeriesIn", bound=Series, contravariant=True)


@dataclass(frozen=True, eq=False)
class Movie:
    """The frames of one movie in one channel, and which of them help to estimate one.

    Attributes
    ----------
    planes
        Numbers of the planes, in the order of time.
    before, after
        Number of frames before and after one that help to estimate it.
    gains
        Brightness of each frame relative to the first one.
    """

    planes: npt.NDArray[np.intp]
    before: int
    after: int
    gains: npt.NDArray[np.float64]


class SeriesFunction(Protocol[OneSeriesIn]):
    """Function that estimates planes of a region of a series."""

    def __call__(
        self,
        values: npt.NDArray[np.generic],
        channel: int,
        series: OneSeriesIn,
        held: slice,
        wanted: slice,
        /,
    ) -> npt.NDArray[np.floating]:
        """Return the results ``(wanted, *space)`` of some planes from the values ``(held, *space)`` of those held."""


def map_series(
    function: SeriesFunction[OneSeries],
    source: Planes,
    into: Planes,
    cut: Cut,
    of_channels: Sequence[Sequence[OneSeries]],
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
    done, total = 0, float(np.prod(into.shape))
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
                        core = result[tile.crop]
                        into.write(int(n), channel, tile.place, core)
                        done += core.size
                    yield done / total


def _runs(series: Series, planes: int) -> Iterator[tuple[slice, slice]]:
    """Cut a series into runs of planes; yield those that are held, and those that are wanted of them."""
    number = len(series.planes)
    for start in range(0, number, planes):
        stop = min(start + planes, number)
        yield slice(max(start - series.before, 0), min(stop + series.after, number)), slice(start, stop)
