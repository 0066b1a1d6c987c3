"""The pixels of one or several layers as planes ``(n, c, y, x)``, read part by part from any array-like."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from muguet.errors import MuguetError

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
    axes are samples, such as time points and depths, and are denoised plane by plane.

    Attributes
    ----------
    arrays
        The pixels of each layer, of one shape.
    names
        The name of each layer.
    rgb
        Whether the last axis holds colours. A fourth one (alpha) is not denoised.
    labels
        The label of each axis; colours have none.
    """

    arrays: tuple[ArrayLike, ...]
    names: tuple[str, ...]
    rgb: bool = False
    labels: tuple[str, ...] = ()

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

    @property
    def _sample_sizes(self) -> tuple[int, ...]:
        axis = self.channel_axis
        return tuple(size for each, size in enumerate(self.leading) if each != axis)

    def place(self, leading: Sequence[int], colour: int = 0) -> tuple[int, int]:
        """Return the sample n, and the channel c within its layer, at a position along the leading axes."""
        axis = self.channel_axis
        at = [index for each, index in enumerate(leading) if each != axis]
        n = int(np.ravel_multi_index(at, self._sample_sizes)) if at else 0
        return n, (0 if axis is None else int(leading[axis])) * self.colours + colour

    def position(self, n: int, c: int) -> tuple[tuple[int, ...], int]:
        """Return the position along the leading axes, and the colour, of sample n and channel c of a layer."""
        place, colour = divmod(c, self.colours)
        at = [int(index) for index in np.unravel_index(n, self._sample_sizes)] if self._sample_sizes else []
        axis = self.channel_axis
        if axis is not None:
            at.insert(axis, place)
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

    def centre(self, n: int, side: int) -> npt.NDArray[Any]:
        """Return the centre of all channels of sample n, ``(c, y, x)``, of at most `side` pixels along each axis."""
        starts = [max(size - side, 0) // 2 for size in self.space]
        part = tuple(
            slice(start, start + min(size, side)) for start, size in zip(starts, self.space, strict=True)
        )
        return np.stack([self.read(n, c, part) for c in range(self.channels)])


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
