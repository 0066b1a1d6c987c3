"""Laws of blind spots: a hidden value never reaches its own estimate, and every pixel gets its turn."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from muguet.restoration import FilterBankNet, Grid, Nothing, Stratified, UNet, neighbours_mean

NETS = {
    "unet 2-D": (lambda: UNet(2, width=12), (16, 20)),
    "filter bank 2-D": (lambda: FilterBankNet(2, (4, 4)), (16, 20)),
    "unet 3-D": (lambda: UNet(3, width=12), (4, 8, 8)),
    "filter bank 3-D": (lambda: FilterBankNet(3, (4, 4)), (5, 8, 12)),
}
SHAPES = [
    (1, 1, 9, 13),
    (2, 1, 16, 7),
    (1, 1, 4, 9, 8),
    (1, 2, 5, 5, 5),
    (1, 1, 1, 11),
    (1, 1, 8, 2),
    (1, 1, 1, 6, 7),
]


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def chosen(shape, mask):
    """The mask as booleans."""
    flags = torch.zeros(shape, dtype=torch.bool)
    flags[mask] = True
    return flags


def every_phase(shape, spacing, reach=(), draws=100):
    """All the grids of one spacing, each once."""
    grid, seen = Grid((spacing,), reach), {}
    source = generator()
    for _ in range(draws):
        mask = grid.draw(torch.Size(shape), source)
        seen.setdefault(str(mask), mask)
    return list(seen.values())


@pytest.mark.parametrize("spacing", [2, 3, 4, 5])
@pytest.mark.parametrize("name", NETS)
def test_a_hidden_value_never_reaches_its_own_estimate(name, spacing):
    torch.manual_seed(0)
    build, space = NETS[name]
    net, grid = build(), Grid((spacing,))
    shape = (1, 1, *space)
    masks = every_phase(shape, spacing)
    corners = [m for m in masks if chosen(shape, m)[(0, 0, *(0,) * len(space))]]
    for mask in corners[:1] + masks[:2]:
        noisy = torch.randn(shape, requires_grad=True)
        estimate = net(grid.hide(noisy, mask)).blind
        hidden = chosen(shape, mask)
        places = hidden.nonzero()
        # The first, the last and some hidden pixels between: corners and borders are among them.
        for index in {0, len(places) // 3, len(places) // 2, len(places) - 1}:
            place = tuple(places[index])
            (influence,) = torch.autograd.grad(estimate[place], noisy, retain_graph=True)
            assert influence[place] == 0
            assert influence[~hidden].abs().sum() > 0
        (influence,) = torch.autograd.grad(estimate.square().sum(), noisy)
        assert (influence[hidden] == 0).all()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("spacings", [(2,), (3,), (3, 4, 5), (2, 3, 4)])
def test_the_picture_shown_does_not_depend_on_hidden_values(shape, spacings):
    grid, source = Grid(spacings), generator()
    for _ in range(10):
        mask = grid.draw(torch.Size(shape), source)
        hidden = chosen(shape, mask)
        noisy = torch.randn(shape)
        other = torch.where(hidden, torch.randn(shape) * 1e6, noisy)
        assert torch.equal(grid.hide(noisy, mask), grid.hide(other, mask))
        assert torch.equal(grid.hide(noisy, mask)[~hidden], noisy[~hidden])


@pytest.mark.parametrize(
    "shape", [(1, 1, 11, 14), (1, 1, 3, 17), (1, 1, 2, 9), (1, 1, 4, 7, 6), (1, 1, 1, 12)]
)
@pytest.mark.parametrize("spacings", [(2,), (3,), (5,), (3, 4, 5)])
def test_every_pixel_is_hidden_equally_often(shape, spacings):
    grid, source, draws = Grid(spacings), generator(1), 1500
    counts = torch.zeros(shape)
    for _ in range(draws):
        counts[grid.draw(torch.Size(shape), source)] += 1
    # Pixels of a grid are hidden together, so they are not independent: along each axis one period is.
    period = spacings[0] if len(spacings) == 1 else 1
    if period > 1:
        for axis, size in enumerate(shape[2:], start=2):
            others = [a for a in range(len(shape)) if a != axis]
            step = min(period, size)
            first = counts.sum(others).double()[:step]
            drawn = np.array([int((first[i] / first.sum() * draws).round()) for i in range(step)])
            assert step == 1 or chisquare(drawn, np.full(step, drawn.sum() / step)).pvalue > 1e-4
    share = counts.flatten() / draws
    expected = np.mean([1 / np.prod([min(s, n) for n in shape[2:]]) for s in spacings])
    spread = np.sqrt(expected * (1 - expected) / draws)
    assert float((share - expected).abs().max()) < 5 * spread + 1e-12


@given(
    st.lists(st.integers(1, 12), min_size=2, max_size=3),
    st.lists(st.integers(2, 5), min_size=1, max_size=3),
    st.integers(0, 2**31),
)
@settings(deadline=None, max_examples=60)
def test_hidden_pixels_are_some_and_never_direct_neighbours(space, spacings, seed):
    shape = (1, 1, *space)
    hidden = chosen(shape, Grid(tuple(spacings)).draw(torch.Size(shape), generator(seed)))
    places = hidden.nonzero()[:, 2:]
    assert len(places) >= 1
    far = (places[:, None] - places[None]).abs().amax(-1)
    assert (far.fill_diagonal_(9) > 1).all()


BLIND = {
    "grid": (Grid(), (60, 60)),
    "wide grid": (Grid((3, 4), (1, 0)), (60, 60)),
    "grid 3-D": (Grid((2, 3, 4)), (12, 24, 24)),
    "stratified": (Stratified(), (64, 64)),
    "nothing": (Nothing(), (8, 8)),
}


@pytest.mark.parametrize("name", BLIND)
def test_the_share_of_targets_is_that_of_the_masks(name):
    blind, space = BLIND[name]
    source, shape = generator(), torch.Size((1, 1, *space))
    drawn = [chosen(shape, blind.draw(shape, source)).float().mean() for _ in range(600)]
    assert blind.share(len(space)) == pytest.approx(float(torch.stack(drawn).mean()), rel=0.06)


@pytest.mark.parametrize("reach", [(0, 1), (2, 0), (1, 1), (0, 3), (0, 0, 1)])
@pytest.mark.parametrize("spacing", [2, 3, 5])
def test_neighbours_within_reach_are_hidden_with_their_pixel(reach, spacing):
    """Neither the pixel itself nor those that share its noise reach its estimate, borders and corners included."""
    torch.manual_seed(0)
    dims = len(reach)
    net = FilterBankNet(dims, (4, 4), reach).eval()
    grid = Grid((spacing,), reach)
    shape = (1, 1, *((16, 20) if dims == 2 else (4, 8, 12)))
    for mask in every_phase(shape, spacing, reach)[:12]:
        noisy = torch.randn(shape, requires_grad=True)
        estimate = net(grid.hide(noisy, mask)).blind
        places = chosen(shape, mask).nonzero()
        for index in {0, len(places) // 3, len(places) - 1}:
            place = tuple(places[index])
            (influence,) = torch.autograd.grad(estimate[place], noisy, retain_graph=True)
            around = tuple(
                slice(max(int(at) - far, 0), int(at) + far + 1)
                for at, far in zip(place[2:], reach, strict=True)
            )
            assert (influence[0, 0][around] == 0).all()
            assert influence.abs().sum() > 0


@pytest.mark.parametrize("reach", [(0, 1), (2, 0), (1, 1)])
def test_a_bank_holds_no_pixel_within_reach(reach):
    bank = FilterBankNet(2, (4, 4), reach).bank
    point = torch.zeros(1, 1, 41, 41)
    point[..., 20, 20] = 1
    answer = bank(point)[0]
    near = (slice(None), *(slice(20 - far, 21 + far) for far in reach))
    assert answer[near].abs().max() < 1e-6
    torch.testing.assert_close(answer.sum((1, 2)), torch.ones(len(answer)))
    torch.testing.assert_close(
        bank(torch.full((1, 1, 30, 30), 3.0)), torch.full((1, len(answer), 30, 30), 3.0)
    )


def test_the_same_generator_draws_the_same_grids():
    shape = torch.Size((1, 1, 20, 20))
    one, two = generator(7), generator(7)
    assert [Grid().draw(shape, one) for _ in range(9)] == [Grid().draw(shape, two) for _ in range(9)]


def test_hiding_leaves_the_image_itself_alone():
    noisy = torch.randn(1, 1, 9, 9)
    before = noisy.clone()
    grid = Grid()
    grid.hide(noisy, grid.draw(noisy.shape, generator()))
    assert torch.equal(noisy, before)


def test_nothing_hides_nothing_and_targets_all():
    noisy = torch.randn(2, 1, 5, 6)
    mask = Nothing().draw(noisy.shape, generator())
    assert chosen(noisy.shape, mask).all()
    assert torch.equal(Nothing().hide(noisy, mask), noisy)


@pytest.mark.parametrize("space", [(7, 9), (4, 6, 5)])
def test_the_mean_of_neighbours_reproduces_slopes_inside(space):
    places = torch.meshgrid(*(torch.arange(n, dtype=torch.float64) for n in space), indexing="ij")
    image = (3 + sum((a + 1.5) * at for a, at in enumerate(places)))[None, None]
    inside = (..., *(slice(1, -1) for _ in space))
    torch.testing.assert_close(neighbours_mean(image)[inside], image[inside], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("space", [(7, 9), (4, 6, 5), (1, 9), (9, 1), (1, 5, 6), (5, 1, 1), (2, 2)])
def test_the_mean_of_neighbours_is_unbiased_at_borders_and_ignores_the_centre(space):
    constant = torch.full((2, 3, *space), 7.0, dtype=torch.float64)
    torch.testing.assert_close(neighbours_mean(constant), constant)
    image = torch.randn(1, 1, *space, dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(neighbours_mean, image).reshape(image.numel(), -1)
    assert (jacobian.diagonal() == 0).all()
    assert (jacobian >= 0).all()
    torch.testing.assert_close(jacobian.sum(1), torch.ones(image.numel(), dtype=torch.float64))


def test_the_weights_are_those_of_a_gaussian_of_one_pixel():
    image = torch.zeros(1, 1, 5, 5)
    image[0, 0, 2, 2] = 1
    around = neighbours_mean(image)[0, 0]
    assert around[2, 1].item() == pytest.approx(0.1556, abs=1e-4)
    assert around[1, 1].item() == pytest.approx(0.0944, abs=1e-4)


@pytest.mark.parametrize("shape", [(2, 1, 40, 33), (1, 1, 9, 5), (2, 1, 6, 20, 17), (1, 1, 1, 16)])
@pytest.mark.parametrize("median", [False, True])
def test_stratified_spots_are_one_a_box_and_get_values_from_around(shape, median):
    blind, source = Stratified(median=median), generator()
    for _ in range(10):
        mask = blind.draw(torch.Size(shape), source)
        noisy = torch.randn(shape)
        hidden = blind.hide(noisy, mask, source)
        spots = chosen(shape, mask)
        assert torch.equal(hidden[~spots], noisy[~spots])
        assert (hidden[spots] != noisy[spots]).all()  # never the pixel itself
        boxes = [-(-size // 8) for size in shape[2:]]
        per_image = spots.flatten(1).sum(1)
        assert (per_image <= np.prod(boxes)).all()
        full = [size // 8 for size in shape[2:]]
        assert (per_image >= max(np.prod(full), 0)).all()
        for place in spots.nonzero()[:20]:
            around = (*place[:2], *(slice(max(int(at) - 5, 0), int(at) + 6) for at in place[2:]))
            value = hidden[tuple(place)]
            if not median and min(shape[2:]) > 1:
                near = noisy[around]
                blurred = neighbours_mean(noisy)[tuple(place)]
                assert bool((near == value).any()) or torch.isclose(blurred, value)
            assert noisy[around].min() <= value <= noisy[around].max()


def test_stratified_spots_fall_everywhere_alike():
    blind, source = Stratified(), generator()
    counts = torch.zeros(1, 1, 16, 16)
    for _ in range(4000):
        counts[blind.draw(counts.shape, source)] += 1
    assert chisquare(counts.flatten().numpy()).pvalue > 1e-3


def test_random_neighbours_are_drawn_alike():
    blind, source = Stratified(), generator()
    ramp = torch.arange(21.0 * 21).view(1, 1, 21, 21)
    spot = (torch.tensor([0]), torch.tensor([0]), torch.tensor([10]), torch.tensor([10]))
    drawn = [int(blind.hide(ramp, spot, source)[spot]) for _ in range(3600)]
    values, counts = np.unique(drawn, return_counts=True)
    assert len(values) == 120
    assert int(ramp[spot]) not in values
    assert chisquare(counts).pvalue > 1e-3
