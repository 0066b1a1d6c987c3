"""How a denoised part of an image is computed, where it is looked at."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from muguet.denoiser.denoiser import Denoiser
    from muguet.image.planes import Region
    from muguet.interactive.source import Source
    from muguet.neighbours.loop import SeriesFunction
    from muguet.neighbours.series import Neighbours, Series
    from muguet.prediction.regions import Cut, RegionFunction
    from muguet.prediction.tiles import Tile

_MAX_KEPT = (
    2**28
)  # Bytes for estimates of planes by themselves, so that scrolling computes each of them once.


class _Around(NamedTuple):
    """The planes from which one is computed: their numbers, its position, and the movie or stack; None: it alone."""

    numbers: list[int]
    own: int
    series: Series | None = None
    held: slice = slice(0, 1)


@dataclass(frozen=True, eq=False)
class Computation:
    """How the values of a tile are computed.

    Attributes
    ----------
    function
        Function of the values of a tile with its halo and of its channel.
    cut
        Sizes of the tiles and of the halo.
    neighbours, series
        Which planes help to estimate each other, and the function that estimates planes from several; None: none do.
    residual
        Whether the result is what the function removes rather than its value.
    """

    function: RegionFunction
    cut: Cut
    neighbours: Neighbours | None = None
    series: SeriesFunction | None = None
    residual: bool = False

    @property
    def alone(self) -> Computation | None:
        """The quicker computation in which every plane is estimated by itself; None: it is this one."""
        return None if self.series is None else replace(self, neighbours=None, series=None)

    def tile(self, source: Source, n: int, channel: int, tile: Tile) -> npt.NDArray[np.floating]:
        """Return the values of a tile of a plane, without its halo.

        Parameters
        ----------
        source
            The layers.
        n, channel
            The sample, and the channel, counted over all layers.
        tile
            The place of the tile in the plane.
        """
        from muguet.image.axes import Layout
        from muguet.image.screen import screen

        around = self._around(n, channel)
        values = np.stack([source.read(k, channel, tile.bounds) for k in around.numbers])
        values = screen(values, Layout("TYX", values.shape)).values
        return tile.core_of(self._result(np.stack([tile.take(each) for each in values]), channel, around))

    def part(
        self, source: Source, n: int, channel: int, part: Region
    ) -> tuple[npt.NDArray[Any], npt.NDArray[np.float64]]:
        """Return a part of a plane in counts, without the offsets of its lines, and its result.

        The parameters are those of `tile`; `part` has a slice of rows and one of columns.
        """
        from muguet.image.screen import screened_plane
        from muguet.pattern.correction import Correction
        from muguet.prediction.tiles import tiles

        wide = tuple(
            slice(max(each.start - far, 0), min(each.stop + far, size))
            for each, far, size in zip(part, self.cut.halo, source.space, strict=True)
        )
        around = self._around(n, channel)
        counts = [Correction().plane(source.read(k, channel, wide)) for k in around.numbers]
        values = np.stack([screened_plane(each) for each in counts])
        found = np.empty(values.shape[1:])
        for tile in tiles(found.shape, self.cut.core, self.cut.halo, self.cut.stride):
            taken = np.stack([tile.take(each[tile.bounds]) for each in values])
            found[tile.place] = tile.core_of(self._result(taken, channel, around))
        inner = tuple(
            slice(each.start - outer.start, each.stop - outer.start)
            for each, outer in zip(part, wide, strict=True)
        )
        return counts[around.own][inner], found[inner]

    def _around(self, n: int, channel: int) -> _Around:
        """The planes from which sample `n` is computed, of which all that the estimate needs is measured."""
        if self.series is None or self.neighbours is None:
            return _Around([n], 0)
        series = next(each for each in self.neighbours.of_channels[channel] if n in each.planes)
        at = int(np.flatnonzero(series.planes == n)[0])
        series.prepare(slice(at, at + 1))
        held = slice(max(at - series.before, 0), min(at + series.after + 1, len(series.planes)))
        return _Around([int(k) for k in series.planes[held]], at - held.start, series, held)

    def _result(self, values: npt.NDArray[Any], channel: int, around: _Around) -> npt.NDArray[np.floating]:
        own = values[around.own]
        if around.series is None or self.series is None:
            found = self.function(own, channel)
        else:
            at = around.held.start + around.own
            found = self.series(values, channel, around.series, around.held, slice(at, at + 1))[0]
        return own.astype(np.float64) - found if self.residual else found


def computation(
    denoiser: Denoiser,
    source: Source,
    symmetries: int | None = 1,
    neighbours: Neighbours | None = None,
    std: bool = False,
) -> Computation:
    """Return how a model denoises the tiles of layers.

    Parameters
    ----------
    denoiser, source
        The model and the layers.
    symmetries
        Number of views, see `muguet.Denoiser.__call__`.
    neighbours
        Which planes help each other; None: none do.
    std
        Whether the standard deviation of the error of every pixel is computed rather than the denoised value.

    Raises
    ------
    MuguetError
        If `std` is asked for and the model does not predict its errors.
    """
    from muguet.denoiser.channel import Result

    function = denoiser.std_function() if std else denoiser.region_function(source.pixels, symmetries)
    if neighbours is None or not neighbours.helps:
        return Computation(function, denoiser.cut)
    series = denoiser.series_function(
        source.pixels, 1 if std else symmetries, Result.STD if std else Result.MEAN, _MAX_KEPT
    )
    return Computation(function, denoiser.cut_with(neighbours), neighbours, series)
