"""Move the lines of an image back that a scan in two directions has shifted, in every plane and channel."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from muguet.image import mosaic
from muguet.image.axes import Layout
from muguet.image.screen import Mask, Screened
from muguet.pattern.found import Found
from muguet.pattern.shift import Shift, agrees, find_shift
from muguet.pattern.stack import Stack, along

Floats = npt.NDArray[np.float64]

_MAX_PLANES = 31  # The shift is measured on at most this many planes of a channel …
_MAX_PIXELS = 2**24  # … or on fewer, which have this many pixels together …
_MAX_SIDE = 4096  # … in their middle.


def move_lines(stack: Stack, channels: int) -> list[Found]:
    """Move odd rows and odd columns back, and return the shifts of each channel.

    A scanner shifts the lines of all channels alike: a channel that does not show a shift by itself has that of the
    channel in which it is most certain, if that explains its lines better than none.
    """
    looked = [_looked(stack, c) for c in range(channels)]
    by_axis = []
    for across in (False, True):
        planes = [[plane.T if across else plane for plane in some] for some in looked]
        own = [find_shift(each) for each in planes]
        known = [each for each in own if each is not None]
        best = min(known, key=lambda each: each.error, default=None)
        shifts: list[Shift | None] = [
            best if found is None and best is not None and agrees(some, best) else found
            for found, some in zip(own, planes, strict=True)
        ]
        for c, shift in enumerate(shifts):
            if shift is not None:
                stack.move(c, shift, across)
        by_axis.append(shifts)
        if known:
            break  # A scanner has one fast axis.
    rows, columns = by_axis[0], (by_axis[1] if len(by_axis) > 1 else [None] * channels)
    return [Found(row_shift=row, column_shift=column) for row, column in zip(rows, columns, strict=True)]


def _looked(stack: Stack, c: int) -> list[Floats]:
    """Return the planes of a channel on which its shift is measured."""
    places = stack.places(c)
    number = min(max(_MAX_PIXELS // max(int(np.prod(stack.given.shape[-2:])), 1), 1), _MAX_PLANES)
    first = [max(size - _MAX_SIDE, 0) // 4 * 2 for size in stack.given.shape[-2:]]  # An odd row remains one.
    middle = tuple(slice(start, start + _MAX_SIDE) for start in first)
    every = [stack.plane(c, place)[middle] for place in places[:: max(-(-len(places) // number), 1)]]
    # A repeated frame would make the noise count twice.
    some = [
        plane
        for n, plane in enumerate(every)
        if not n or not np.array_equal(plane, every[n - 1], equal_nan=True)
    ]
    # The colours of a camera's mosaic alternate from line to line.
    return [] if some and mosaic.pattern(some[len(some) // 2]) == "grid" else some


def moved_masks(screened: Screened, layout: Layout, found: list[Found]) -> Screened:
    """Return a screened image whose masks and original pixels are moved like its values, by whole pixels.

    The ends of lines for which nothing was recorded count as defective pixels.
    """
    shifts = [each.shift for each in found]
    if all(shift is None or shift[0].whole == 0 for shift in shifts):
        return screened
    original = layout.split(screened.original).copy()
    missing = None if screened.missing is None else layout.split(screened.missing).copy()
    defects = (
        np.zeros(original.shape, bool) if screened.defects is None else layout.split(screened.defects).copy()
    )
    for c, each in enumerate(shifts):
        if each is None:
            continue
        shift, across = each
        ends: Mask = np.zeros(original.shape[-2:], bool)
        (ends.T if across else ends)[1::2, shift.ends(ends.shape[0 if across else 1])] = True
        for n in np.ndindex(original.shape[0], *original.shape[2:-2]):
            at = (n[0], c, *n[1:])
            for part in (original, missing, defects):
                if part is not None:
                    part[at] = along(shift.back_whole, part[at], across)
            defects[at] |= ends
    return replace(
        screened,
        original=layout.join(original),
        missing=None if missing is None else layout.join(missing),
        defects=layout.join(defects),
    )
