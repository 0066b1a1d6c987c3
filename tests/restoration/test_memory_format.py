"""Laws of the layout: the same values, and no convolution has to turn its input round; folding is undone."""

from __future__ import annotations

import pytest
import torch

from muguet.restoration import CareUNet, UNet
from muguet.restoration.memory_format import fold, kernels_channels_last, one_channel_last, unfold

NETS = {
    "unet": lambda: UNet(2, width=8),
    "care": lambda: CareUNet(2, width=8),
    "n2v2": lambda: CareUNet(2, blur_pool=True, top_skip=False, width=8),
}


@pytest.mark.parametrize("shape", [(2, 1, 6, 9), (3, 1, 1, 5), (2, 1, 3, 4, 5)])
def test_the_layout_changes_no_value(shape):
    image = torch.randn(shape)
    formats = {4: torch.channels_last, 5: torch.channels_last_3d}
    told = one_channel_last(image)
    assert torch.equal(told, image)
    assert told.data_ptr() == image.data_ptr()
    assert told.is_contiguous(memory_format=formats[len(shape)])
    part = image[1:, :, 1:] if shape[2] > 1 else image[1:]
    assert torch.equal(one_channel_last(part), part)


@pytest.mark.parametrize("name", NETS)
def test_channels_stay_last_all_the_way(name):
    net = NETS[name]()
    kernels_channels_last(net)
    turned = []

    def look(layer, inputs, output):
        for tensor in (inputs[0], output):
            if tensor.shape[1] > 1 and not tensor.is_contiguous(memory_format=torch.channels_last):
                turned.append((layer, tuple(tensor.shape)))

    for layer in net.modules():
        if isinstance(layer, torch.nn.Conv2d):
            layer.register_forward_hook(look)
    net(torch.randn(2, 1, 16, 24))
    assert turned == []


@pytest.mark.parametrize("shape", [(2, 3, 6, 8), (1, 2, 3, 4, 10), (1, 1, 2, 2)])
def test_unfold_undoes_fold(shape):
    image = torch.randn(shape)
    assert torch.equal(unfold(fold(image)), image)
    assert fold(image).shape == (shape[0], *shape[2:-2], shape[-2] // 2, shape[-1] // 2, 4, shape[1])


def test_folding_gathers_each_block():
    image = torch.arange(16.0).view(1, 1, 4, 4)
    assert fold(image)[0, 0, 0, :, 0].tolist() == [0, 1, 4, 5]
