"""The weights with which the estimates of several denoisers are averaged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self


@dataclass(frozen=True)
class Blend:
    """The weights of the estimates of one channel, which sum to one, and the brightness of their mean.

    Attributes
    ----------
    trained
        Weight of the network that was trained on the images.
    prior
        Weight of the prior, the network that was trained on procedural scenes.
    blur
        Weight of a Gaussian blur.
    sigma
        Standard deviation of the blur in pixels.
    brightness
        Factor of the weighted mean in network units, with which the result has the total signal of the recording.
    """

    trained: float = 1.0
    prior: float = 0.0
    blur: float = 0.0
    sigma: float = 0.0
    brightness: float = 1.0

    def as_dict(self) -> dict[str, float]:
        """Return the weights as values for the header of a file."""
        return asdict(self)

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> Self:
        """Return the blend that `as_dict` wrote."""
        return cls(**{name: float(value) for name, value in table.items()})
