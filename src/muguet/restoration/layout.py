"""Channels last: the layout in memory in which convolutions, in bfloat16 above all, are fastest."""

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
