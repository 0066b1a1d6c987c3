"""A network whose output is convolved with the point spread function of the microscope."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from muguet.errors import MuguetError
from muguet.restoration.blur import gaussian_blur, reflect
from muguet.restoration.net import Net, Prediction

PSF = float | tuple[tuple[float, ...], ...]


class BehindOptics(Net):
    """A network whose estimate is PSF ∗ phantom, where the phantom is the output of an inner network.

    Estimates therefore have no structure finer than a microscope can record. The `penalty` of a prediction, which is
    added to the loss, is the mean of max(dark − phantom, 0), so that the phantom is nowhere far below the dark level.
    Goncharova et al. 2020, *Improving blind spot denoising for microscopy* (DecoNoising), arXiv:2008.08414, where the
    dark level is 0 counts. As cameras add an offset, here it is the level of the darkest places of the blurred images.

    Parameters
    ----------
    net
        The inner network, whose blind estimate is the phantom; its gate is not used.
    psf
        Standard deviation of a Gaussian in pixels, or a kernel ``(y, x)`` of odd sizes, which is divided by its sum.

    Raises
    ------
    MuguetError
        If the kernel has an even size or no positive sum, or if a kernel is given for a three-dimensional network.

    Attributes
    ----------
    dark
        The dark level, a scalar in network units.
    """

    dark: Tensor
    kernel: Tensor

    def __init__(self, net: Net, psf: PSF = 1.0) -> None:
        super().__init__()
        self.net, self.dims = net, net.dims
        self.sigma = float(psf) if isinstance(psf, int | float) else None
        self.radius: tuple[int, ...] = ()
        self.register_buffer("dark", torch.zeros(()), persistent=False)  # Only training needs it.
        if isinstance(psf, Sequence):
            kernel = torch.tensor(psf, dtype=torch.float32)
            if kernel.ndim != 2 or any(size % 2 == 0 for size in kernel.shape) or not kernel.sum() > 0:
                raise MuguetError(
                    f"the PSF has the shape {tuple(kernel.shape)}: give a 2-D kernel with odd sizes and a positive sum"
                )
            if net.dims != 2:
                raise MuguetError(
                    "a PSF kernel can be used for planes only: give a standard deviation for stacks"
                )
            self.radius = tuple(size // 2 for size in kernel.shape)
            self.register_buffer("kernel", (kernel / kernel.sum()).flip(0, 1)[None, None], persistent=False)
            return
        if not 0 < psf < 50:
            raise MuguetError(f"--psf is {psf}: give a standard deviation in pixels above 0, or a TIFF")
        self.radius = (int(4 * psf + 1),) * net.dims

    @property
    def stride(self) -> tuple[int, ...]:
        """Number of which the input's size must be a multiple, for each spatial axis."""
        return self.net.stride

    @property
    def halo(self) -> tuple[int, ...]:
        """Largest distance between an output pixel and an input pixel that it depends on, for each spatial axis."""
        return tuple(h + r for h, r in zip(self.net.halo, self.radius, strict=True))

    def forward(self, image: Tensor) -> Prediction:
        """Estimate the signal of an image ``(b, 1, *space)``."""
        phantom = self.net(image).blind.float()
        penalty = F.relu(self.dark - phantom).mean()
        with torch.autocast(image.device.type, enabled=False):
            if self.sigma is not None:
                return Prediction(gaussian_blur(phantom, self.sigma), penalty=penalty)
            recorded = F.conv2d(reflect(phantom, self.radius), self.kernel)
            return Prediction(recorded, penalty=penalty)
