"""What all cameras that count photo-electrons have in common."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from muguet.errors import MuguetError
from muguet.noise.law import Distribution, Law

FEWEST = 1e-300  # photo-electrons, so that none at all still has a logarithm and a gradient


class CameraLaw(Law):
    """A law with a gain, an offset and a read noise, whose mean is the signal.

    Parameters
    ----------
    gain
        Counts (ADU) a photo-electron.
    offset
        Counts of a pixel without light.
    read_noise
        Standard deviation of the read noise, in photo-electrons.
    """

    gain: Tensor
    offset: Tensor
    read_noise: Tensor

    def __init__(self, gain: float = 1.0, offset: float = 0.0, read_noise: float = 1.0) -> None:
        super().__init__()
        if not math.isfinite(offset):
            raise MuguetError(f"offset is {offset:g}: give the counts of a pixel without light")
        # Float64 like the sums over counts; being scalars, they leave the dtype of the signal as it is.
        self.register_buffer("gain", positive("gain", gain))
        self.register_buffer("offset", torch.tensor(float(offset), dtype=torch.float64))
        self.register_buffer("read_noise", positive("read_noise", read_noise))


@dataclass(frozen=True, eq=False)
class ElectronDistribution(Distribution):
    """Distribution of counts whose mean is the signal, with λ = (x − offset)/gain expected photo-electrons.

    No light gives a signal below the offset, but an estimate may lie there: the law goes on as read noise
    alone around the signal itself.

    Attributes
    ----------
    signal
        x in counts, of any shape.
    gain, offset, read_noise
        Of the camera, scalars.
    """

    signal: Tensor
    gain: Tensor
    offset: Tensor
    read_noise: Tensor

    @property
    def electrons(self) -> Tensor:
        """λ, the expected photo-electrons; zero for signals below the offset."""
        return ((self.signal - self.offset) / self.gain).clamp(min=0)

    @property
    def mean(self) -> Tensor:
        """The signal x itself."""
        return self.signal

    def in_electrons(self, value: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """λ, the value and the read noise in photo-electrons, of one shape, in float64.

        Float32 does not do: at λ = 10⁴ the terms of an exponent are of 10⁵ and cancel.
        """
        gain, offset = self.gain.double(), self.offset.double()
        light = (self.signal.double() - offset) / gain + torch.zeros_like(value)  # of their common shape
        dark = light.clamp(max=0)  # below the offset the law moves with the signal
        return light.clamp(min=FEWEST), (value.double() - offset) / gain - dark, self.read_noise.double()

    def dtype(self, value: Tensor) -> torch.dtype:
        """Of results for these values."""
        return torch.result_type(self.signal, value)


def positive(name: str, value: float) -> Tensor:
    """A parameter as a float64 scalar; an error unless it is finite and above zero."""
    if not 0 < value < math.inf:
        raise MuguetError(f"{name} is {value:g}: give a number above 0")
    return torch.tensor(float(value), dtype=torch.float64)
