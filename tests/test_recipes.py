"""Every recipe builds with every net, and a wrong name is answered with the right ones."""

from __future__ import annotations

import pytest
import torch

from muguet import MuguetError
from muguet.noise import LearnedLaw
from muguet.recipes import NETS, RECIPES, SPACINGS, Parts, choose
from muguet.training.session import MULTIPLE, PATCH


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("net", [None, *NETS])
@pytest.mark.parametrize("dims", [2, 3])
def test_every_recipe_builds_with_every_net(recipe, net, dims):
    method = Parts(recipe, net, components=2, dimensions=dims, channels=2).build()
    assert len(method.laws) == 2
    assert all(isinstance(law, LearnedLaw) == RECIPES[recipe].learns_law for law in method.laws)
    space = [2 * s for s in method.net.stride]
    assert method.estimate(torch.zeros(1, 1, *space)).shape == (1, 1, *space)
    for patch, multiple, stride in zip(PATCH[dims], MULTIPLE[dims], method.net.stride, strict=True):
        assert multiple % stride == 0
        assert patch % multiple == 0


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_recipe_learns(recipe):
    """Ten steps on one batch lower the loss: its gradient reaches the net through whatever the recipe puts between."""
    torch.manual_seed(0)
    method = Parts(recipe, "unet").build()
    noisy = torch.rand(4, 1, 32, 32)
    everything = torch.ones_like(noisy, dtype=torch.bool)
    optimiser = torch.optim.Adam(method.parameters(), 1e-3)
    losses = []
    for _ in range(10):
        generator = torch.Generator().manual_seed(0)
        loss = method(noisy, noisy, everything, torch.zeros(4, dtype=torch.long), generator).total
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_says_what_it_is(name):
    assert RECIPES[name].name == name
    assert any(word in RECIPES[name].about for word in ("arXiv", "doi", "clean images"))


def test_the_same_seed_builds_the_same_method():
    def build():
        torch.manual_seed(3)
        return Parts("joint", "filterbank").build()

    one, two = build().state_dict(), build().state_dict()
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_spacings_keep_hidden_pixels_apart():
    assert all(spacing >= 2 for spacings in SPACINGS.values() for spacing in spacings)


def test_a_wrong_name_is_answered_with_the_right_ones():
    with pytest.raises(MuguetError, match=r"net= nonsense .* filterbank, unet"):
        choose(NETS, "nonsense", "--net")
