"""How the brightness of a movie changes from frame to frame, as by bleaching, measured when a frame is needed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from muguet.image.planes import Readable, Region
from muguet.image.scaling import Scaling
from muguet.image.valid import is_blank

Floats = npt.NDArray[np.float64]

_SIDE = 256  # Frames are compared on at most this many pixels along each axis, at their centre.
_TILE = 16
_KEPT = 0.8  # Share of the tiles that show how the brightness of frames changes.


class Brightness:
    """The brightness of the frames of a movie relative to each other.

    Parameters
    ----------
    source
        The planes of the image in counts, NaN where a pixel is missing.
    sequence
        The numbers of the planes of the movie, in the order of time.
    channel, scaling
        The channel, and its map from counts to a scale on which no light is 0.
    """

    def __init__(
        self, source: Readable, sequence: npt.NDArray[np.intp], channel: int, scaling: Scaling
    ) -> None:
        self._source: Readable | None = source
        self._sequence, self._channel, self._scaling = sequence, channel, scaling
        self._changes: dict[int, float] = {}
        self._last: tuple[int, Floats | None] = (-1, None)

    def measure(self, frames: Iterable[int]) -> None:
        """Read what is needed of these frames, so that `relative` reads nothing for them."""
        for k in frames:
            self._change(k)

    def release(self) -> None:
        """Release the image, of which all that is needed was measured."""
        self._source = None

    def relative(self, middle: int, frames: Sequence[int]) -> list[float]:
        """Return the brightness of frames relative to that of the frame `middle`.

        It is the product of the changes from frame to frame between the two.
        """
        logs = [
            sum(self._change(k) for k in range(middle + 1, frame + 1))
            - sum(self._change(k) for k in range(frame + 1, middle + 1))
            for frame in frames
        ]
        return [float(each) for each in np.exp(logs)]

    def _change(self, k: int) -> float:
        """The logarithm of the ratio of brightness of frame `k` and the frame before it; 0 beside a blank frame."""
        if k < 1:
            return 0.0
        if k not in self._changes:
            before, frame = self._frame(k - 1), self._frame(k)
            self._changes[k] = 0.0 if before is None or frame is None else log_gain(before, frame)
        return self._changes[k]

    def _frame(self, k: int) -> Floats | None:
        """The centre of a frame on a scale on which no light is 0; None if it is blank."""
        if self._last[0] != k:
            assert self._source is not None
            counts = self._source.read(int(self._sequence[k]), self._channel, centre(self._source.shape[2:]))
            frame = None if is_blank(counts) else counts.astype(np.float64)
            units = None if frame is None else self._scaling.to_units(frame).astype(np.float64)
            self._last = k, units
        return self._last[1]


def centre(space: Sequence[int]) -> Region:
    """Return the centre of planes of this size, on which frames are compared."""
    starts = [max((n - _SIDE) // 2, 0) for n in space]
    return tuple(slice(start, start + min(n, _SIDE)) for start, n in zip(starts, space, strict=True))


def log_gain(one: Floats, other: Floats) -> float:
    """Return the logarithm of the ratio of brightness of two frames, without the tiles that have changed most."""
    a, b = (np.nanmean(_tiles(each), 1) for each in (one, other))
    change = b - a
    known = np.isfinite(change)
    if known.sum() < 4:
        return 0.0
    far = np.abs(change - np.median(change[known]))
    kept = known & (far <= np.quantile(far[known], _KEPT))
    ratio = float(b[kept].sum()) / max(float(a[kept].sum()), 1e-9)
    return float(np.log(ratio)) if 0.2 < ratio < 5 else 0.0


def _tiles(frame: Floats) -> Floats:
    """Return the pixels of the tiles of a frame, ``(tiles, pixels)``."""
    y, x = (max(n // _TILE, 1) for n in frame.shape)
    side = [min(_TILE, n) for n in frame.shape]
    cut = frame[: y * side[0], : x * side[1]].reshape(y, side[0], x, side[1])
    return cut.transpose(0, 2, 1, 3).reshape(y * x, -1)
