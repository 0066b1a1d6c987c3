"""The flips and turns that an image allows, each with its inverse: prediction averages them."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from muguet.errors import MuguetError

COUNTS = (1, 2, 4, 8)


@dataclass(frozen=True)
class Symmetry:
    """An exchange of Y and X (or none), then flips along Y and X: one of the eight of a square."""

    swap: bool
    flips: tuple[int, ...]

    def apply(self, image: Tensor) -> Tensor:
        """Return the turned image; Y and X are the last two axes."""
        image = image.transpose(-2, -1) if self.swap else image
        return image.flip(self.flips) if self.flips else image

    def undo(self, image: Tensor) -> Tensor:
        """Turn an image back: the inverse of `apply`."""
        image = image.flip(self.flips) if self.flips else image
        return image.transpose(-2, -1) if self.swap else image


def symmetries(quarter_turns: bool = True, most: int = 8) -> list[Symmetry]:
    """Return flips and quarter turns of the plane of Y and X, the identity first.

    All eight, or without the turns the four flips; at most `most` of 1, 2, 4, 8: none, both flips at once, all flips.

    Raises
    ------
    MuguetError
        If `most` is another number: those are no group.
    """
    if most not in COUNTS:
        raise MuguetError(f"--symmetries is {most}: give 1, 2, 4 or 8")
    flips = [
        tuple(axis for axis, on in zip((-2, -1), both, strict=True) if on)
        for both in ((0, 0), (1, 1), (0, 1), (1, 0))
    ]
    found = [
        Symmetry(swap, flip) for swap in ((False, True) if quarter_turns else (False,)) for flip in flips
    ]
    return found[:most]
