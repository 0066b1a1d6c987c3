"""Any array with an axes string, as planes ``(n, c, *space)``, and exactly back.

An axes string names every axis of an array with one letter: T time (or any series of images), C channel,
Z depth, Y row, X column, S the samples of a colour pixel (red, green, blue).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from muguet.errors import MuguetError

LETTERS = "TCZYXS"

_COLOUR = (3, 4)  # sizes of a last axis that holds RGB or RGBA
_MOST_CHANNELS = 5  # few microscopes record more at once, few time-lapses or stacks are shorter


def parse(axes: str, ndim: int | None = None) -> str:
    """Check an axes string and return it in capitals.

    Parameters
    ----------
    axes
        Letters of T, C, Z, Y, X and S, in the order of the array's axes.
    ndim
        The number of axes of the array, where there is one.

    Raises
    ------
    MuguetError
        For a letter that is unknown or comes twice, without Y and X, or for another number of axes.
    """
    letters = axes.strip().upper()
    unknown = sorted(set(letters) - set(LETTERS))
    if unknown:
        raise MuguetError(
            f"axes {axes!r} have the unknown letter {unknown[0]!r}: use the letters of {LETTERS}"
        )
    if len(set(letters)) < len(letters):
        raise MuguetError(f"axes {axes!r} name an axis twice: use every letter of {LETTERS} at most once")
    if not {"Y", "X"} <= set(letters):
        raise MuguetError(f"axes {axes!r} lack Y or X: name the rows Y and the columns X")
    if ndim is not None and len(letters) != ndim:
        raise MuguetError(
            f"axes {axes!r} name {len(letters)} axes but the array has {ndim}: give one letter each"
        )
    return letters


def guess(shape: Sequence[int]) -> str:
    """Name the axes of an array that comes without names; say so to the user, for it is a guess.

    A last axis of 3 or 4 behind larger ones is colour (S). What remains is YX, TYX, TCYX (a second axis
    of at most 5), TZYX (a longer one) or TCZYX. T is the careful choice for three axes: every plane is then
    denoised for itself, which is right for a time-lapse, a stack and a series of fields of view alike.

    Raises
    ------
    MuguetError
        For fewer than two axes or more than five, which only the user can name.
    """
    sizes = tuple(shape)
    if len(sizes) > 2 and sizes[-1] in _COLOUR and min(sizes[-3:-1]) > max(_COLOUR):
        return guess(sizes[:-1]) + "S"
    match len(sizes):
        case 2:
            return "YX"
        case 3:
            return "TYX"
        case 4:
            return "TCYX" if sizes[1] <= _MOST_CHANNELS else "TZYX"
        case 5:
            return "TCZYX"
    raise MuguetError(
        f"the axes of an array of shape {sizes} cannot be guessed: name them with --axes, as in TZCYX"
    )


def named(axes: str | None, shape: Sequence[int]) -> str:
    """Return `axes` checked, or what `guess` makes of the shape, which a warning states where it could be wrong.

    Raises
    ------
    MuguetError
        As `parse` and `guess` do.
    """
    if axes is not None:
        return parse(axes, len(shape))
    letters = guess(shape)
    if len(letters) > 2:
        warnings.warn(
            f"the axes of shape {tuple(shape)} are taken for {letters}: name them to be sure", stacklevel=3
        )
    return letters


@dataclass(frozen=True)
class Layout:
    """How an array with named axes becomes planes ``(n, c, *space)``.

    Space is YX, or ZYX in three dimensions. C and S together are the channels, whatever remains
    (T, and Z in two dimensions) counts the samples, with Z running faster than T and S faster than C.

    Attributes
    ----------
    axes
        One letter for each axis of the array.
    shape
        The array's shape.
    dimensions
        Of space: 2 or 3; with 3 the array must have a Z axis.

    Raises
    ------
    MuguetError
        If axes and shape do not fit, or three dimensions are asked of an array without Z.

    Examples
    --------
    >>> import numpy as np
    >>> layout = Layout("TYXC", (7, 64, 48, 2))
    >>> layout.planes, layout.channels, layout.space
    (7, 2, (64, 48))
    >>> layout.split(np.zeros((7, 64, 48, 2))).shape
    (7, 2, 64, 48)
    """

    axes: str
    shape: tuple[int, ...]
    dimensions: int = 2

    def __post_init__(self) -> None:
        object.__setattr__(self, "axes", parse(self.axes, len(self.shape)))
        object.__setattr__(self, "shape", tuple(int(size) for size in self.shape))
        if self.dimensions not in (2, 3):
            raise MuguetError(f"images have 2 or 3 dimensions of space, not {self.dimensions}")
        if self.dimensions == 3 and "Z" not in self.axes:
            raise MuguetError(
                f"three dimensions need a Z axis, but the axes are {self.axes}: name it with --axes"
            )

    @property
    def spatial_axes(self) -> str:
        """The letters of the axes of space: YX or ZYX."""
        return "ZYX"[-self.dimensions :]

    @property
    def space(self) -> tuple[int, ...]:
        """The sizes of the axes of space."""
        return self._sizes(self.spatial_axes)

    @property
    def channels(self) -> int:
        """How many values a point of space has: the product of C and S."""
        return math.prod(self._sizes(self._channel_axes))

    @property
    def planes(self) -> int:
        """How many samples there are: the product of all other axes."""
        return math.prod(self._sizes(self._sample_axes))

    def split(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return the array as planes ``(n, c, *space)``: a view where numpy can, of the same dtype.

        Raises
        ------
        MuguetError
            If the array's shape is not the layout's.
        """
        if array.shape != self.shape:
            raise MuguetError(f"an array of shape {array.shape} does not fit a layout of shape {self.shape}")
        return array.transpose(self._order).reshape(self.planes, self.channels, *self.space)

    def join(self, planes: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return planes ``(n, c, *space)`` as an array of the layout's axes and shape: undo `split`.

        Raises
        ------
        MuguetError
            If the planes' shape is not what `split` returns.
        """
        expected = (self.planes, self.channels, *self.space)
        if planes.shape != expected:
            raise MuguetError(f"planes of shape {planes.shape} do not fit a layout that has {expected}")
        moved = planes.reshape([self.shape[axis] for axis in self._order])
        return moved.transpose([self._order.index(axis) for axis in range(len(self._order))])

    def plane(self, array: npt.NDArray[Any], n: int, c: int) -> npt.NDArray[Any]:
        """Return plane `n` of channel `c` of an array of the layout's shape, ``(*space)``: a view, never a copy."""
        samples = np.unravel_index(n, self._sizes(self._sample_axes))
        channels = np.unravel_index(c, self._sizes(self._channel_axes))
        at = dict(zip(self._sample_axes + self._channel_axes, (*samples, *channels), strict=True))
        view = array[tuple(int(at[letter]) if letter in at else slice(None) for letter in self.axes)]
        order = [letter for letter in self.axes if letter not in at]
        return view.transpose([order.index(letter) for letter in self.spatial_axes])

    @property
    def _channel_axes(self) -> str:
        return "".join(letter for letter in "CS" if letter in self.axes)

    @property
    def _sample_axes(self) -> str:
        return "".join(letter for letter in "TZ" if letter in self.axes and letter not in self.spatial_axes)

    @property
    def _order(self) -> list[int]:
        """Where the axes of ``(n, c, *space)`` stand in the array."""
        return [
            self.axes.index(letter) for letter in self._sample_axes + self._channel_axes + self.spatial_axes
        ]

    def _sizes(self, letters: str) -> tuple[int, ...]:
        return tuple(self.shape[self.axes.index(letter)] for letter in letters)
