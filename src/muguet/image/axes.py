"""Split an array with named axes into planes ``(n, c, *space)``, and join the planes back exactly.

An axes string names every axis of an array with one letter: T time (or any series of images), C channel,
Z depth, Y row, X column, S the samples of a colour pixel (red, green, blue).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from muguet.errors import MuguetError
from muguet.system.caller import warn_caller

LETTERS = "TCZYXS"

_COLOUR = (3, 4)  # A last axis of one of these sizes holds RGB or RGBA.
_MAX_CHANNELS = 5  # Few microscopes record more channels at once; few time-lapses or stacks are shorter.


def parse(axes: str, ndim: int | None = None) -> str:
    """Check an axes string and return it in capitals.

    Parameters
    ----------
    axes
        Letters of TCZYXS, in the order of the array's axes.
    ndim
        Number of axes of the array; None: any number.

    Returns
    -------
    str
        The letters in capitals, without spaces around them.

    Raises
    ------
    MuguetError
        If a letter is unknown or repeated, Y or X is missing, or the number of letters is not `ndim`.
    """
    letters = axes.strip().upper()
    unknown = sorted(set(letters) - set(LETTERS))
    if unknown:
        raise MuguetError(
            f"the axes {axes!r} contain the unknown letter {unknown[0]!r}: use only the letters {LETTERS}"
        )
    if len(set(letters)) < len(letters):
        raise MuguetError(f"the axes {axes!r} contain a letter twice: use each letter at most once")
    if not {"Y", "X"} <= set(letters):
        raise MuguetError(f"the axes {axes!r} lack Y or X: call the rows Y and the columns X")
    if ndim is not None and len(letters) != ndim:
        raise MuguetError(
            f"the axes {axes!r} have {len(letters)} letters, but the array has {ndim} axes: give one letter for each"
        )
    return letters


def guess(shape: Sequence[int]) -> str:
    """Guess the axes of an array from its shape; the caller should show the guess to the user.

    A last axis of size 3 or 4 is colour (S) if the two axes before it are larger than 4. The other axes are
    YX, TYX, TCYX (if the second axis has at most 5 entries), TZYX (if it has more) or TCZYX. T is the safe
    choice for three axes: each plane is then denoised separately, which is right for a time-lapse, for a
    stack and for a series of fields of view.

    Raises
    ------
    MuguetError
        If there are fewer than two axes or more than five; the user must then name them.
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
            return "TCYX" if sizes[1] <= _MAX_CHANNELS else "TZYX"
        case 5:
            return "TCZYX"
    raise MuguetError(
        f"the axes of an array of shape {sizes} cannot be guessed: name them, for example with --axes TZCYX"
    )


def named(axes: str | None, shape: Sequence[int]) -> str:
    """Return `axes` after a check, or guess them from the shape.

    A guess that could be wrong is shown in a warning.

    Raises
    ------
    MuguetError
        If `parse` or `guess` raises it.
    """
    if axes is not None:
        return parse(axes, len(shape))
    letters = guess(shape)
    if len(letters) > 2:
        warn_caller(
            f"the axes of the array of shape {tuple(shape)} are assumed to be {letters}: name them to be sure"
        )
    return letters


