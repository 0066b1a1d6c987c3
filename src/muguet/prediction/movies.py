"""The loop over the frames of movies: each is computed from itself and from frames before and after it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from muguet.image.planes import Planes
from muguet.prediction.regions import Cut
from muguet.prediction.tiles import tiles

_PIXELS = 2**22  # A part of a movie that is held at once has about this many pixels.
_MIN_FRAMES = 8  # It has at least this many frames beside its neighbours.


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


class MovieFunction(Protocol):
    """Function that estimates frames of a region of a movie."""

    def __call__(
        self, values: npt.NDArray[np.generic], channel: int, movie: Movie, held: slice, wanted: slice
    ) -> npt.NDArray[np.floating]:
        """Return the results ``(wanted, *space)`` of some frames from the values ``(held, *space)`` of those held."""


def map_movies(
    function: MovieFunction, source: Planes, into: Planes, cut: Cut, movies: Sequence[Sequence[Movie]]
) -> Iterator[float]:
    """Apply a function to every region of all frames, write the results, and yield the completed share.

    Parameters
    ----------
    function
        Function of the values of a region with its halo in consecutive frames.
    source, into
        Planes of the same shape ``(n, c, *space)``.
    cut
        The sizes of the regions, see `muguet.prediction.map_regions`.
    movies
        The movies of each channel, which together have all planes.
    """
    done, total = 0, float(np.prod(into.shape))
    for channel, of_channel in enumerate(movies):
        for movie in of_channel:
            for tile in tiles(source.shape[2:], cut.core, cut.halo, cut.stride):
                pixels = int(np.prod([len(each) for each in tile.indices]))
                for held, wanted in _runs(movie, max(_PIXELS // pixels, _MIN_FRAMES)):
                    values = np.stack(
                        [tile.take(source.read(int(n), channel, tile.bounds)) for n in movie.planes[held]]
                    )
                    results = function(values, channel, movie, held, wanted)
                    for n, result in zip(movie.planes[wanted], results, strict=True):
                        core = result[tile.crop]
                        into.write(int(n), channel, tile.place, core)
                        done += core.size
                    yield done / total


def _runs(movie: Movie, frames: int) -> Iterator[tuple[slice, slice]]:
    """Cut a movie into runs of frames; yield those that are held, and those that are wanted of them."""
    number = len(movie.planes)
    for start in range(0, number, frames):
        stop = min(start + frames, number)
        yield slice(max(start - movie.before, 0), min(stop + movie.after, number)), slice(start, stop)
