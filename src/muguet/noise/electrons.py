"""The common base of the laws of cameras that count photo-electrons."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from muguet.errors import MuguetError
from muguet.noise.law import Distribution, Law

# Smallest number of photo-electrons, so that no light still has a logarithm and a gradient.
MIN_ELECTRONS = 1e-300


class CameraLaw(Law):
    """A law with a gain, an offset and a read noise, whose mean is the signal.

    Parameters
    ----------
    gain
        Counts (ADU) per photo-electron.
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
        # In float64, like the sums over electrons; as scalars they do not change the dtype of the signal.
        self.register_buffer("gain", positive("gain", gain))
        self.register_buffer("offset", torch.tensor(float(offset), dtype=torch.float64))
        self.register_buffer("read_noise", positive("read_noise", read_noise))


@dataclass(frozen=True, eq=False)
class ElectronDistribution(Distribution):
    """Distribution of counts whose mean is the signal, with λ = (x − offset)/gain expected photo-electrons.

    No light gives a signal below the offset, but an estimate may lie there: the law is then read noise alone, around
    the signal itself.

    Attributes
    ----------
    signal
        x in counts, of any shape.
    gain, offset, read_noise
        Parameters of the camera, scalars.
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
        """Return λ, the value and the read noise in photo-electrons, of one shape, in float64.

        Float32 is not enough: at λ = 10⁴ the terms of an exponent are as large as 10⁵ and cancel.
        """
        gain, offset = self.gain.double(), self.offset.double()
        light = (self.signal.double() - offset) / gain + torch.zeros_like(
            value
        )  # broadcast to the common shape
        dark = light.clamp(max=0)  # Below the offset the law moves with the signal.
        return (
            light.clamp(min=MIN_ELECTRONS),
            (value.double() - offset) / gain - dark,
            self.read_noise.double(),
        )

    def dtype(self, value: Tensor) -> torch.dtype:
        """Return the dtype of results for these values."""
        return torch.result_type(self.signal, value)


def positive(name: str, value: float) -> Tensor:
    """Return a parameter as a float64 scalar; raise an error unless it is finite and above zero."""
    if not 0 < value < math.inf:
        raise MuguetError(f"{name} is {value:g}: give a number above 0")
    return torch.tensor(float(value), dtype=torch.float64)
