"""Laws of both networks: a true halo, the same answer wherever an image lies, in any layout or precision."""

from __future__ import annotations

import pytest
import torch

from muguet.restoration import BehindOptics, CareUNet, FilterBankNet, UNet
from muguet.restoration.memory_format import kernels_channels_last

NETS = {
    "unet 2-D": (lambda: UNet(2, width=8), (48, 48)),
    "unet 2-D, 3 levels": (lambda: UNet(2, width=4, levels=3), (96, 96)),
    "unet 3-D": (lambda: UNet(3, width=3, levels=1), (20, 20, 20)),
    "CARE 2-D": (lambda: CareUNet(2, kernel=5, residual=True, width=3), (112, 112)),
    "Noise2Void 2-D": (lambda: CareUNet(2, width=3), (64, 64)),
    "N2V2 2-D": (lambda: CareUNet(2, blur_pool=True, top_skip=False, width=3), (80, 80)),
    "CARE 3-D": (lambda: CareUNet(3, residual=True, width=2), (64, 64, 64)),
    "behind optics": (lambda: BehindOptics(UNet(2, width=8), 1.5), (64, 64)),
    "behind a given PSF": (
        lambda: BehindOptics(UNet(2, width=8), ((0, 1, 0), (1, 2, 3), (0, 1, 0))),
        (52, 52),
    ),
    "filter bank 2-D": (lambda: FilterBankNet(2, (4, 4)), (96, 96)),
    "filter bank 2-D, default": (lambda: FilterBankNet(2, (4, 4, 4)), (136, 136)),
    "filter bank 3-D": (lambda: FilterBankNet(3, (3, 3)), (36, 96, 96)),
}


@pytest.fixture(params=NETS)
def net_and_space(request):
    torch.manual_seed(0)
    build, space = NETS[request.param]
    return build().eval(), space


def centre(net, space):
    """The middle pixel, at the beginning of a stride."""
    return [n // 2 // s * s for n, s in zip(space, net.stride, strict=True)]


def answer(net, image):
    """The estimate of a network, with the pixel itself where it has a gate."""
    blind, gate, *_ = net(image)
    return blind if gate is None else blind + gate * (image - blind)


@pytest.mark.slow
def test_halo_is_how_far_an_input_reaches(net_and_space):
    net, space = net_and_space
    dims = len(space)
    with torch.no_grad():  # with positive weights and images every ReLU is open
        for parameter in net.parameters():
            parameter.copy_(0.3 * parameter.abs())
    for axis in range(dims):
        reach = 0
        for phase in range(net.stride[axis]):
            place = centre(net, space)
            place[axis] += phase
            for _ in range(2):  # the largest of a pool hides the others, another image picks others
                image = torch.rand(1, 1, *space, requires_grad=True)
                (influence,) = torch.autograd.grad(answer(net, image)[(0, 0, *place)], image)
                along = influence[0, 0].abs().amax([a for a in range(dims) if a != axis])
                reach = max(reach, int((along.nonzero().flatten() - place[axis]).abs().max()))
        assert reach <= net.halo[axis] < space[axis] // 2
        assert net.halo[axis] <= reach + net.stride[axis]


def test_an_image_moved_by_a_stride_gives_the_estimate_moved_by_a_stride(net_and_space):
    net, space = net_and_space
    image = torch.randn(1, 1, *(n + 2 * s for n, s in zip(space, net.stride, strict=True)))
    moved = (..., *(slice(s, -s) for s in net.stride))
    halo = [-(-h // s) * s for h, s in zip(net.halo, net.stride, strict=True)]
    inside = (..., *(slice(h, n - h) for h, n in zip(halo, space, strict=True)))
    with torch.no_grad():
        part, whole = answer(net, image[moved]), answer(net, image)[moved]
    assert part[inside].numel() > 0
    torch.testing.assert_close(part[inside], whole[inside], rtol=1e-4, atol=1e-5)


def test_estimates_have_the_shape_of_the_image_and_samples_are_independent(net_and_space):
    net, space = net_and_space
    space = [2 * s for s in net.stride] if len(space) == 2 else [max(4, 2 * s) for s in net.stride]
    batch = torch.randn(3, 1, *space)
    with torch.no_grad():
        estimates = answer(net, batch)
        assert estimates.shape == batch.shape
        assert estimates.dtype == torch.float32
        torch.testing.assert_close(answer(net, batch[1:2]), estimates[1:2], rtol=1e-4, atol=1e-5)


def test_channels_last_gives_the_same(net_and_space):
    net, space = net_and_space
    image = torch.randn(1, 1, *(max(n // 3 // s, 1) * s for n, s in zip(space, net.stride, strict=True)))
    with torch.no_grad():
        before = answer(net, image)
        kernels_channels_last(net)
        torch.testing.assert_close(answer(net, image), before, rtol=1e-4, atol=1e-5)


@pytest.mark.filterwarnings("ignore")
def test_bfloat16_is_close_to_float32(net_and_space):
    net, space = net_and_space
    image = torch.randn(1, 1, *(max(n // 3 // s, 1) * s for n, s in zip(space, net.stride, strict=True)))
    with torch.no_grad():
        exact = answer(net, image)
        with torch.autocast("cpu", torch.bfloat16):
            rounded = answer(net, image)
    assert rounded.dtype == torch.float32
    assert (rounded - exact).abs().max() < 0.05 * exact.abs().max()
