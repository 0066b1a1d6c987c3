"""Which planes of a stack can help their neighbours: those that are not blank, and no copies of the plane before."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from muguet.image.planes import Readable
from muguet.image.stored_planes import is_blank_plane, same_planes


class Members:
    """The neighbours of each plane of a stack that can help it, found when they are needed.

    Parameters
    ----------
    source
        The planes of the image in counts, NaN where a pixel is missing.
    sequence
        The numbers of the planes of the stack, in the order of depth.
    channel
        The channel.
    offsets
        Positions of all neighbours relative to a plane.
    """

    def __init__(
        self, source: Readable, sequence: npt.NDArray[np.intp], channel: int, offsets: tuple[int, ...]
    ) -> None:
        self._source: Readable | None = source
        self._sequence, self._channel, self.offsets = sequence, channel, offsets
        self._usable: dict[int, bool] = {}

    def __len__(self) -> int:
        return len(self._sequence)

    def __getitem__(self, z: int) -> tuple[int, ...]:
        """Return the positions relative to a plane of its neighbours; none if the plane itself cannot be used."""
        if not self._is_usable(z):
            return ()
        return tuple(k for k in self.offsets if 0 <= z + k < len(self) and self._is_usable(z + k))

    def measure(self, planes: Iterable[int]) -> None:
        """Read what is needed of these planes, so that nothing is read for them later."""
        for z in planes:
            self._is_usable(z)

    def release(self) -> None:
        """Release the image, of which all that is needed was measured."""
        self._source = None

    def _is_usable(self, z: int) -> bool:
        if z not in self._usable:
            source, number, channel = self._source, int(self._sequence[z]), self._channel
            assert source is not None
            space = source.shape[2:]
            blank = is_blank_plane(lambda region: source.read(number, channel, region), space)
            self._usable[z] = not blank and not self._is_copy(source, z)
        return self._usable[z]

    def _is_copy(self, source: Readable, z: int) -> bool:
        """Whether a plane has the values of the plane before it."""
        one, other = int(self._sequence[z]), int(self._sequence[max(z - 1, 0)])
        return z > 0 and same_planes(
            lambda region: source.read(one, self._channel, region),
            lambda region: source.read(other, self._channel, region),
            source.shape[2:],
        )
