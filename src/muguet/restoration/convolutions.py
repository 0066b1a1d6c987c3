"""Convolutions of features that are never made: those beside others, those enlarged; and the last one of a network."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Convolution = nn.Conv2d | nn.Conv3d


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


def convolve_enlarged(features: Tensor, weight: Tensor, factors: tuple[int, ...]) -> Tensor:
    """Nearest-neighbour enlargement by 1 or 2 along each axis, then a convolution by 3 taps that keeps the size.

    As pixels of the enlarged features are equal in pairs, it is a transposed convolution of the features as they are,
    by the taps convolved with a pair of ones along each enlarged axis: 16 products for 36 where these are two.

    Parameters
    ----------
    features
        ``(b, inputs, *space)``.
    weight
        ``(outputs, inputs, 3, ...)``; what lies beyond the border is zero.
    factors
        1 or 2, axis by axis.
    """
    dims = len(factors)
    taps = weight.transpose(0, 1).flip(list(range(2, 2 + dims)))
    for axis, factor in enumerate(reversed(factors)):
        if factor == 2:
            taps = F.pad(taps, (*(0, 0) * axis, 1, 0)) + F.pad(taps, (*(0, 0) * axis, 0, 1))
    transposed = F.conv_transpose2d if dims == 2 else F.conv_transpose3d
    return transposed(features, taps, stride=factors, padding=1)


def last_layer(features: Tensor, layer: Convolution) -> Tensor:
    """`layer`, of one tap, in float32: else the estimate had eight bits.

    As a product of matrices, since the gradient of a convolution to one channel takes three times as long.
    """
    with torch.autocast(features.device.type, enabled=False):
        rows = features.movedim(1, -1).float()
        return F.linear(rows, layer.weight.flatten(1), layer.bias).movedim(-1, 1)
