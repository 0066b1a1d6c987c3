"""The network (D-net) of the original publication: a shallow U-Net of constant width, in 2-D or 3-D."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from muguet.restoration.convolutions import convolve_concatenated, convolve_upsampled, last_layer
from muguet.restoration.memory_format import one_channel_last
from muguet.restoration.net import Net, Prediction


class UNet(Net):
    """A U-Net of two levels, each with one 3ᵈ convolution, a ReLU and max pooling on the way down.

    On the way up, features are upsampled by 2 (nearest neighbour), convolved with 2ᵈ kernels, concatenated with the
    skip and convolved with 3ᵈ kernels. Two 1ᵈ convolutions with a ReLU and a linear one follow. The network predicts
    the signal itself, not a residual. Ollion et al., 2021, arXiv:2102.08023; Ronneberger et al.,
    2015, arXiv:1505.04597.

    Parameters
    ----------
    dims
        Number of spatial dimensions, 2 or 3.
    width
        Number of channels of every level.
    levels
        Number of downsamplings.
    """

    def __init__(self, dims: int = 2, width: int = 64, levels: int = 2) -> None:
        super().__init__()
        self.dims, self.levels = dims, levels
        conv = nn.Conv2d if dims == 2 else nn.Conv3d
        self.down = nn.ModuleList(conv(1 if i == 0 else width, width, 3, padding=1) for i in range(levels))
        self.bottom = conv(width, width, 3, padding=1)
        self.up = nn.ModuleList(conv(width, width, 2) for _ in range(levels))
        self.join = nn.ModuleList(conv(2 * width, width, 3, padding=1) for _ in range(levels))
        relu = nn.ReLU(inplace=True)
        self.tail = nn.Sequential(conv(width, width, 1), relu, conv(width, width, 1), relu)
        self.out = conv(width, 1, 1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Conv3d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                nn.init.zeros_(module.bias)  # type: ignore[arg-type]
        nn.init.normal_(self.out.weight, std=1e-2)

    @property
    def stride(self) -> tuple[int, ...]:
        """Number of which the input's size must be a multiple, for each spatial axis."""
        return (2**self.levels,) * self.dims

    @property
    def halo(self) -> tuple[int, ...]:
        """Largest distance between an output pixel and an input pixel that it depends on, for each spatial axis."""
        reach = 2**self.levels  # The convolution of the lowest level.
        for level in range(self.levels):
            # The convolution and the pooling on the way down, and the two convolutions on the way up.
            reach += 2**level * (1 + 1 + 1 + 1)
        return (reach,) * self.dims

    def forward(self, image: Tensor) -> Prediction:
        """Estimate the signal of an image ``(b, 1, *space)``."""
        pool = F.max_pool2d if self.dims == 2 else F.max_pool3d
        features, skips = one_channel_last(image), []
        for down in self.down:
            features = F.relu_(down(features))
            skips.append(features)
            features = pool(features, 2)
        features = F.relu_(self.bottom(features))
        for up, join, skip in zip(self.up, self.join, reversed(skips), strict=True):
            features = convolve_upsampled(features, up.weight, (2,) * self.dims, up.bias)  # type: ignore[arg-type]
            features = F.relu_(convolve_concatenated(skip, features, join))  # type: ignore[arg-type]
        return Prediction(last_layer(self.tail(features), self.out))
