"""Laws of the filter bank: no filter holds the pixel itself, each keeps constants; folding is undone."""

from __future__ import annotations

import pytest
import torch

from muguet.restoration import FilterBankNet, filterbank, gaussian_blur
from muguet.restoration.filterbank import FilterBank

BANKS = {
    "2-D": ([(0.6, 0.6), (1.9, 1.9), (4.0, 4.0)], (9, 11)),
    "3-D": ([(0.0, 0.9, 0.9), (0.7, 1.0, 1.0)], (4, 7, 6)),
}


@pytest.mark.parametrize("name", BANKS)
def test_filters_sum_to_one_without_the_centre(name):
    sigmas, _ = BANKS[name]
    bank = FilterBank(sigmas)
    # Large enough that the centre's reflections in the borders are out of reach.
    image = torch.zeros(1, 1, *(2 * r + 3 for r in bank.radius))
    middle = tuple(r + 1 for r in bank.radius)
    image[(0, 0, *middle)] = 1
    response = bank(image)[0]
    torch.testing.assert_close(response[(slice(None), *middle)], torch.zeros(len(sigmas)), rtol=0, atol=1e-6)
    torch.testing.assert_close(response.flatten(1).sum(1), torch.ones(len(sigmas)), rtol=1e-4, atol=0)
    assert (response > -1e-6).all()


@pytest.mark.parametrize("name", BANKS)
def test_filters_keep_constants_also_where_the_image_is_smaller_than_they_are(name):
    sigmas, space = BANKS[name]
    constant = torch.full((2, 1, *space), 13.0)
    torch.testing.assert_close(FilterBank(sigmas)(constant), constant.expand(-1, len(sigmas), *space))


@pytest.mark.parametrize("name", BANKS)
@pytest.mark.parametrize("reach", [0, 1])
def test_products_and_convolutions_are_the_same_blurs(name, reach, monkeypatch):
    sigmas, space = BANKS[name]
    bank, image = FilterBank(sigmas, (reach,) * len(space)), torch.randn(2, 1, *space)
    by_products = bank(image)
    monkeypatch.setattr(filterbank, "_MAX_MATRIX_SIDE", 0)
    torch.testing.assert_close(by_products, bank(image), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dims", [2, 3])
def test_the_first_estimate_is_close_to_a_blur(dims):
    torch.manual_seed(0)
    space = (40, 48) if dims == 2 else (6, 24, 24)
    net = FilterBankNet(dims, (16, 16))
    image = gaussian_blur(torch.randn(1, 1, *space), 3.0) * 10 + torch.randn(1, 1, *space)
    with torch.no_grad():
        estimate = net(image).blind
    planes = image.view(-1, 1, *space[-2:])  # in 3-D it starts with a blur of each plane
    blur = gaussian_blur(planes, 1.9).view_as(image)
    both = torch.stack([estimate.flatten(), blur.flatten()])
    assert torch.corrcoef(both)[0, 1] > 0.95
    assert (estimate - blur).std() < 0.5 * (image - blur).std()
