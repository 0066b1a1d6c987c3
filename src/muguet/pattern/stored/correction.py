"""The pixels of an image larger than memory, without patterns and pixels that are no measurements."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from muguet.formats.damaged import Reader, read_undamaged
from muguet.image.axes import Layout
from muguet.image.pixels import Part
from muguet.image.planes import Region
from muguet.image.screen import as_float
from muguet.image.stored_planes import StoredPlanes
from muguet.pattern.found import Found
from muguet.pattern.rows import Lines, find_lines
from muguet.pattern.second import second_estimate
from muguet.pattern.stored.removal import Floats, LineRule, Removal, Step, Window, corrected, widened
from muguet.pattern.stored.screen import Screen, limit, screen_of, unpacked

BYTES_OF_PLANE = 120
"""Bytes a pixel that the measurement of a whole plane takes."""

MIN_SERIES = 3
"""From this many planes on, defective pixels are those that all planes have in common."""

EFFORT_OF_LINES = 60
"""How much longer the measurement of the lines of a plane takes than reading it."""

_KEPT_OFFSETS = 2**23  # Offsets of lines are kept up to this number.
_KEPT_SCREENS = 2**16  # The same for planes whose missing pixels are kept, in some hundred bytes.
_TOGETHER = 4  # Planes of one chunk are read together if they need less than this part of the memory.


class StoredCorrection:
    """The pixels of an image, corrected when they are read, see `muguet.pattern.Correction`.

    What is removed is decided once, by `muguet.pattern.stored.search`. The offsets of lines, and the pixels that are no
    measurements, differ from plane to plane: they are measured on a whole plane when a part of it is read for the first
    time.

    Parameters
    ----------
    read
        Function that returns any part of the image as an array in memory, with NaN where a pixel is missing.
    layout
        How the axes of the image become planes.
    dtype
        Data type of the pixels.
    chunks
        Size of the parts in which the file stores the image, along each axis; None: any part can be read.
    memory
        Memory for the pixels of images, in bytes.

    Attributes
    ----------
    removals
        What is removed from each channel.
    whole
        Whether planes are small enough to be measured as a whole.
    screens
        Whether pixels that are no measurements, and the levels at which counts are clipped, are searched in every
        plane.
    missing_found
        Whether some of the planes that were searched first have such pixels.
    looked
        Function that is called for each plane that a search has looked at, with the effort.
    """

    def __init__(
        self,
        read: Reader,
        layout: Layout,
        dtype: np.dtype[Any],
        chunks: Sequence[int] | None = None,
        memory: int = 2**62,
    ) -> None:
        self.layout = Layout(layout.axes, layout.shape, 2)
        self.dtype, self.memory = dtype, memory
        self._read_pixels = read
        self._read_undamaged: Reader = partial(read_undamaged, read, chunks=chunks)
        self.source = StoredPlanes(self._read_undamaged, self.layout, dtype, chunks)
        self.whole = math.prod(self.layout.space) * BYTES_OF_PLANE <= memory
        self.screens = self.missing_found = False
        self.looked: Callable[[int], None] = lambda effort: None
        self.removals = [Removal() for _ in range(self.layout.channels)]
        self.usual = [Screen() for _ in self.removals]
        self._screened: dict[tuple[int, int], Screen] = {}
        self._offsets: dict[tuple[int, int, bool], Floats | None] = {}
        self._held: dict[tuple[int, int], npt.NDArray[Any]] = {}
        self._lock = threading.RLock()  # Blocks for the training may still be read when the denoising begins.

    @property
    def changes(self) -> bool:
        """Whether any pixel changes."""
        return self.screens or any(each.changes for each in self.removals)

    @property
    def patterns(self) -> tuple[Found, ...]:
        """What was found in each channel."""
        return tuple(each.found for each in self.removals)

    @property
    def nbytes(self) -> int:
        """Bytes that the measurement of a plane takes while blocks are read."""
        measures = self.screens or any(
            rule is not None and rule.stripes is None
            for each in self.removals
            for rule in (each.rows, each.columns)
        )
        return math.prod(self.layout.space) * BYTES_OF_PLANE if measures else 0

    def share(self, other: StoredCorrection) -> None:
        """Use what another has measured of planes of the same image, and let it use what is measured here."""
        self._screened, self._offsets = other._screened, other._offsets

    # ------------------------------------------------------------ any part

    def read(self, part: Part, until: Step = Step.END) -> npt.NDArray[Any]:
        """Return a part of the image as floating-point numbers, NaN where a pixel is missing; as it is without changes.

        Parameters
        ----------
        part
            One slice for each axis.
        until
            The first step that is left out.

        Raises
        ------
        DamagedError
            If the part is damaged.
        """
        return self._read(part, self._read_pixels, until)

    def read_undamaged(self, part: Part) -> npt.NDArray[Any]:
        """Return a part of the image, see `read`, with NaN in the chunks that are damaged."""
        return self._read(part, self._read_undamaged)

    def _read(self, part: Part, read: Reader, until: Step = Step.END) -> npt.NDArray[Any]:
        if not self.changes:
            return read(part)
        axes = self.layout.axes
        space = [axes.index(letter) for letter in "YX"]
        far = np.max([each.margins for each in self.removals], axis=0).tolist()
        region = tuple(part[i] for i in space)
        wide = widened(region, far, self.layout.space)
        around = list(part)
        for i, each in zip(space, wide, strict=True):
            around[i] = each
        raw = read(tuple(around))
        values = as_float(raw)
        kept = [slice(None)] * len(axes)
        for i, one, each in zip(space, region, wide, strict=True):
            kept[i] = slice(one.start - each.start, one.stop - each.start)
        inner = Layout(axes, raw.shape, 2)
        numbers = self.layout.numbers(part)
        with self._lock:
            self._measure_together(part)
            for k, n in enumerate(numbers):
                for j, c in enumerate(self.layout.channel_numbers(part)):
                    plane = inner.plane(values, k, j)
                    plane[...] = self._corrected(plane, int(n), int(c), wide, until)
        return np.ascontiguousarray(values[tuple(kept)])

    def _measure_together(self, part: Part) -> None:
        """Measure the planes of a part whose chunks hold several of them, so that a chunk is read once."""
        numbers = [int(n) for n in self.layout.numbers(part)]
        pixels = math.prod(self.layout.space) * len(numbers) * self.dtype.itemsize
        several = len(numbers) > 1 and pixels * _TOGETHER <= self.memory and self.nbytes > 0
        for c in self.layout.channel_numbers(part).tolist() if several else ():
            new = [n for n in numbers if self._is_new(n, c)]
            if len(new) < 2:
                continue
            around = list(self.layout.part(numbers[0], c, self.everything))
            for letter in "TZ":
                if letter in self.layout.axes:
                    around[self.layout.axes.index(letter)] = part[self.layout.axes.index(letter)]
            raw = self._read_undamaged(tuple(around))
            inner = Layout(self.layout.axes, raw.shape, 2)
            self._held = {(n, c): inner.plane(raw, k, 0) for k, n in enumerate(numbers)}
            for n in new:
                if not self.source.is_blank(n, c):
                    self._window_of(n, c, self.everything)
                    for across in (False, True):
                        self.offsets(n, c, across)
            self._held = {}

    def _is_new(self, n: int, c: int) -> bool:
        measured = [
            (n, c, across) in self._offsets
            for across, rule in enumerate((self.removals[c].rows, self.removals[c].columns))
            if rule is not None and rule.stripes is None
        ]
        return not all(measured) or (self.screens and (n, c) not in self._screened)

    # ------------------------------------------------------------ one plane

    @property
    def everything(self) -> Region:
        """The region that is a whole plane."""
        return tuple(slice(0, size) for size in self.layout.space)

    def plane(
        self, n: int, c: int, region: Region | None = None, until: Step = Step.END, nan: bool = True
    ) -> Floats:
        """Return a region of plane `n` of channel `c` without what comes before the step `until`.

        Parameters
        ----------
        n, c
            The plane and the channel.
        region
            The region; None: the whole plane.
        until
            The first step that is left out.
        nan
            Whether saturated pixels are NaN.
        """
        region = region or self.everything
        wide = widened(region, self.removals[c].margins, self.layout.space)
        raw = self._held.get((n, c))
        self.looked(1)
        values = self.source.read(n, c, wide) if raw is None else raw[wide]
        found = self._corrected(values, n, c, wide, until, nan)
        return found[
            tuple(slice(a.start - b.start, a.stop - b.start) for a, b in zip(region, wide, strict=True))
        ]

    def _corrected(
        self,
        values: npt.NDArray[Any],
        n: int,
        c: int,
        wide: Region,
        until: Step = Step.END,
        nan: bool = False,
    ) -> Floats:
        if self.source.is_blank(n, c):
            return np.full(values.shape, np.nan)
        window = self._window_of(n, c, wide)
        return corrected(
            values, window, self.removals[c], lambda across: self.offsets(n, c, across), until, nan
        )

    def _window_of(self, n: int, c: int, region: Region) -> Window:
        known = self._screened.get((n, c)) or (self.screen(n, c) if self.screens else self.usual[c])
        missing, own = (unpacked(each, self.layout.space, region) for each in (known.missing, known.defects))
        of_series = self.removals[c].defects
        shared = None if of_series is None else np.asarray(of_series[region])
        if missing is not None and shared is not None:
            shared = shared & ~missing
        height, width = self.layout.space
        return Window(
            region[0],
            region[1],
            (height, width),
            missing,
            own if shared is None else shared,
            known.low,
            known.high,
            as_float(np.zeros(1, self.dtype)).dtype,
        )

    def screen(self, n: int, c: int) -> Screen:
        """Return what is known of the pixels of plane `n` of channel `c`, see `muguet.image.screen`."""
        if (n, c) not in self._screened:
            raw = self._held.get((n, c))
            plane = self.source.read(n, c, self.everything) if raw is None else raw
            limit(self._screened, _KEPT_SCREENS)
            self._screened[n, c] = screen_of(plane, self.removals[c].defects, self.layout.planes < MIN_SERIES)
        return self._screened[n, c]

    def offsets(self, n: int, c: int, across: bool) -> Floats | None:
        """Return the offsets of all rows of plane `n` of channel `c`, or of all columns; None: there are none."""
        rule = self.removals[c].columns if across else self.removals[c].rows
        if rule is None or rule.stripes is not None:
            return None if rule is None else rule.stripes
        if (n, c, across) not in self._offsets:
            self.looked(EFFORT_OF_LINES)
            self.keep(n, c, across, self.lines(n, c, across, rule))
        return self._offsets[n, c, across]

    def keep(self, n: int, c: int, across: bool, lines: Lines | None) -> None:
        """Keep the lines of one plane, so that they are not measured again."""
        limit(self._offsets, max(_KEPT_OFFSETS // max(self.layout.space), 1))
        self._offsets[n, c, across] = None if lines is None else lines.offsets

    def lines(self, n: int, c: int, across: bool, rule: LineRule) -> Lines | None:
        """Return the lines of one plane, as `muguet.pattern.Correction` finds them in a whole image."""
        plane = self.plane(n, c, until=Step.COLUMNS if across else Step.ROWS)
        rows = plane.T if across else plane
        found = find_lines(rows) if n in rule.looked else None
        found = found or find_lines(rows, rule.expected)
        return None if found is None else second_estimate(rows, found)
