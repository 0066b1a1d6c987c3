"""A network behind the Anscombe transform, after which the noise has the same variance everywhere."""

from __future__ import annotations

import torch
from torch import Tensor

from muguet.restoration.net import GatedNet, Prediction

SHIFT = 0.375
"""The constant of Anscombe's transform, with which the variance of Poisson noise is nearest to one."""

LEVEL, UNIT = 10.0, 3.0
"""The inner network sees (z − `LEVEL`) / `UNIT`, so that its input is of the order of one."""


class Stabilised(GatedNet):
    """A network in units of effective photo-electrons, in which the variance of the noise is equal to the signal.

    The image u is transformed to z = 2 √(u + 3/8), in which noise has a variance near one, whatever the signal and the
    camera: one inner network serves for all. Its blind estimate is transformed back by u = z²/4 − 3/8. The gate and the
    error are passed on; the error is in units of u + 3/8, the variance of the noise.

    For a camera whose noise has the variance g·y + c at y counts, the units are u = (y + c/g) / g (the generalised
    transform of Murtagh, Starck & Bijaoui 1995, A&AS 112, 179; Anscombe 1948, doi:10.1093/biomet/35.3-4.246).

    Parameters
    ----------
    net
        The inner network, which works with noise of the variance 1 / UNIT².
    """

    def __init__(self, net: GatedNet) -> None:
        super().__init__()
        self.net, self.dims = net, net.dims

    @property
    def stride(self) -> tuple[int, ...]:
        """Number of which the input's size must be a multiple, for each spatial axis."""
        return self.net.stride

    @property
    def halo(self) -> tuple[int, ...]:
        """Largest distance between an output pixel and an input pixel that it depends on, for each spatial axis."""
        return self.net.halo

    def open_gate(self, share: float) -> None:
        """Set the gate to `share` everywhere, its value at the start of learning."""
        self.net.open_gate(share)

    def forward(self, image: Tensor) -> Prediction:
        """Return the estimate of an image ``(b, 1, *space)`` in effective photo-electrons, in float32."""
        with torch.autocast(image.device.type, enabled=False):
            stable = 2 * (image.float() + SHIFT).clamp(min=0).sqrt()
        inner = self.net((stable - LEVEL) / UNIT)
        with torch.autocast(image.device.type, enabled=False):
            root = (inner.blind.float() * UNIT + LEVEL).clamp(min=0) / 2
            return inner._replace(blind=root.square() - SHIFT)
