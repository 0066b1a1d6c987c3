"""How a denoised part of an image is computed, where it is looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from muguet.prediction.regions import Cut, RegionFunction


@dataclass(frozen=True, eq=False)
class Computation:
    """How the values of a tile are computed.

    Attributes
    ----------
    function
        Function of the values of a tile with its halo and of its channel.
    cut
        Sizes of the tiles and of the halo.
    """

    function: RegionFunction
    cut: Cut
