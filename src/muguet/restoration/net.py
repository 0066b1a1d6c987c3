"""The interface of all networks: modules that estimate the signal, with a known halo and optionally a gate."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

from torch import Tensor, nn


class Prediction(NamedTuple):
    """The output of a network for an image ``(b, 1, *space)``.

    Attributes
    ----------
    blind
        The estimate b of the signal, of the image's shape.
    gate
        The weight g of a pixel's own value y in the estimate b + g (y − b), between 0 and 1, of the image's shape;
        None for networks without a gate.
    penalty
        A scalar that is added to the loss; None for most networks.
    error
        The variance of the error of b + g (y − b), of the image's shape, in units of the variance of the noise; None
        for networks that do not predict it.
    """

    blind: Tensor
    gate: Tensor | None = None
    penalty: Tensor | None = None
    error: Tensor | None = None


class Net(nn.Module, ABC):
    """A network (D-net), which returns a `Prediction` for an image ``(b, 1, *space)``.

    Attributes
    ----------
    dims
        Number of spatial dimensions, 2 or 3.
    """

    dims: int

    @property
    @abstractmethod
    def stride(self) -> tuple[int, ...]:
        """Number of which the input's size must be a multiple, for each spatial axis."""

    @property
    @abstractmethod
    def halo(self) -> tuple[int, ...]:
        """Largest distance between an output pixel and an input pixel that it depends on, for each spatial axis."""

    @abstractmethod
    def forward(self, image: Tensor) -> Prediction:
        """Estimate the signal of an image ``(b, 1, *space)`` in network units."""

    def __call__(self, image: Tensor) -> Prediction:
        """Estimate the signal, see `forward`."""
        prediction: Prediction = super().__call__(image)
        return prediction


class GatedNet(Net):
    """A network whose `Prediction` has a gate."""

    @abstractmethod
    def open_gate(self, share: float) -> None:
        """Set the gate to `share` everywhere, its value at the start of learning."""
