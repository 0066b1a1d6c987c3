"""The pixels of one or several layers as planes ``(n, c, y, x)``, read part by part from any array-like."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from muguet.errors import MuguetError
from muguet.interactive.letters import letters_of

if TYPE_CHECKING:
    from muguet.image.axes import Layout

_CHANNEL_LABELS = ("c", "channel", "channels")


class ArrayLike(Protocol):
    """What napari shows: an array of NumPy, Dask, Zarr or of any library with basic indexing."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of pixels along each axis."""

    @property
    def dtype(self) -> Any:
        """Data type of the pixels."""

    def __getitem__(self, key: Any, /) -> Any:
        """Return a part of the pixels."""


@dataclass(frozen=True, eq=False)
class Source:
    """Layers of one shape as one image, whose channels are the layers.

    The last two axes of a layer are rows and columns, except in a colour layer (RGB), where they come before the
    colours. A colour is a channel; so is every position along an axis that is labelled "c" or "channel". All other
    axes are samples, such as time points and depths. Depth varies faster than time in their numbers.

    Attributes
    ----------
    arrays
        The pixels of each layer, of one shape.
    names
        The name of each layer.
    rgb
        Whether the last axis holds colours. A fourth one (alpha) is not denoised.
    labels, units
        The label and the unit of each axis; colours have none.
    """

    arrays: tuple[ArrayLike, ...]
    names: tuple[str, ...]
    rgb: bool = False
    labels: tuple[str, ...] = ()
    units: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.arrays:
            raise MuguetError("no layer is chosen: choose an image layer in the list")
        shapes = {tuple(array.shape) for array in self.arrays}
        if len(shapes) > 1:
            sizes = " and ".join("×".join(map(str, shape)) for shape in sorted(shapes))
            raise MuguetError(
                f"the chosen layers have different shapes ({sizes}): choose layers of one shape, which become the "
                "channels of one model, or denoise one layer and apply its model to the others"
            )
        if len(self.space) < 2:
            raise MuguetError(f"{self.names[0]} is no image: a layer needs rows and columns")
        if any(np.dtype(array.dtype).kind == "c" for array in self.arrays):
            raise MuguetError(
                f"{self.names[0]} has complex pixel values: choose a layer of their real part or magnitude"
            )

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one layer."""
        return tuple(self.arrays[0].shape)

    @property
    def colours(self) -> int:
        """Number of colours of a layer that are denoised."""
        return min(self.shape[-1], 3) if self.rgb else 1

    @property
    def leading(self) -> tuple[int, ...]:
        """The sizes of the axes before rows and columns."""
        return self.shape[:-3] if self.rgb else self.shape[:-2]

    @property
    def space(self) -> tuple[int, ...]:
        """The number of rows and of columns."""
        return self.shape[-3:-1] if self.rgb else self.shape[-2:]

    @property
    def channel_axis(self) -> int | None:
        """The position of the axis of channels in a layer; None: a layer has one channel for each colour."""
        labels = [label.strip().lower() for label in self.labels[: len(self.leading)]]
        found = [axis for axis, label in enumerate(labels) if label in _CHANNEL_LABELS]
        return found[0] if len(found) == 1 else None

    @property
    def per_layer(self) -> int:
        """Number of channels of one layer."""
        axis = self.channel_axis
        return self.colours * (1 if axis is None else self.leading[axis])

    @property
    def channels(self) -> int:
        """Number of channels of all layers together."""
        return self.per_layer * len(self.arrays)

    @property
    def samples(self) -> int:
        """Number of planes of one channel."""
        return math.prod(self._sample_sizes)

    @property
    def pixels(self) -> int:
        """Number of pixels of all channels together."""
        return self.channels * self.samples * math.prod(self.space)

    @property
    def in_memory(self) -> bool:
        """Whether every layer is an array in memory."""
        return all(isinstance(array, np.ndarray) for array in self.arrays)

    @functools.cached_property
    def letters(self) -> tuple[str, bool] | None:
        """T or Z for each axis of samples longer than 1, in the order of the layer; None if there are further axes.

        The second value says whether the letter of a single axis is a guess.
        """
        labels, units = (tuple(each) + ("",) * len(self.shape) for each in (self.labels, self.units))
        long = [axis for axis in self._unordered if self.leading[axis] > 1]
        return letters_of([labels[axis] for axis in long], [units[axis] for axis in long])

    def layout(self, letter: str = "") -> Layout:
        """Return how the samples and channels become planes; `letter` replaces that of a single axis of samples.

        Samples along more axes than time and depth have the letter T, too.
        """
        from muguet.image.axes import Layout

        letters, sizes = "T", [self.samples]
        if self.letters is not None:
            letters = letter or "".join(sorted(self.letters[0]))
            sizes = [self.leading[axis] for axis in self._sample_axes if self.leading[axis] > 1]
        return Layout(f"{letters}CYX", (*sizes, self.channels, *self.space))

    @property
    def _unordered(self) -> list[int]:
        return [axis for axis in range(len(self.leading)) if axis != self.channel_axis]

    @functools.cached_property
    def _sample_axes(self) -> list[int]:
        """The positions of the axes of samples in a layer, time before depth."""
        if self.letters is None:
            return self._unordered
        long = iter(self.letters[0])
        order = {axis: next(long) if self.leading[axis] > 1 else "" for axis in self._unordered}
        return sorted(order, key=lambda axis: order[axis])

    @functools.cached_property
    def _sample_sizes(self) -> tuple[int, ...]:
        return tuple(self.leading[axis] for axis in self._sample_axes)

    def place(self, leading: Sequence[int], colour: int = 0) -> tuple[int, int]:
        """Return the sample n, and the channel c within its layer, at a position along the leading axes."""
        at = [leading[axis] for axis in self._sample_axes]
        n = int(np.ravel_multi_index(at, self._sample_sizes)) if at else 0
        axis = self.channel_axis
        return n, (0 if axis is None else int(leading[axis])) * self.colours + colour

    def position(self, n: int, c: int) -> tuple[tuple[int, ...], int]:
        """Return the position along the leading axes, and the colour, of sample n and channel c of a layer."""
        place, colour = divmod(c, self.colours)
        at = [place] * len(self.leading)
        if self._sample_sizes:
            for axis, index in zip(self._sample_axes, np.unravel_index(n, self._sample_sizes), strict=True):
                at[axis] = int(index)
        return tuple(at), colour

    def read(self, n: int, c: int, part: Sequence[slice] = (slice(None), slice(None))) -> npt.NDArray[Any]:
        """Return rows and columns of sample n of channel c, counted over all layers, in memory."""
        layer, within = divmod(c, self.per_layer)
        at, colour = self.position(n, within)
        key = (*at, *part, colour) if self.rgb else (*at, *part)
        return np.asarray(self.arrays[layer][key])

    def block(self, part: Sequence[slice]) -> npt.NDArray[Any]:
        """Return a part of all planes ``(n, c, y, x)`` as an array in memory."""
        samples, channels = (
            range(*each.indices(size))
            for each, size in zip(part, (self.samples, self.channels), strict=False)
        )
        return np.stack([np.stack([self.read(n, c, part[2:]) for c in channels]) for n in samples])

    def whole(self) -> npt.NDArray[Any]:
        """Return all planes ``(n, c, y, x)`` as an array in memory."""
        return self.block([slice(None)] * 4)

    def middle(self, side: int) -> tuple[slice, slice]:
        """Return the rows and columns in the middle of a plane, at most `side` of each."""
        y, x = (
            slice(max(size - side, 0) // 2, max(size - side, 0) // 2 + min(size, side)) for size in self.space
        )
        return y, x

    def centre(self, n: int, side: int) -> npt.NDArray[Any]:
        """Return the centre of all channels of sample n, ``(c, y, x)``, of at most `side` pixels along each axis."""
        return np.stack([self.read(n, c, self.middle(side)) for c in range(self.channels)])


def as_layers(source: Source, planes: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], ...]:
    """Return planes ``(n, c, y, x)`` as one array for each layer, of the shape of the layer.

    Colour layers keep their data type and their alpha channel, because napari shows other types as other colours.
    """
    from muguet.image.values import to_dtype

    found = []
    for layer, original in enumerate(source.arrays):
        array = np.array(original) if source.rgb else np.empty(source.shape, planes.dtype)
        whole = array if source.rgb else array[..., None]
        for n in range(source.samples):
            for c in range(source.per_layer):
                at, colour = source.position(n, c)
                plane = planes[n, layer * source.per_layer + c]
                place: tuple[Any, ...] = (*at, slice(None), slice(None), colour)
                whole[place] = to_dtype(plane, array.dtype)
        found.append(array)
    return tuple(found)
