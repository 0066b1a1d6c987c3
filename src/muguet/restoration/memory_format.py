"""Channels last: the layout in memory in which convolutions, in bfloat16 above all, are fastest; space as channels."""

from __future__ import annotations

import torch
from torch import Tensor, nn

_FORMATS = {4: torch.channels_last, 5: torch.channels_last_3d}


def kernels_channels_last(module: nn.Module) -> None:
    """Lay out the weights of convolutions with channels last, in place."""
    for parameter in module.parameters():
        if parameter.ndim in _FORMATS:
            parameter.data = channels_last(parameter.data)


def channels_last(features: Tensor) -> Tensor:
    """Features ``(b, c, *space)`` with channels last in memory, copied if they are not."""
    return features.contiguous(memory_format=_FORMATS[features.ndim])


def one_channel_last(image: Tensor) -> Tensor:
    """An image of one channel, ``(b, 1, *space)``, as one that has it last, of the same memory.

    Such an image has both layouts, and a convolution takes it for channels first: what it makes of it then has them
    first too, and is laid out anew wherever it is used.
    """
    batch, _, *space = image.stride()
    return image.as_strided(image.shape, (batch, 1, *space))


def fold(image: Tensor) -> Tensor:
    """Space to depth: of ``(b, c, *space)`` each 2×2 block of Y and X in one place, ``(b, *smaller, 4, c)``."""
    last = image.movedim(1, -1).contiguous()  # by itself: to move both at once takes four times as long
    *lead, height, width, channels = last.shape
    blocks = last.view(*lead, height // 2, 2, width // 2, 2, channels).transpose(-4, -3)
    return blocks.reshape(*lead, height // 2, width // 2, 4, channels)


def unfold(blocks: Tensor) -> Tensor:
    """Depth to space, the inverse of `fold`."""
    *lead, height, width, _, channels = blocks.shape
    rows = blocks.reshape(*lead, height, width, 2, 2, channels).transpose(-4, -3)
    return rows.reshape(*lead, 2 * height, 2 * width, channels).movedim(-1, 1)
