"""Maps of the pixels of a camera, measured on frames of an image larger than memory, region by region if need be."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from muguet.image.defects import defective
from muguet.image.pixels import parts
from muguet.image.planes import Region
from muguet.image.valid import unmeasured
from muguet.pattern.noisy_pixels import NoisyPixels, find_noisy_pixels
from muguet.pattern.standing import MIN_FRAMES, Standing, find_standing
from muguet.pattern.stored.correction import StoredCorrection
from muguet.pattern.stored.removal import Floats, Mask, Step

_MAX_PIXELS = 2**27  # No camera has more: larger planes are put together from several exposures.
_MAX_READ = 2**30  # A pattern is measured on about this many pixels of all frames at most …
MAX_STANDING = 256  # … and on this many frames, spread over the movie …
MAX_NOISY = 201  # … or on this many successive ones, as in memory.
_BYTES_DEFECTS, _BYTES_MAP = 600, 300  # Bytes a pixel that the search of defects, and of the others, takes.
_MIN_REGION = 256  # Regions have at least this side, however small the memory.
_OVERLAP = 8  # Regions overlap by this many pixels, as a pixel is compared with those around it.


class Frames(Sequence[Floats]):
    """A region of some planes of a channel, which are read one after the other."""

    def __init__(self, read: Callable[[int], Floats], places: Sequence[int]) -> None:
        self._read, self._places = read, places

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, at: int) -> Floats: ...

    @overload
    def __getitem__(self, at: slice) -> Frames: ...

    def __getitem__(self, at: int | slice) -> Floats | Frames:
        if isinstance(at, slice):
            return Frames(self._read, self._places[at])
        return self._read(self._places[at])


def find_defects(stored: StoredCorrection, c: int, places: Sequence[int]) -> Mask | None:
    """Return the mask of the pixels that are defective in all planes, or None; see `muguet.image.screen`."""
    if math.prod(stored.layout.space) > _MAX_PIXELS:
        return None
    mask = np.zeros(stored.layout.space, bool)

    def frame(n: int, region: Region) -> Floats:
        stored.looked(1)
        values = stored.source.read(n, c, region).astype(np.float64)
        if not stored.whole:
            return values
        (padding,) = unmeasured([stored.source.read(n, c, stored.everything)])
        return values if padding is None else np.where(padding[region], np.nan, values)

    for wide, region, inner in _regions(stored, _BYTES_DEFECTS):
        found = defective([frame(n, wide) for n in places])[0]
        if found is not None:
            mask[region] = found[inner]
    return mask if mask.any() else None


def find_pattern(stored: StoredCorrection, c: int, places: Sequence[int]) -> Standing | None:
    """Return the pattern that stands still in a movie, or None; see `muguet.pattern.find_standing`."""
    frames = _frames(stored, MAX_STANDING)
    if not frames:
        return None
    chosen = [n for n in places[:: -(-len(places) // frames) or 1] if not stored.source.is_blank(n, c)]
    found = _by_region(
        stored,
        lambda region: find_standing(
            Frames(lambda n: stored.plane(n, c, region, Step.STANDING, nan=False), chosen)
        ),
        lambda each: each.offsets,
    )
    if found is None:
        return None
    one, offsets = found
    return Standing(offsets, one.std if offsets is None else float(offsets.std()))


def find_noisy(stored: StoredCorrection, c: int, places: Sequence[int]) -> NoisyPixels | None:
    """Return the pixels of a movie that are noisier than others, or None; see `muguet.pattern.find_noisy_pixels`."""
    frames = _frames(stored, MAX_NOISY)
    chosen = [n for n in places[:frames] if not stored.source.is_blank(n, c)]
    if len(chosen) < MIN_FRAMES:
        return None
    found = _by_region(
        stored,
        lambda region: find_noisy_pixels(stored.plane(n, c, region, Step.NOISY_PIXELS) for n in chosen),
        lambda each: each.variance,
        1.0,
    )
    if found is None or found[1] is None:
        return None
    return NoisyPixels(found[1].astype(np.float32), found[0].error)


def _frames(stored: StoredCorrection, most: int) -> int:
    """Return how many frames are read for a map of all pixels; 0 if planes are too large for a camera."""
    pixels = math.prod(stored.layout.space)
    return 0 if pixels > _MAX_PIXELS else max(min(most, _MAX_READ // max(pixels, 1)), MIN_FRAMES)


def _by_region(
    stored: StoredCorrection,
    find: Callable[[Region], Any],
    of: Callable[[Any], npt.NDArray[Any] | None],
    usual: float = 0.0,
) -> tuple[Any, npt.NDArray[np.float64] | None] | None:
    """Find something in every region of the planes; return what the middle region has, and the map of all regions.

    Nothing is found, and no further region searched, if the middle region has nothing. A region without any has the
    value `usual`.
    """
    every = list(_regions(stored, _BYTES_MAP))
    middle = every[len(every) // 2]
    first = find(middle[0])
    if first is None or of(first) is None:
        return None if first is None else (first, None)
    found = np.full(stored.layout.space, usual)
    for each in every:
        wide, region, inner = each
        one = first if each is middle else find(wide)
        values = None if one is None else of(one)
        if values is not None:
            found[region] = values[inner]
    return first, found


def _regions(stored: StoredCorrection, nbytes: int) -> Iterator[tuple[Region, Region, Region]]:
    """Yield regions of planes with those around them, alone, and their place in these: one if memory allows."""
    space = stored.layout.space
    side = max(int((stored.memory / nbytes) ** 0.5), _MIN_REGION)
    steps = [
        size if math.prod(space) <= side**2 else math.ceil(size / math.ceil(size / side)) for size in space
    ]
    for region in parts(space, steps):
        wide = tuple(
            slice(max(each.start - _OVERLAP, 0), min(each.stop + _OVERLAP, size))
            for each, size in zip(region, space, strict=True)
        )
        inner = tuple(
            slice(each.start - more.start, each.stop - more.start)
            for each, more in zip(region, wide, strict=True)
        )
        yield wide, region, inner
