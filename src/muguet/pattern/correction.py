"""Correct the counts of an image before anything else: lines, halves, standing patterns, noisy pixels, maps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from muguet.errors import MuguetError
from muguet.image import mosaic
from muguet.image.axes import Layout
from muguet.image.screen import Screened
from muguet.noise.transfer.single_image import rough_std
from muguet.pattern.found import Found, LineNoise
from muguet.pattern.halves import Halves, find_halves, gain_by_noise
from muguet.pattern.maps import Maps, quieted
from muguet.pattern.noisy_pixels import NoisyPixels, find_noisy_pixels
from muguet.pattern.rows import Lines, find_lines
from muguet.pattern.scanned import move_lines, moved_masks
from muguet.pattern.second import second_estimate
from muguet.pattern.stack import Stack
from muguet.pattern.standing import find_standing

Floats = npt.NDArray[np.float64]

AUTO: Literal["auto"] = "auto"
KEEP: Literal["keep"] = "keep"
CHOICES = (AUTO, KEEP)

_MAX_LOOKED = (
    9  # Lines are searched in this many planes of a series first, and if one has some in all of them.
)
_MAX_MEAN = 31  # Halves are searched in the mean of at most this many planes.
_MAX_GAINS = 5  # The gains of halves are measured on at most this many planes.
_MAX_FRAMES = 201  # Noisy pixels are searched in at most this many successive planes.


@dataclass(frozen=True, eq=False)
class Corrected:
    """An image with corrected counts.

    Attributes
    ----------
    screened
        The screened image with corrected values; the one that was given, if there was nothing to correct.
    found
        What was found in each channel.
    notes
        Sentences for the user.
    removed
        What was subtracted from the values, of their shape, or how they differ otherwise; None: nothing.
    """

    screened: Screened
    found: tuple[Found, ...] = ()
    notes: tuple[str, ...] = ()
    removed: npt.NDArray[np.float32] | None = None


@dataclass(frozen=True, eq=False)
class Correction:
    """How the counts of an image are corrected before the noise is measured and the image denoised.

    Attributes
    ----------
    lines
        "auto": find and remove lines, halves, standing patterns and the noise of noisy pixels; "keep": leave them in.
    maps
        Maps of the camera.
    """

    lines: str = AUTO
    maps: Maps = field(default_factory=Maps)

    def __post_init__(self) -> None:
        if self.lines not in CHOICES:
            raise MuguetError(f"--lines {self.lines} is not known: choose auto or keep")

    def __call__(
        self, screened: Screened, layout: Layout, name: str = "the image", move: bool = True
    ) -> Corrected:
        """Return a screened image with corrected values.

        Without maps, and if nothing is found, these are the values that were given, to the bit. Saturated pixels keep
        their values, and other values stay within the range of the detector, so that they can be recognised later.

        Parameters
        ----------
        screened, layout
            The image, and how its axes become planes.
        name
            Name of the image in messages.
        move
            Whether odd lines that are shifted may be moved back; not if the image is compared with one of its scene.

        Raises
        ------
        MuguetError
            If the maps have another size than the image.
        """
        values = screened.values
        self.maps.require_fit(name, layout.space, layout.channels)
        if values.dtype.kind not in "uif" or (self.lines == KEEP and not self.maps.given):
            return Corrected(screened)
        before = layout.split(values)
        planes = before.reshape(*before.shape[:2], -1, *before.shape[-2:])  # (n, c, z, y, x)
        stack = Stack(planes)
        found = [Found()] * layout.channels
        if self.lines == AUTO and move and not self.maps.given:  # A camera does not scan.
            found = move_lines(stack, layout.channels)
        for c in range(layout.channels):
            if self.maps.given:
                stack.change(c, partial(self._remove_maps, c))
            if self.lines == AUTO:
                found[c] = _remove_patterns(stack, c, found[c], self.maps.variance is not None)
        if stack.changed is None:
            return Corrected(screened, tuple(found), _notes(found, self.maps))
        after = layout.join(stack.changed.reshape(before.shape))
        with np.errstate(invalid="ignore"):
            removed = (values - after).astype(np.float32)
        screened = replace(moved_masks(screened, layout, found), values=after)
        return Corrected(screened, tuple(found), _notes(found, self.maps), removed)

    def _remove_maps(self, channel: int, plane: Floats, _: tuple[int, int]) -> Floats:
        return self.maps.remove(plane, channel)

    def as_dict(self) -> dict[str, Any]:
        """Return what differs from the default, for the header of a model file, which holds the maps themselves."""
        lines = {} if self.lines == AUTO else {"lines": self.lines}
        return lines | ({"maps": dict(self.maps.digests)} if self.maps.given else {})

    @property
    def identity(self) -> str:
        """A text that is empty for the default, and otherwise another one for every other correction."""
        digests = [f"{name} {digest}" for name, digest in self.maps.digests.items()]
        return "".join(f" {each}" for each in ([self.lines] if self.lines != AUTO else []) + digests)

    def plane(self, plane: npt.NDArray[Any], channel: int = 0) -> npt.NDArray[Any]:
        """Return one plane ``(y, x)`` corrected by itself, in float64; the plane itself if nothing was corrected.

        The maps are used if the plane has their size.
        """
        if plane.ndim != 2 or plane.dtype.kind not in "uif":
            return plane
        stack = Stack(plane[None, None, None])
        if any(each.shape[-2:] == plane.shape for each in self.maps.given.values()):
            stack.change(0, lambda each, _: self.maps.remove(each, channel))
        if self.lines == AUTO:
            _remove_patterns(stack, 0, (Found() if self.maps.given else move_lines(stack, 1)[0]))
        return plane if stack.changed is None else stack.changed[0, 0, 0].astype(np.float64)


def _remove_patterns(stack: Stack, c: int, found: Found, quiet: bool = False) -> Found:
    """Find and remove what one channel has, and return it with what was found before.

    `quiet`: the user's map has removed the noise of pixels.
    """
    places = stack.places(c)
    standing = find_standing([stack.now[n, c, z] for n, z in places]) if places else None
    if standing is not None and standing.offsets is not None:
        offsets = standing.offsets
        stack.change(c, lambda plane, _: plane - offsets)
    if places and mosaic.pattern(stack.plane(c, places[len(places) // 2])) == "grid":
        places = []  # The colours of a camera's mosaic alternate from line to line.
    upper_lower = _remove_halves(stack, c, places, False)
    left_right = _remove_halves(stack, c, places, True)
    rows = _remove_lines(stack, c, places, False)
    columns = _remove_lines(stack, c, places, True)
    return replace(
        found,
        rows=rows,
        columns=columns,
        upper_lower=upper_lower,
        left_right=left_right,
        standing=None if standing is None else standing.std,
        standing_removed=standing is not None and standing.offsets is not None,
        noisy_pixels=None if quiet else _quiet_pixels(stack, c, places),
    )


def _quiet_pixels(stack: Stack, c: int, places: Sequence[tuple[int, int]]) -> NoisyPixels | None:
    """Average noisy pixels with their neighbours, as with a variance map of the user."""
    noisy = find_noisy_pixels(stack.plane(c, place) for place in places[:_MAX_FRAMES])
    if noisy is not None:
        variance = noisy.variance
        stack.change(c, lambda plane, _: quieted(plane, variance))
    return noisy


def _remove_halves(stack: Stack, c: int, places: Sequence[tuple[int, int]], across: bool) -> Halves | None:
    if not places:
        return None
    mean = np.mean([stack.plane(c, place) for place in places[:: -(-len(places) // _MAX_MEAN)]], axis=0)
    halves = find_halves(mean.T if across else mean)
    if halves is not None:
        some = [stack.plane(c, place) for place in places[:: -(-len(places) // _MAX_GAINS)]]
        gain = gain_by_noise([plane.T if across else plane for plane in some])
        found = halves = halves if gain is None else replace(halves, gain=gain)
        stack.change(c, lambda plane, _: found.remove(plane.T).T if across else found.remove(plane))
    return halves


def _remove_lines(stack: Stack, c: int, places: Sequence[tuple[int, int]], across: bool) -> LineNoise | None:
    """Remove the offsets of the rows, or of the columns, of a channel."""

    def find(place: tuple[int, int], expected: bool) -> Lines | None:
        plane = stack.plane(c, place)
        return find_lines(plane.T if across else plane, expected)

    looked = places[:: -(-len(places) // _MAX_LOOKED)] if places else []
    seen = {place: find(place, False) for place in looked}
    number = sum(each is not None for each in seen.values())
    if not number:
        return None
    expected = 2 * number > len(seen)
    found: dict[tuple[int, int], Lines] = {}
    for place in places:
        lines = seen.get(place) or find(place, expected)
        if lines is not None:
            plane = stack.plane(c, place)
            found[place] = second_estimate(plane.T if across else plane, lines)
    noise = [rough_std(stack.plane(c, place)) for place in list(found)[:_MAX_LOOKED]]

    def subtract(plane: Floats, place: tuple[int, int]) -> Floats:
        if place not in found:
            return plane
        offsets = found[place].offsets
        return plane - (offsets if across else offsets[:, None])

    stack.change(c, subtract)
    std = float(np.median([each.std for each in found.values()]))
    periods = [each.period for each in found.values()]
    return LineNoise(
        std,
        std / max(float(np.median(noise)), 1e-300),
        len(found),
        len(places),
        int(np.median(periods)) if min(periods) == max(periods) else 0,
    )


def _notes(found: Sequence[Found], maps: Maps) -> tuple[str, ...]:
    notes = [maps.sentence()] if maps.given else []
    for c, each in enumerate(found):
        channel = f"Channel {c}: " if len(found) > 1 else ""
        notes += [channel + sentence for sentence in each.sentences()]
    return tuple(notes)
