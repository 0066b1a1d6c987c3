"""Memory layouts: channels last, in which convolutions (of bfloat16 above all) are fastest, and space to depth."""

from __future__ import annotations

import torch
from torch import Tensor, nn

_FORMATS = {4: torch.channels_last, 5: torch.channels_last_3d}


def kernels_channels_last(module: nn.Module) -> None:
    """Change the memory layout of the weights of convolutions to channels last, in place."""
    for parameter in module.parameters():
        if parameter.ndim in _FORMATS:
            parameter.data = channels_last(parameter.data)


def channels_last(features: Tensor) -> Tensor:
    """Return features ``(b, c, *space)`` with channels last in memory, copied if necessary."""
    return features.contiguous(memory_format=_FORMATS[features.ndim])


def one_channel_last(image: Tensor) -> Tensor:
    """Return an image of one channel, ``(b, 1, *space)``, as a view that PyTorch recognises as channels last.

    An image of one channel has both layouts. PyTorch would regard it as channels first, and so would be the features
    computed from it, whose layout would then be converted wherever they are used.
    """
    batch, _, *space = image.stride()
    return image.as_strided(image.shape, (batch, 1, *space))


def fold(image: Tensor) -> Tensor:
    """Return ``(b, c, *space)`` with 2×2 blocks of Y and X as channels (space to depth), ``(b, *smaller, 4, c)``."""
    last = image.movedim(
        1, -1
    ).contiguous()  # One copy for each of the two moves: both in one take four times as long.
    *lead, height, width, channels = last.shape
    blocks = last.view(*lead, height // 2, 2, width // 2, 2, channels).transpose(-4, -3)
    return blocks.reshape(*lead, height // 2, width // 2, 4, channels)


def unfold(blocks: Tensor) -> Tensor:
    """Return the inverse of `fold` (depth to space)."""
    *lead, height, width, _, channels = blocks.shape
    rows = blocks.reshape(*lead, height, width, 2, 2, channels).transpose(-4, -3)
    return rows.reshape(*lead, 2 * height, 2 * width, channels).movedim(-1, 1)
