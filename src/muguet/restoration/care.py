"""The U-Nets of CARE, Noise2Void and N2V2, in two or three dimensions."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from muguet.restoration.blur import reflect
from muguet.restoration.convolutions import convolve_concatenated, convolve_upsampled, last_layer
from muguet.restoration.memory_format import channels_last, one_channel_last
from muguet.restoration.net import Net, Prediction


class CareUNet(Net):
    """A U-Net of two levels with two convolutions each, max pooling, and twice the channels in each lower level.

    CARE (Weigert et al. 2018, doi:10.1038/s41592-018-0216-7) has kernels of 5 pixels in 2-D and of 3 in 3-D, and adds
    its output to the input. Noise2Void (Krull et al. 2019, arXiv:1811.10980) has kernels of 3 pixels and no addition.
    N2V2 (Höck et al. 2022, arXiv:2211.08512) blurs between the maximum and the subsampling of a pooling and has no
    skip at full resolution, both of which reduce checkerboard artefacts of the blind spots.

    Parameters
    ----------
    dims
        Number of spatial dimensions, 2 or 3.
    kernel
        Size of the kernels in pixels along each axis.
    residual
        Whether the output is added to the image.
    blur_pool
        Whether a blur lies between the maximum and the subsampling of a pooling.
    top_skip
        Whether the decoder receives the features of full resolution.
    width
        Number of channels of the top level.
    """

    def __init__(
        self,
        dims: int = 2,
        kernel: int = 3,
        residual: bool = False,
        blur_pool: bool = False,
        top_skip: bool = True,
        width: int = 32,
    ) -> None:
        super().__init__()
        self.dims, self.kernel, self.residual = dims, kernel, residual
        self.blur_pool, self.top_skip = blur_pool, top_skip

        def block(inputs: int, middle: int, outputs: int) -> nn.ModuleList:
            conv = nn.Conv2d if dims == 2 else nn.Conv3d
            pair = [
                conv(inputs, middle, kernel, padding=kernel // 2),
                conv(middle, outputs, kernel, padding=kernel // 2),
            ]
            for layer in pair:
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
            return nn.ModuleList(pair)

        self.down = nn.ModuleList([block(1, width, width), block(width, 2 * width, 2 * width)])
        self.bottom = block(2 * width, 4 * width, 2 * width)
        top = 2 * width if top_skip else width
        self.up = nn.ModuleList([block(4 * width, 2 * width, width), block(top, width, width)])
        self.out = (nn.Conv2d if dims == 2 else nn.Conv3d)(width, 1, 1)
        nn.init.normal_(self.out.weight, std=1e-2)
        nn.init.zeros_(self.out.bias)  # type: ignore[arg-type]

    @property
    def stride(self) -> tuple[int, ...]:
        """Number of which the input's size must be a multiple, for each spatial axis."""
        return (4,) * self.dims

    @property
    def halo(self) -> tuple[int, ...]:
        """Largest distance between an output pixel and an input pixel that it depends on, for each spatial axis."""
        half = 2 * (
            self.kernel // 2
        )  # Two convolutions, in each of five stages with pixels 1, 2, 4, 2 and 1 wide.
        cell = 4 - 1  # The distance across a pixel of the lowest level, which is 4 pixels wide.
        blur = 1 + 2 if self.blur_pool else 0
        reach = (1 + 2 + 4 + 2 + 1) * half + cell + blur
        return (reach,) * self.dims

    def forward(self, image: Tensor) -> Prediction:
        """Estimate the signal of an image ``(b, 1, *space)``."""
        features, skips = one_channel_last(image), []
        for block in self.down:
            features = _convolved(features, block)
            skips.append(features)
            features = self._pool(features)
        features = _convolved(features, self.bottom)
        for level, (block, skip) in enumerate(zip(self.up, reversed(skips), strict=True)):
            features = _convolved_upsampled(features, block, skip if level == 0 or self.top_skip else None)
        out = last_layer(features, self.out)
        return Prediction(out + image if self.residual else out)

    def _pool(self, features: Tensor) -> Tensor:
        if not self.blur_pool:
            return F.max_pool2d(features, 2) if self.dims == 2 else F.max_pool3d(features, 2)
        # The maximum at full resolution, then a binomial blur, then every second pixel: Zhang 2019, arXiv:1904.11486.
        pooled = F.max_pool2d(features, 2, 1) if self.dims == 2 else F.max_pool3d(features, 2, 1)
        pooled = F.pad(pooled, (0, 1) * self.dims, mode="replicate")
        channels = pooled.shape[1]
        binomial = torch.tensor([0.25, 0.5, 0.25], dtype=pooled.dtype, device=pooled.device)
        convolve = F.conv2d if self.dims == 2 else F.conv3d
        pooled = reflect(pooled, (1,) * self.dims)
        for axis in range(self.dims):
            taps = binomial.view(1, 1, *(-1 if a == axis else 1 for a in range(self.dims)))
            pooled = convolve(pooled, taps.expand(channels, *taps.shape[1:]), groups=channels)
        return channels_last(pooled[..., ::2, ::2] if self.dims == 2 else pooled[..., ::2, ::2, ::2])


def _convolved(features: Tensor, block: nn.Module) -> Tensor:
    """The features after the two convolutions of a block, each with a ReLU."""
    first, second = block.children()
    return F.relu_(second(F.relu_(first(features))))


def _convolved_upsampled(features: Tensor, block: nn.Module, skip: Tensor | None) -> Tensor:
    """The same for features upsampled by 2 and, if there is a skip, concatenated with it."""
    first, second = block.children()
    twice = (2,) * (features.ndim - 2)
    if skip is None:
        features = convolve_upsampled(features, first.weight, twice, first.bias)  # type: ignore[arg-type]
    else:
        features = convolve_concatenated(skip, features, first, twice)  # type: ignore[arg-type]
    return F.relu_(second(F.relu_(features)))
