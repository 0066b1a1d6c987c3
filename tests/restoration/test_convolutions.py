"""Features that are never made give what those that are would give, and so do their gradients."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from muguet.restoration.convolutions import convolve_concatenated, convolve_upsampled, last_layer

CONVOLUTIONS = {2: nn.Conv2d, 3: nn.Conv3d}
SPACE = (4, 6, 7)


def enlarged(features, factors):
    return F.interpolate(features, scale_factor=tuple(map(float, factors)), mode="nearest")


def with_gradients(answer, *inputs):
    weights = torch.linspace(-1, 1, answer.numel()).view_as(answer)
    return (answer, *torch.autograd.grad((answer * weights).sum(), inputs))


@pytest.mark.parametrize(
    ("taps", "factors"),
    [
        *((3, factors) for factors in [(2, 2), (1, 2), (1, 1), (1, 2, 2), (2, 2, 2)]),
        *((taps, factors) for taps in (2, 4, 5) for factors in [(2, 2), (2, 2, 2)]),
    ],
)
def test_a_convolution_of_enlarged_features(taps, factors):
    dims = len(factors)
    features = torch.randn(2, 5, *SPACE[:dims], requires_grad=True)
    weight = torch.randn(3, 5, *(taps,) * dims, requires_grad=True)
    bias = torch.randn(3, requires_grad=True)
    convolve = F.conv2d if dims == 2 else F.conv3d
    before, after = (taps - 1) // 2, taps // 2
    made = convolve(F.pad(enlarged(features, factors), (before, after) * dims), weight, bias)
    torch.testing.assert_close(
        with_gradients(convolve_upsampled(features, weight, factors, bias), features, weight, bias),
        with_gradients(made, features, weight, bias),
        rtol=1e-4,
        atol=1e-4,
    )


@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("dims", [2, 3])
def test_a_convolution_of_features_beside_others(dims, kernel):
    layer = CONVOLUTIONS[dims](5, 2, kernel, padding=kernel // 2)
    skip, low = (torch.randn(2, c, *SPACE[:dims], requires_grad=True) for c in (3, 2))
    inputs = skip, low, layer.weight, layer.bias
    torch.testing.assert_close(
        with_gradients(convolve_concatenated(skip, low, layer), *inputs),
        with_gradients(layer(torch.cat([skip, low], 1)), *inputs),
        rtol=1e-4,
        atol=1e-4,
    )


def test_a_convolution_of_enlarged_features_beside_others():
    layer = nn.Conv2d(5, 2, 3, padding=1)
    skip, low = torch.randn(2, 3, 8, 12), torch.randn(2, 2, 4, 6)
    made = layer(torch.cat([skip, enlarged(low, (2, 2))], 1))
    torch.testing.assert_close(convolve_concatenated(skip, low, layer, (2, 2)), made, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dims", [2, 3])
def test_the_last_layer_has_all_bits_even_of_bfloat16(dims):
    layer = CONVOLUTIONS[dims](6, 1, 1)
    features = torch.randn(2, 6, *SPACE[:dims])
    with torch.autocast("cpu", torch.bfloat16):
        answer = last_layer(features.bfloat16(), layer)
    assert answer.dtype == torch.float32
    torch.testing.assert_close(answer, layer(features.bfloat16().float()))


@pytest.mark.parametrize("outputs", [1, 3])
def test_the_last_layer_and_its_slopes(outputs):
    layer = nn.Conv2d(6, outputs, 1)
    features = torch.randn(2, 6, 70, 80, requires_grad=True)
    inputs = features, layer.weight, layer.bias
    ours, plain = (
        with_gradients(each(features), *inputs) for each in (lambda f: last_layer(f, layer), layer)
    )
    torch.testing.assert_close(ours, plain, rtol=1e-4, atol=1e-3)
