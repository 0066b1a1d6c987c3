"""Flips and quarter turns of an image with their inverses, over which predictions are averaged."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from muguet.errors import MuguetError

COUNTS = (1, 2, 4, 8)
"""Possible numbers of symmetries: those of subgroups of the symmetry group of a square."""


@dataclass(frozen=True)
class Symmetry:
    """One of the eight symmetries of a square: an exchange of Y and X if `swap`, then flips of the axes `flips`."""

    swap: bool
    flips: tuple[int, ...]

    def apply(self, image: Tensor) -> Tensor:
        """Return the transformed image, whose last two axes are Y and X."""
        image = image.transpose(-2, -1) if self.swap else image
        return image.flip(self.flips) if self.flips else image

    def undo(self, image: Tensor) -> Tensor:
        """Return an image transformed by the inverse of `apply`."""
        image = image.flip(self.flips) if self.flips else image
        return image.transpose(-2, -1) if self.swap else image


def symmetries(quarter_turns: bool = True, max_count: int = 8) -> list[Symmetry]:
    """Return flips and quarter turns of the plane of Y and X, the identity first.

    Parameters
    ----------
    quarter_turns
        Whether quarter turns are allowed, which makes eight symmetries instead of four.
    max_count
        Maximum number of symmetries. 1: the identity; 2: also both flips at once; 4: all flips; 8: also their
        combinations with an exchange of Y and X.

    Raises
    ------
    MuguetError
        If `max_count` is not 1, 2, 4 or 8.
    """
    if max_count not in COUNTS:
        raise MuguetError(f"--symmetries is {max_count}: give 1, 2, 4 or 8")
    flips = [
        tuple(axis for axis, on in zip((-2, -1), both, strict=True) if on)
        for both in ((0, 0), (1, 1), (0, 1), (1, 0))
    ]
    found = [
        Symmetry(swap, flip) for swap in ((False, True) if quarter_turns else (False,)) for flip in flips
    ]
    return found[:max_count]
