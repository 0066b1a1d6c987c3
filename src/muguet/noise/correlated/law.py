"""The law of noise that neighbouring pixels share."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from scipy.special import ndtr
from torch import Tensor

from muguet.noise.calibrated import stretched
from muguet.noise.kernel import Kernel
from muguet.noise.law import Distribution, Law


class Correlated(Law):
    """A law for every pixel, and the correlation of the noise of neighbouring pixels.

    The distribution of a single pixel is that of the law of the whitened image, narrowed about the signal by
    √(1 / level), as whitening makes the variance of the noise `level` times as large.

    Parameters
    ----------
    law
        The law of the image in which the noise is white; its mean is the signal.
    kernel
        The correlation of the noise.
    level
        Variance of the noise of that image, relative to the variance of this law.
    """

    def __init__(self, law: Law, kernel: Kernel, level: float) -> None:
        super().__init__()
        self.law, self.kernel, self.level = law, kernel, level

    @property
    def correlation(self) -> Kernel:
        """The correlation of the noise of neighbouring pixels."""
        return self.kernel

    def forward(self, signal: Tensor) -> Distribution:
        """Return the distribution of single pixels."""
        inner = self.law.forward(signal)
        return stretched(inner, signal, torch.full_like(inner.mean, self.level**-0.5))

    def _sampled(self, signal: Tensor, generator: torch.Generator) -> Tensor:
        """Draw an image ``(..., y, x)``; the noise of single values, of fewer dimensions, is independent.

        Where planes share noise, the axes before Y and X are `Kernel.axes`: stacks ``(..., z, y, x)`` or movies
        ``(..., t, y, x)`` are drawn.

        Gaussian noise g with the correlation of the kernel becomes F⁻¹(Φ(g) | x), where F is the distribution function
        of a pixel (a Gaussian copula): every pixel follows its law exactly, and the correlation is that of the kernel
        for Gaussian noise and very nearly for other noise.
        """
        if signal.ndim < 2:
            return super()._sampled(signal, generator)
        shape = list(signal.shape)
        for axis, reach in zip(range(-3, -signal.ndim - 1, -1), reversed(self.kernel.reach), strict=False):
            shape[axis] += 2 * reach
        white = torch.randn(shape, generator=generator, device=signal.device, dtype=torch.float64)
        levels = ndtr(self.kernel.filter(white.cpu().numpy()))
        below_one = np.clip(levels, 1e-12, 1 - 1e-12)
        drawn = self.forward(signal).quantile(torch.from_numpy(below_one).to(signal.device))
        return drawn.to(signal.dtype)

    def _tensor(self, values: npt.ArrayLike | Tensor) -> Tensor:
        return self.law._tensor(values)