@dataclass(frozen=True)
class Layout:
    """How an array with named axes becomes planes ``(n, c, *space)``.

    The axes of space are YX in two dimensions and ZYX in three. C and S together are the channels. The other
    axes (T, and Z in two dimensions) are the samples. Z varies faster than T, and S faster than C.

    Attributes
    ----------
    axes
        One letter for each axis of the array.
    shape
        The array's shape.
    dimensions
        Number of dimensions of space, 2 or 3; with 3 the array must have a Z axis.

    Raises
    ------
    MuguetError
        If the axes do not match the shape, or `dimensions` is 3 and the array has no Z axis.

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
            raise MuguetError(f"{self.dimensions} dimensions of space are not possible: choose 2 or 3")
        if self.dimensions == 3 and "Z" not in self.axes:
            raise MuguetError(
                f"three dimensions need a Z axis, but the axes are {self.axes}: name the axes, with --axes for example"
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
        """Number of channels: the product of the sizes of C and S."""
        return math.prod(self._sizes(self._channel_axes))

    @property
    def planes(self) -> int:
        """Number of samples: the product of the sizes of all axes that are neither space nor channels."""
        return math.prod(self._sizes(self._sample_axes))

    def split(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return the array as planes ``(n, c, *space)`` of the same dtype; a view, where NumPy can make one.

        Raises
        ------
        MuguetError
            If the array's shape differs from the layout's.
        """
        if array.shape != self.shape:
            raise MuguetError(
                f"the array has shape {array.shape}: give one of the layout's shape {self.shape}"
            )
        return array.transpose(self._order).reshape(self.planes, self.channels, *self.space)

    def join(self, planes: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return planes ``(n, c, *space)`` as an array with the layout's axes and shape: the inverse of `split`.

        Raises
        ------
        MuguetError
            If the planes' shape is not the one that `split` returns.
        """
        expected = (self.planes, self.channels, *self.space)
        if planes.shape != expected:
            raise MuguetError(
                f"the planes have shape {planes.shape}: give planes of the layout's shape {expected}"
            )
        moved = planes.reshape([self.shape[axis] for axis in self._order])
        return moved.transpose([self._order.index(axis) for axis in range(len(self._order))])

    def plane(self, array: npt.NDArray[Any], n: int, c: int) -> npt.NDArray[Any]:
        """Return a view ``(*space)`` of plane `n` of channel `c` of an array with the layout's shape; never a copy."""
        at = self._position(n, c)
        view = array[tuple(at.get(letter, slice(None)) for letter in self.axes)]
        order = [letter for letter in self.axes if letter not in at]
        return view.transpose([order.index(letter) for letter in self.spatial_axes])

    def part(self, n: int, c: int, region: Sequence[slice]) -> tuple[slice, ...]:
        """Return the part of the array that holds a region of plane `n` of channel `c`, one slice for each axis."""
        at = {letter: slice(k, k + 1) for letter, k in self._position(n, c).items()}
        at |= dict(zip(self.spatial_axes, region, strict=True))
        return tuple(at[letter] for letter in self.axes)

    def numbers(self, part: Sequence[slice]) -> npt.NDArray[np.intp]:
        """Return the numbers of the planes that have pixels in a part of the array, in their order."""
        return self._numbers(part, self._sample_axes)

    def channel_numbers(self, part: Sequence[slice]) -> npt.NDArray[np.intp]:
        """Return the numbers of the channels that have pixels in a part of the array, in their order."""
        return self._numbers(part, self._channel_axes)

    def sequences(self) -> list[npt.NDArray[np.intp]]:
        """Return the numbers of the planes of each movie, in the order of time: one movie for each Z of two dimensions.

        An image without T has none.
        """
        return self.along("T")

    def stacks(self) -> list[npt.NDArray[np.intp]]:
        """Return the numbers of the planes of each stack, in the order of depth: one stack for each T.

        An image without Z, or with three dimensions of space, has none.
        """
        return self.along("Z")

    def _numbers(self, part: Sequence[slice], letters: str) -> npt.NDArray[np.intp]:
        """The numbers along some axes, counted together, of what a part of the array has."""
        spans = [part[self.axes.index(letter)] for letter in letters]
        if not spans:
            return np.zeros(1, np.intp)
        grid = np.meshgrid(*(np.arange(each.start, each.stop) for each in spans), indexing="ij")
        return np.ravel_multi_index(grid, self._sizes(letters)).ravel()

    def _position(self, n: int, c: int) -> dict[str, int]:
        """The place of plane `n` of channel `c` along each axis that is not space."""
        samples = np.unravel_index(n, self._sizes(self._sample_axes))
        channels = np.unravel_index(c, self._sizes(self._channel_axes))
        letters = self._sample_axes + self._channel_axes
        return {letter: int(k) for letter, k in zip(letters, (*samples, *channels), strict=True)}

    def along(self, letter: str) -> list[npt.NDArray[np.intp]]:
        """Return the numbers of the planes along an axis, for each position on the others; none without the axis."""
        if letter not in self._sample_axes:
            return []
        numbers = np.arange(self.planes).reshape(self._sizes(self._sample_axes))
        moved = np.moveaxis(numbers, self._sample_axes.index(letter), -1)
        return list(moved.reshape(-1, moved.shape[-1]))

    @property
    def _channel_axes(self) -> str:
        return "".join(letter for letter in "CS" if letter in self.axes)

    @property
    def _sample_axes(self) -> str:
        return "".join(letter for letter in "TZ" if letter in self.axes and letter not in self.spatial_axes)

    @property
    def _order(self) -> list[int]:
        """Positions in the array of the axes of ``(n, c, *space)``."""
        return [
            self.axes.index(letter) for letter in self._sample_axes + self._channel_axes + self.spatial_axes
        ]

    def _sizes(self, letters: str) -> tuple[int, ...]:
        return tuple(self.shape[self.axes.index(letter)] for letter in letters)
