"""Convolutions of concatenated or upsampled features without building these, and the last layer of a network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Convolution = nn.Conv2d | nn.Conv3d
_CPU_ROWS = (
    4096  # On a CPU this many rows are converted to float32 at a time, so that they stay in its cache.
)


def convolve_concatenated(
    skip: Tensor, low: Tensor, layer: Convolution, enlarge: tuple[int, ...] = ()
) -> Tensor:
    """Return a convolution of the channels of `skip` followed by those of `low`, without concatenating them.

    As a convolution is linear, the result is the sum of two: that of `skip` and that of `low`, each with its part of
    the weights. `low` is first upsampled by the factors `enlarge`, if there are any, see `convolve_upsampled`.
    """
    skip_weight, low_weight = torch.split(layer.weight, [skip.shape[1], low.shape[1]], 1)
    convolve = F.conv2d if skip.ndim == 4 else F.conv3d
    kept = [size // 2 for size in layer.kernel_size]
    found = convolve(skip, skip_weight, layer.bias, padding=kept)
    return found.add_(
        convolve_upsampled(low, low_weight, enlarge) if enlarge else convolve(low, low_weight, padding=kept)
    )


def convolve_upsampled(
    features: Tensor, weight: Tensor, factors: tuple[int, ...], bias: Tensor | None = None
) -> Tensor:
    """Return features upsampled by 1 or 2 along each axis (nearest neighbour), then convolved to the same size.

    As upsampled pixels are equal in pairs, this is a transposed convolution of the original features, with the kernel
    convolved with a pair of ones along each upsampled axis. For two upsampled axes it needs 16 products instead of 36
    for a kernel of 3×3, and 9 instead of 16 for one of 2×2.

    Parameters
    ----------
    features
        ``(b, inputs, *space)``.
    weight
        Kernel ``(outputs, inputs, *taps)``, of one size along all axes. An even kernel extends one pixel farther after
        the pixel than before it, and needs all axes to be upsampled. Pixels beyond the border count as zero.
    factors
        1 or 2 for each spatial axis.
    bias
        ``(outputs,)``, added to the result; None: no bias.
    """
    dims, taps = len(factors), weight.shape[-1]
    before, after = (taps - 1) // 2, taps // 2
    spread = weight.transpose(0, 1).flip(list(range(2, 2 + dims)))
    for axis, factor in enumerate(reversed(factors)):
        if factor == 2:
            spread = F.pad(spread, (*(0, 0) * axis, 1, 0)) + F.pad(spread, (*(0, 0) * axis, 0, 1))
    transposed = F.conv_transpose2d if dims == 2 else F.conv_transpose3d
    found = transposed(features, spread, stride=factors, padding=after, output_padding=after - before)
    # The bias is added separately, since its gradient in a transposed convolution takes longer than all others together
    # (PyTorch 2.13, oneDNN), and in the same precision, since a sum of two precisions takes twenty times as long.
    return found if bias is None else found.add_(bias.to(found.dtype).view(-1, *(1,) * dims))


def last_layer(features: Tensor, layer: Convolution) -> Tensor:
    """Return a 1ᵈ convolution in float32, since an estimate in bfloat16 would have only eight bits.

    Its gradient has the precision of the features, as for any other layer. In float32, as a convolution to one channel,
    it would take a tenth of the time of a step.
    """
    with torch.autocast(features.device.type, enabled=False):
        product: Callable[..., Tensor] = _Product.apply
        rows = product(features.movedim(1, -1), layer.weight.flatten(1), layer.bias)
    return rows.movedim(-1, 1)


class _Product(torch.autograd.Function):
    """The product of ``(..., inputs)`` and the transpose of ``(outputs, inputs)``, plus a bias ``(outputs,)``."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(rows, weight)
        size = _CPU_ROWS if rows.device.type == "cpu" else rows.numel()
        parts = torch.split(rows.reshape(-1, rows.shape[-1]), size)
        return torch.cat([F.linear(part.float(), weight, bias) for part in parts]).view(*rows.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        rows, weight = ctx.saved_tensors
        flat = slope.reshape(-1, slope.shape[-1])
        low = flat.to(rows.dtype)
        to_rows = (low @ weight.to(rows.dtype)).view(rows.shape)
        return to_rows, (low.T @ rows.reshape(-1, rows.shape[-1])).to(weight.dtype), flat.sum(0)
