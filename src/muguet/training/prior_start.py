"""The start of a training run from a prior: the noise law first, then the prior's weights."""

from __future__ import annotations

from collections.abc import Sequence

from muguet.errors import MuguetError
from muguet.method import Method
from muguet.noise.correlated.whitening import Whitening
from muguet.noise.law import Affine
from muguet.noise.learned import LearnedLaw
from muguet.recipes.parts import AUTO, NO_PRIOR, Parts
from muguet.recipes.recipe import Recipe
from muguet.restoration.prior import SCENES, load_prior
from muguet.training.first_law import FIRST_PIXELS, FirstLaw, measure_first_law
from muguet.training.patches import PatchSource
from muguet.training.sampled import sampled_planes

PRIOR_RATE = 0.5
"""Share of the learning rate that is used for training from a prior."""


def chosen_prior(wanted: Parts, recipe: Recipe, dimensions: int, reach: tuple[int, ...]) -> str:
    """Return the name of the prior that a run starts from.

    Raises
    ------
    MuguetError
        If the user asked for a prior that does not suit the rest.
    """
    if wanted.prior == NO_PRIOR:
        return NO_PRIOR
    why = obstacle(wanted.net, recipe, dimensions, reach)
    if wanted.prior == AUTO:
        return SCENES if recipe.gated and not why else NO_PRIOR
    if why:
        raise MuguetError(f"the recipe {wanted.recipe} cannot start from a prior here: {why}")
    return wanted.prior


def obstacle(net: str | None, recipe: Recipe, dimensions: int, reach: tuple[int, ...]) -> str:
    """Return why a run cannot start from a prior, or nothing if it can."""
    obstacles = {
        "it has a network of its own": (net or recipe.net) != "filterbank" or recipe.optics,
        "the prior is for planes (--dimensions 2)": dimensions != 2,
        "neighbours with correlated noise are hidden with each pixel (--mask=pixel switches this off)": any(
            reach
        ),
    }
    return next((reason for reason, found in obstacles.items() if found), "")


def start_from_prior(
    method: Method,
    name: str,
    source: PatchSource,
    gated: bool,
    whitenings: Sequence[Whitening | None] = (),
) -> tuple[FirstLaw, ...]:
    """Load the weights of a prior into a method, and start its noise laws at the variance measured on the images.

    Parameters
    ----------
    method
        The method, with a prior and with laws in the units of `source`.
    name
        Name of the prior, see `load_prior`.
    source
        The training set, which is not changed.
    gated
        Whether the recipe learns a gate; it is then learned from the first step, starting with that of the prior.
    whitenings
        The whitening of each channel in the units of `source`; empty: there is none.

    Returns
    -------
    tuple
        The law of each channel. Afterwards the method works in the effective photo-electrons of these laws.
    """
    prior = method.prior
    assert prior is not None
    prior.load_state_dict(load_prior(name).state_dict())
    method.net.load_state_dict(prior.state_dict(), strict=False)  # All but the head for the error.
    laws = tuple(
        measure_first_law(
            list(sampled_planes(source, channel, FIRST_PIXELS, prior.stride)),
            prior,
            whitenings[channel] if whitenings else None,
        )
        for channel in range(len(method.laws))
    )
    for law, first in zip(method.laws, laws, strict=True):
        assert isinstance(law, Affine)
        electrons = first.electrons
        law.offset.fill_(-electrons.offset / electrons.scale)
        law.scale.fill_(1 / electrons.scale)
        if isinstance(law.law, LearnedLaw):
            law.law.start_at(first.slope, first.constant, first.least)
    if gated:
        method.learn_gate([law.in_electrons.variance for law in laws])
        method.open_gate(None)
    return laws
