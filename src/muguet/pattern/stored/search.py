"""Find the patterns of an image larger than memory on some of its planes, in the order in which they are removed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from muguet.image import mosaic
from muguet.image.planes import Region
from muguet.image.valid import is_blank
from muguet.noise.transfer.single_image import rough_std
from muguet.pattern.found import Found, LineNoise
from muguet.pattern.halves import Halves, find_halves, gain_by_noise
from muguet.pattern.rows import Lines, find_lines
from muguet.pattern.second import second_estimate
from muguet.pattern.shift import Shift, agrees, find_shift
from muguet.pattern.stored.correction import BYTES_OF_PLANE, EFFORT_OF_LINES, MIN_SERIES, StoredCorrection
from muguet.pattern.stored.maps import MAX_NOISY, MAX_STANDING, find_defects, find_noisy, find_pattern
from muguet.pattern.stored.removal import Floats, LineRule, Step
from muguet.pattern.stored.screen import Screen, screen_of

# These numbers are those of planes in memory, see `muguet.pattern.correction`, `muguet.pattern.scanned` and
# `muguet.image.screen`.
_MAX_LOOKED, _MAX_MEAN, _MAX_GAINS = 9, 31, 5
_MAX_SHIFT_PLANES, _MAX_SHIFT_PIXELS, _MAX_SHIFT_SIDE = 31, 2**24, 4096
_MAX_SCREENED = 31

_MAX_COUNTED = 1024  # In a series of more planes, blank ones are passed over only where planes are chosen.
_REPEATS = 6  # Stripes of whole planes are known from at least this many periods.


def search(stored: StoredCorrection, lines: bool = True) -> None:
    """Find what is removed from an image, and set it in `stored`.

    Every pattern is measured on planes that are spread over the image, and no more of them than in memory: the result
    is that of `muguet.pattern.Correction` where these are the same planes. Planes that do not fit into the memory are
    measured in a square at their centre.

    Parameters
    ----------
    stored
        The image.
    lines
        False: search only pixels that are no measurements, and defective pixels.
    """
    channels = range(stored.layout.channels)
    every = {c: _used(stored, c) for c in channels}
    stored.missing_found = any([_screen(stored, c, every[c]) for c in channels])
    stored.screens |= stored.missing_found
    if lines:
        _search_patterns(stored, every)
    # Levels matter only where counts change.
    stored.screens &= stored.missing_found or any(each.changes for each in stored.removals)


def effort(stored: StoredCorrection) -> int:
    """Return about how much effort a search is where there are lines, see `StoredCorrection.looked`."""
    lines = EFFORT_OF_LINES + 1
    steps = (_MAX_SCREENED, _MAX_SHIFT_PLANES, MAX_STANDING, 2 * _MAX_MEAN, 4 * _MAX_LOOKED)
    number = sum(min(each, stored.layout.planes) for each in steps)
    number += sum(lines * min(each, stored.layout.planes) for each in (2 * _MAX_LOOKED, MAX_NOISY))
    return stored.layout.channels * number


def square(stored: StoredCorrection) -> Region:
    """Return the region that is measured: the whole plane, or the largest square around its middle that fits."""
    if stored.whole:
        return stored.everything
    half = int((stored.memory / BYTES_OF_PLANE) ** 0.5) // 4 * 2
    return tuple(
        slice(0, size)
        if size <= 2 * half
        else slice((size // 2 - half) // 2 * 2, (size // 2 - half) // 2 * 2 + 2 * half + size // 2 % 2 * 2)
        for size in stored.layout.space
    )


def spread(places: Sequence[int], number: int) -> Sequence[int]:
    """Return every n-th place, `number` of them at most."""
    return places[:: -(-len(places) // number)] if places else []


def _used(stored: StoredCorrection, c: int) -> list[int]:
    """Return the numbers of the planes that are not blank; of a long series those that may be."""
    number = stored.layout.planes
    if number > _MAX_COUNTED:
        return list(range(number))
    return [n for n in range(number) if not stored.source.is_blank(n, c)]


def _some(stored: StoredCorrection, c: int, places: Sequence[int], number: int) -> list[int]:
    return [n for n in spread(places, number) if not stored.source.is_blank(n, c)]


def _screen(stored: StoredCorrection, c: int, places: Sequence[int]) -> bool:
    """Find defective pixels and the levels of a channel; return whether some planes have pixels that are missing."""
    some = _some(stored, c, places, _MAX_SCREENED)
    if stored.layout.planes >= MIN_SERIES and len(some) >= MIN_SERIES:
        stored.removals[c] = replace(stored.removals[c], defects=find_defects(stored, c, some))
    if stored.whole:
        found = [stored.screen(n, c) for n in some]
    else:
        at = square(stored)
        found = [screen_of(stored.source.read(n, c, at), None, False) for n in some[:_MAX_LOOKED]]
    low, high = _usual([each.low for each in found]), _usual([each.high for each in found])
    stored.usual[c] = Screen(-np.inf if low is None else low, np.inf if high is None else high)
    stored.screens |= stored.whole and any(np.isfinite([each.low, each.high]).any() for each in found)
    return stored.whole and any(each.missing or each.defects for each in found)


def _usual(levels: Sequence[float]) -> float | None:
    known = [each for each in levels if np.isfinite(each)]
    return float(np.median(known)) if known else None


def _scanned(stored: StoredCorrection, c: int, places: Sequence[int]) -> list[Floats]:
    """Return the planes of a channel on which its shift is measured."""
    space = stored.layout.space
    number = min(max(_MAX_SHIFT_PIXELS // max(int(np.prod(space)), 1), 1), _MAX_SHIFT_PLANES)
    inner = square(stored)
    middle = tuple(
        slice(first, min(first + _MAX_SHIFT_SIDE, each.stop))
        for first, each in zip(
            (
                max(max(size - _MAX_SHIFT_SIDE, 0) // 4 * 2, each.start)
                for size, each in zip(space, inner, strict=True)
            ),
            inner,
            strict=True,
        )
    )
    every = [_measured(stored, n, c, middle, Step.SHIFT) for n in _some(stored, c, places, number)]
    some = [
        plane
        for n, plane in enumerate(every)
        if not n or not np.array_equal(plane, every[n - 1], equal_nan=True)
    ]
    return [] if some and mosaic.pattern(some[len(some) // 2]) == "grid" else some


def _shifts(looked: dict[int, list[Floats]]) -> list[Found]:
    """Return the shift of the odd rows, or else columns, of each channel, see `muguet.pattern.scanned.move_lines`."""
    found: list[Found] = []
    for across in (False, True):
        planes = [[plane.T if across else plane for plane in some] for some in looked.values()]
        own = [find_shift(each) for each in planes]
        known = [each for each in own if each is not None]
        best = min(known, key=lambda each: each.error, default=None)
        shifts: list[Shift | None] = [
            best if one is None and best is not None and agrees(some, best) else one
            for one, some in zip(own, planes, strict=True)
        ]
        found = [Found(column_shift=each) if across else Found(row_shift=each) for each in shifts]
        if known:
            break
    return found


def _search_patterns(stored: StoredCorrection, every: dict[int, list[int]]) -> None:
    channels = range(stored.layout.channels)
    looked = {c: _scanned(stored, c, every[c]) for c in channels}
    for c, found in enumerate(_shifts(looked)):
        stored.removals[c] = replace(stored.removals[c], found=found)
    for c in channels:
        _find(stored, c, every[c])


def _measured(
    stored: StoredCorrection, n: int, c: int, region: Region, until: Step, across: bool = False
) -> Floats:
    """Return a region of a plane without saturated pixels, whose levels are those of the plane itself where it fits."""
    if stored.whole:
        stored.screen(n, c)
    plane = stored.plane(n, c, region, until)
    return plane.T if across else plane


def _find(stored: StoredCorrection, c: int, places: list[int]) -> None:
    """Find what one channel has, step by step: what was found is removed before the next is searched."""

    def keep(**values: object) -> None:
        stored.removals[c] = replace(stored.removals[c], **values)  # type: ignore[arg-type]

    def note(**values: object) -> None:
        keep(found=replace(stored.removals[c].found, **values))  # type: ignore[arg-type]

    standing = find_pattern(stored, c, places)
    if standing is not None:
        offsets = standing.offsets
        keep(standing=None if offsets is None else offsets.astype(np.float32))
        note(standing=standing.std, standing_removed=offsets is not None)
    at = square(stored)
    if places:
        middle = _measured(stored, _nearest(stored, c, places, len(places) // 2), c, at, Step.UPPER_LOWER)
        if is_blank(middle) or mosaic.pattern(middle) == "grid":
            return
    for across, name, step in (
        (False, "upper_lower", Step.UPPER_LOWER),
        (True, "left_right", Step.LEFT_RIGHT),
    ):
        note(**{name: _halves(stored, c, places, across, step)})
    for across, name, step in ((False, "rows", Step.ROWS), (True, "columns", Step.COLUMNS)):
        noise, rule = _line_noise(stored, c, places, across, step)
        keep(**{name: rule})
        note(**{name: noise})
    note(noisy_pixels=find_noisy(stored, c, places))


def _nearest(stored: StoredCorrection, c: int, places: Sequence[int], at: int) -> int:
    """Return the place at a position, or the next one that is not blank."""
    return next((n for n in places[at:] if not stored.source.is_blank(n, c)), places[at])


def _halves(
    stored: StoredCorrection, c: int, places: Sequence[int], across: bool, step: Step
) -> Halves | None:
    at = square(stored)
    axis = 1 if across else 0
    if stored.layout.space[axis] % 2 or not places:
        return None
    chosen = _some(stored, c, places, _MAX_MEAN)
    if not chosen:
        return None
    total = np.zeros([each.stop - each.start for each in at])
    total = total.T if across else total
    for n in chosen:
        total = total + _measured(stored, n, c, at, step, across)
    halves = find_halves(total / len(chosen))
    if halves is None:
        return None
    gain = gain_by_noise(
        [_measured(stored, n, c, at, step, across) for n in _some(stored, c, places, _MAX_GAINS)]
    )
    return halves if gain is None else replace(halves, gain=gain)


def _line_noise(
    stored: StoredCorrection, c: int, places: Sequence[int], across: bool, step: Step
) -> tuple[LineNoise | None, LineRule | None]:
    """Return the offsets of the rows, or of the columns, of some planes, and how those of all planes are known."""
    at = square(stored)
    chosen = _some(stored, c, places, _MAX_LOOKED)
    seen: dict[int, Lines | None] = {n: find_lines(_measured(stored, n, c, at, step, across)) for n in chosen}
    number = sum(each is not None for each in seen.values())
    if not number:
        return None, None
    rule = LineRule(2 * number > len(seen), tuple(chosen))
    found: dict[int, Lines] = {}
    noise: list[float] = []
    for n in chosen:
        plane = _measured(stored, n, c, at, step, across)
        lines = seen[n] or find_lines(plane, rule.expected)
        stored.looked(EFFORT_OF_LINES)
        if lines is not None:
            found[n] = second_estimate(plane, lines) if stored.whole else lines
            noise.append(rough_std(plane))
    std = float(np.median([each.std for each in found.values()]))
    periods = [each.period for each in found.values()]
    period = periods[0] if min(periods) == max(periods) else 0
    relative = std / max(float(np.median(noise)), 1e-300)
    if stored.whole:
        for n in chosen:
            stored.keep(n, c, across, found.get(n))
        return LineNoise(std, relative, len(found), len(chosen), period), rule
    span = at[1 if across else 0]
    if not period or span.stop - span.start < _REPEATS * period:
        return LineNoise(std, relative, len(found), len(chosen), period, removed=False), None
    offsets = np.mean([each.offsets for each in found.values()], axis=0)
    phases = offsets[: len(offsets) // period * period].reshape(-1, period).mean(0)
    lines_of = np.arange(stored.layout.space[1 if across else 0])
    stripes = phases[(lines_of - span.start) % period]
    return LineNoise(std, relative, len(found), len(chosen), period), replace(rule, stripes=stripes)
