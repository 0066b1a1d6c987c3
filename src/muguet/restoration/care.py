"""The U-Net of CARE and Noise2Void, and N2V2's, in two or three dimensions."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from muguet.restoration.blur import reflect
from muguet.restoration.convolutions import convolve_beside, convolve_enlarged, last_layer
from muguet.restoration.memory_format import channels_last, one_channel_last
from muguet.restoration.net import Net, Prediction


class CareUNet(Net):
    """Two levels of two convolutions each, widths doubling from level to level, max-pooled, with skips.

    CARE (Weigert et al. 2018, doi:10.1038/s41592-018-0216-7): kernels of 5 in 2-D and 3 in 3-D, and the output
    is added to the input. Noise2Void (Krull et al. 2019, arXiv:1811.10980): kernels of 3, no addition. N2V2
    (Höck et al. 2022, arXiv:2211.08512): pools by a blur after the maximum, and the top skip is left out, since both
    let the checkerboard of blind spots through.

    Parameters
    ----------
    dims
        2 or 3 spatial dimensions.
    kernel
        Pixels of the kernels along each axis.
    residual
        Whether the net predicts what is to be added to the image.
    blur_pool
        Smooth between the maximum and the subsampling.
    top_skip
        Join the features of full resolution to the decoder.
    width
        Channels of the top level.
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
        """Input sizes must be multiples of this, axis by axis."""
        return (4,) * self.dims

    @property
    def halo(self) -> tuple[int, ...]:
        """How far an input pixel can be from an output pixel and still reach it, axis by axis."""
        half = 2 * (self.kernel // 2)  # two convolutions, of pixels 1, 2, 4, 2 and 1 wide
        cell = 4 - 1  # from one side of a pixel at the bottom to the other
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
            features = _convolved_enlarged(features, block, skip if level == 0 or self.top_skip else None)
        out = last_layer(features, self.out)
        return Prediction(out + image if self.residual else out)

    def _pool(self, features: Tensor) -> Tensor:
        if not self.blur_pool:
            return F.max_pool2d(features, 2) if self.dims == 2 else F.max_pool3d(features, 2)
        # Maximum of neighbours at full resolution, a binomial blur, every second pixel: Zhang 2019, arXiv:1904.11486.
        pooled = F.max_pool2d(features, 2, 1) if self.dims == 2 else F.max_pool3d(features, 2, 1)
        pooled = F.pad(pooled, (0, 1) * self.dims, mode="replicate")
        channels = pooled.shape[1]
        line = torch.tensor([0.25, 0.5, 0.25], dtype=pooled.dtype, device=pooled.device)
        convolve = F.conv2d if self.dims == 2 else F.conv3d
        pooled = reflect(pooled, (1,) * self.dims)
        for axis in range(self.dims):
            taps = line.view(1, 1, *(-1 if a == axis else 1 for a in range(self.dims)))
            pooled = convolve(pooled, taps.expand(channels, *taps.shape[1:]), groups=channels)
        return channels_last(pooled[..., ::2, ::2] if self.dims == 2 else pooled[..., ::2, ::2, ::2])


def _convolved(features: Tensor, block: nn.Module) -> Tensor:
    """Both convolutions."""
    first, second = block.children()
    return F.relu_(second(F.relu_(first(features))))


def _convolved_enlarged(features: Tensor, block: nn.Module, skip: Tensor | None) -> Tensor:
    """Both convolutions, of features twice as large that lie beside those of a skip if there is one."""
    first, second = block.children()
    twice = (2,) * (features.ndim - 2)
    if skip is None:
        features = convolve_enlarged(features, first.weight, twice, first.bias)  # type: ignore[arg-type]
    else:
        features = convolve_beside(skip, features, first, twice)  # type: ignore[arg-type]
    return F.relu_(second(F.relu_(features)))
