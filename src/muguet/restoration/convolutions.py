"""Convolutions of features that are never made: those beside others, those enlarged; and the last one of a network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Convolution = nn.Conv2d | nn.Conv3d
_ROWS = 4096  # that stay in a processor's cache while they are made float32


def convolve_beside(skip: Tensor, low: Tensor, layer: Convolution, enlarge: tuple[int, ...] = ()) -> Tensor:
    """`layer` of the features `skip` and, beside them, `low`, which may first be enlarged, see `convolve_enlarged`.

    A convolution is linear, so it is that of either by its own weights, without a copy of both.
    """
    ours, theirs = torch.split(layer.weight, [skip.shape[1], low.shape[1]], 1)
    convolve = F.conv2d if skip.ndim == 4 else F.conv3d
    kept = [size // 2 for size in layer.kernel_size]
    found = convolve(skip, ours, layer.bias, padding=kept)
    return found.add_(
        convolve_enlarged(low, theirs, enlarge) if enlarge else convolve(low, theirs, padding=kept)
    )


def convolve_enlarged(
    features: Tensor, weight: Tensor, factors: tuple[int, ...], bias: Tensor | None = None
) -> Tensor:
    """Nearest-neighbour enlargement by 1 or 2 along each axis, then a convolution that keeps the size.

    As pixels of the enlarged features are equal in pairs, it is a transposed convolution of the features as they are,
    by the taps convolved with a pair of ones along each enlarged axis: 16 products for 36 where 3 taps along two axes
    are enlarged, 9 for 16 where they are 2.

    Parameters
    ----------
    features
        ``(b, inputs, *space)``.
    weight
        ``(outputs, inputs, *taps)``, as many along each axis. An even number looks one pixel farther after the pixel
        than before it, and needs all axes enlarged. What lies beyond the border is zero.
    factors
        1 or 2, axis by axis.
    bias
        ``(outputs,)``, to be added.
    """
    dims, taps = len(factors), weight.shape[-1]
    before, after = (taps - 1) // 2, taps // 2
    spread = weight.transpose(0, 1).flip(list(range(2, 2 + dims)))
    for axis, factor in enumerate(reversed(factors)):
        if factor == 2:
            spread = F.pad(spread, (*(0, 0) * axis, 1, 0)) + F.pad(spread, (*(0, 0) * axis, 0, 1))
    transposed = F.conv_transpose2d if dims == 2 else F.conv_transpose3d
    found = transposed(features, spread, stride=factors, padding=after, output_padding=after - before)
    # By itself, as within it the slope of a bias takes longer than all others together (PyTorch 2.13, oneDNN), and of
    # one precision, as the sum of two takes twenty times as long.
    return found if bias is None else found.add_(bias.to(found.dtype).view(-1, *(1,) * dims))


def last_layer(features: Tensor, layer: Convolution) -> Tensor:
    """`layer`, of one tap, in float32, since an estimate in bfloat16 had eight bits.

    Its gradient has the features' precision, as that of any other layer: in float32, as that of a convolution to one
    channel, it would take a tenth of the time of a step.
    """
    with torch.autocast(features.device.type, enabled=False):
        product: Callable[..., Tensor] = _Product.apply
        rows = product(features.movedim(1, -1), layer.weight.flatten(1), layer.bias)
    return rows.movedim(-1, 1)


class _Product(torch.autograd.Function):
    """``(..., inputs)`` times the transpose of ``(outputs, inputs)``, and ``(outputs,)`` added."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(rows, weight)
        size = _ROWS if rows.device.type == "cpu" else rows.numel()
        parts = torch.split(rows.reshape(-1, rows.shape[-1]), size)
        return torch.cat([F.linear(part.float(), weight, bias) for part in parts]).view(*rows.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        rows, weight = ctx.saved_tensors
        flat = slope.reshape(-1, slope.shape[-1])
        low = flat.to(rows.dtype)
        to_rows = (low @ weight.to(rows.dtype)).view(rows.shape)
        return to_rows, (low.T @ rows.reshape(-1, rows.shape[-1])).to(weight.dtype), flat.sum(0)
