"""The views, flips and quarter turns, over which the estimates of an image are averaged."""

from __future__ import annotations

from muguet.prediction.symmetry import Symmetry, symmetries
from muguet.recipes.parts import Parts

MAX_PIXELS_EIGHT = 2**22
"""Estimates of larger images are not averaged over views: eight views take eight times as long for 0.01 to 0.06 dB."""

ONE_VIEW = (Symmetry(False, ()),)
"""The image as it is."""


def views_of(parts: Parts, pixels: float, number: int | None = None) -> list[Symmetry]:
    """Return the flips and rotations to average over; by default all for small images, the identity for others.

    Parameters
    ----------
    parts
        The parts of the method, which say whether quarter turns are allowed.
    pixels
        Number of pixels of the image.
    number
        Number of views; None: the default.

    Raises
    ------
    MuguetError
        If the number is not 1, 2, 4 or 8.
    """
    small = pixels <= MAX_PIXELS_EIGHT
    return symmetries(parts.quarter_turns, (8 if small else 1) if number is None else number)
