"""An image in a file whose pixels are read when they are needed, all at once or part by part."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from muguet.errors import MuguetError
from muguet.formats.damaged import DamagedError
from muguet.formats.network import address_of
from muguet.image.axes import LETTERS, parse
from muguet.image.image import Image
from muguet.image.pixels import Part, Pixels, whole
from muguet.system.mapped import release
from muguet.system.memory import available_memory


@dataclass(frozen=True, eq=False)
class LazyImage:
    """An image whose pixels stay in its file until they are read.

    Attributes
    ----------
    pixels
        The pixels, in the order of the axes of `about`.
    about
        The image without its pixels: its data have the right shape and data type, and use no memory.
    storage
        How the pixels are stored, for people: chunks, shards, levels of a pyramid.
    chunks
        Size of the smallest part that is best read or written at once, along each axis; None: the file has no such
        parts, so that any part can be read.
    """

    pixels: Pixels
    about: Image
    storage: Mapping[str, Any] = field(default_factory=dict)
    chunks: tuple[int, ...] | None = None

    @property
    def nbytes(self) -> int:
        """Size of all pixels in memory, in bytes."""
        return self.about.data.size * self.about.data.dtype.itemsize

    def read(self, part: tuple[slice, ...]) -> npt.NDArray[Any]:
        """Return a part of the pixels in the machine's byte order.

        Raises
        ------
        DamagedError
            If the part is damaged or cannot be read.
        """
        try:
            values = np.asarray(self.pixels[part])
            if isinstance(self.pixels, np.memmap):
                values = values.copy()  # The file may be replaced while the values are in use.
                release(self.pixels)
        except MuguetError:
            raise
        except MemoryError as error:
            raise MuguetError(
                f"{self.about.path} does not fit into memory: close other programs, or crop the image"
            ) from error
        except Exception as error:  # Damaged files raise nearly any exception in libraries and codecs.
            at = ", ".join(
                f"{axis} {each.start} to {each.stop - 1}"
                for axis, each in zip(self.about.axes, part, strict=True)
            )
            address = address_of(self.about.path)
            if address is not None:
                raise MuguetError(
                    f"{address} could not be read at {at}, because the network or its server failed: try again later "
                    f"({type(error).__name__})"
                ) from error
            raise DamagedError(
                f"{self.about.path} is damaged, its pixels at {at} cannot be read: copy it again from where it was "
                f"recorded ({type(error).__name__})"
            ) from error
        if values.dtype != self.about.data.dtype:
            values = values.astype(self.about.data.dtype)
        return values

    def load(self) -> Image:
        """Return the image with all its pixels in memory.

        Raises
        ------
        MuguetError
            If it is larger than the free memory, or its pixels cannot be read.
        """
        free = available_memory()
        if free is not None and self.nbytes > free:
            raise MuguetError(
                f"{self.about.path} has {self.nbytes / 1e9:.3g} GB, which is more than the free memory: muguet fit and "
                "muguet denoise process it block by block, but for this it must be cropped"
            )
        return replace(self.about, data=self.read(whole(self.about.data.shape)))


class Target(Protocol):
    """Where the pixels of an image are written part by part."""

    @property
    def step(self) -> tuple[int, ...] | None:
        """Size of the parts that must be written whole along each axis; None: any part can be written."""

    def write(self, part: Part, values: npt.NDArray[Any]) -> None:
        """Store a part of the image; its ends are multiples of `step` or ends of the image."""

    def has(self, part: Part) -> bool:
        """Return whether an earlier run has stored a part of the image."""

    def fill(self, written: Iterable[Part]) -> None:
        """Store all that is derived from parts that were just written, as far as its sources are there."""

    def finish(self) -> None:
        """Store all that is derived from the image and is not there yet."""


class ArrayTarget:
    """An array, in memory or mapped into it, to which the pixels of an image are written."""

    step = None

    def __init__(self, array: npt.NDArray[Any]) -> None:
        self.array = array

    def write(self, part: Part, values: npt.NDArray[Any]) -> None:
        """Store a part of the image."""
        self.array[part] = values

    def has(self, part: Part) -> bool:
        """Return False, as an array is filled in one run."""
        return False

    def fill(self, written: Iterable[Part]) -> None:
        """Do nothing, as nothing is derived."""

    def finish(self) -> None:
        """Do nothing, as nothing is derived."""


def lazy(image: Image) -> LazyImage:
    """Return an image in memory, or mapped into it, as a lazy image."""
    dtype = image.data.dtype.newbyteorder("=")
    return LazyImage(image.data, replace(image, data=np.broadcast_to(np.zeros((), dtype), image.data.shape)))


def lazy_image(
    pixels: Pixels,
    axes: str,
    path: Path,
    override: str | None = None,
    *,
    pixel_size: Mapping[str, float | None] | None = None,
    channel_names: Sequence[str] = (),
    kind: str = "tiff",
    name: str = "",
    notes: Sequence[str] = (),
    source: object | None = None,
    storage: Mapping[str, Any] | None = None,
    chunks: tuple[int, ...] | None = None,
) -> LazyImage:
    """Return a lazy image, after a check of its pixels and axes.

    Parameters
    ----------
    pixels, axes
        The pixels, and the axes that the file gives them.
    path
        The file, for messages.
    override
        Axes that replace those of the file, or None.
    pixel_size
        Sizes by axis; those that are None, and those of axes that the image does not have, are left out.
    channel_names, kind, name, notes, source
        See `Image`.
    storage, chunks
        See `LazyImage`.

    Raises
    ------
    MuguetError
        If there are no pixels, they are no real numbers, or the axes do not match them.
    """
    dtype, shape = np.dtype(pixels.dtype), tuple(pixels.shape)
    if dtype.kind not in "buif":
        raise MuguetError(
            f"{path} holds no real pixel values ({dtype}): convert them to 8, 16 or 32 bits, or to float"
        )
    if math.prod(shape) == 0:
        raise MuguetError(f"{path} holds no pixels (shape {shape}): record or export it again")
    if override is not None:
        try:
            letters = parse(override, len(shape))
        except MuguetError as error:
            raise MuguetError(f"{error} ({path} has shape {shape} and was read as {axes})") from None
    else:
        letters = axes
    sizes = {a: size for a, size in (pixel_size or {}).items() if size is not None and a in letters}
    channels = shape[letters.index("C")] if "C" in letters else 1
    about = Image(
        data=np.broadcast_to(np.zeros((), dtype.newbyteorder("=")), shape),
        axes=letters,
        pixel_size=sizes,
        path=path,
        kind=kind,
        channel_names=tuple(channel_names) if len(channel_names) == channels and any(channel_names) else (),
        name=name,
        notes=tuple(notes),
        files=(path,),
        source=source,
    )
    return LazyImage(pixels, about, storage or {}, chunks)


def numbers_of(wanted: Sequence[str] | None, names: Sequence[str], path: Path) -> list[int]:
    """Return the numbers of the images to read, by their names or numbers; None: all.

    Raises
    ------
    MuguetError
        If there is no image of a wanted name or number.
    """
    if not wanted:
        return list(range(len(names)))
    found = set()
    for each in wanted:
        if each in names:
            found.add(names.index(each))
        elif each.isdigit() and int(each) < len(names):
            found.add(int(each))
        else:
            some = ", ".join(f"{i}: {name}" for i, name in enumerate(names[:8]))
            raise MuguetError(
                f"{path} has no image {each!r}: choose one of {some}{', …' if len(names) > 8 else ''}"
            )
    return sorted(found)


def split_axes(
    array: npt.NDArray[Any], axes: str, positions: str = "P"
) -> list[tuple[tuple[int, ...], npt.NDArray[Any], str]]:
    """Split an array into its positions, and name all axes by letters of TCZYXS.

    Axes of size one without such a letter are dropped; all other axes without a letter become T, together with T.

    Parameters
    ----------
    array, axes
        The array, and one letter for each of its axes.
    positions
        The letters of axes along which the images are positions, scenes or tiles of a mosaic.

    Returns
    -------
    list
        The place along the position axes, the array and the axes of each image.
    """
    places = [i for i, letter in enumerate(axes) if letter in positions]
    images = []
    for place in np.ndindex(*(array.shape[i] for i in places)):
        chosen = dict(zip(places, place, strict=True))
        one = array[tuple(chosen.get(i, slice(None)) for i in range(array.ndim))]
        letters = "".join(letter for i, letter in enumerate(axes) if i not in chosen)
        images.append((place, *_named(one, letters)))
    return images


def _named(array: npt.NDArray[Any], axes: str) -> tuple[npt.NDArray[Any], str]:
    drop = tuple(i for i, letter in enumerate(axes) if letter not in LETTERS and array.shape[i] == 1)
    array = array.squeeze(drop)
    axes = "".join(letter for i, letter in enumerate(axes) if i not in drop)
    series = [i for i, letter in enumerate(axes) if letter not in LETTERS or letter == "T"]
    if all(axes[i] == "T" for i in series):
        return array, axes
    rest = [i for i in range(len(axes)) if i not in series]
    merged = math.prod(array.shape[i] for i in series)
    shape = (merged, *(array.shape[i] for i in rest))
    return array.transpose([*series, *rest]).reshape(shape), "T" + "".join(axes[i] for i in rest)
