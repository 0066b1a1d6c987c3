"""A recipe: a method as a set of functions, each of which builds one of its parts."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import torch

from muguet.errors import MuguetError
from muguet.noise.known import Gaussian
from muguet.noise.law import Law
from muguet.restoration.blind import Blind, Grid
from muguet.restoration.net import Net

Reach = tuple[int, ...]
NetFactory = Callable[[int, Reach], Net]

SPACINGS = {2: (2, 3), 3: (2, 3, 4)}
"""Spacings of the default grid of blind spots, by the number of spatial dimensions."""

NOISY, CLEAN, SECOND = "noisy", "clean", "second noisy"
"""The possible targets of training, see `Recipe.target`."""


def fixed(law: Callable[[], Law]) -> Callable[[int, float], Law]:
    """Return a function for `Recipe.law` that builds a law without parameters."""
    return lambda components, std: law()


_SQUARED_ERROR = fixed(Gaussian)


@dataclass(frozen=True)
class Recipe:
    """The functions and choices from which a method is built.

    Attributes
    ----------
    name
        Name on the command line; for a recipe of another package it is ``package.module:variable``.
    about
        A description in one or two sentences, with the source.
    net
        A name of `NETS`, or a function of the number of dimensions and the reach that returns a network.
    blind
        Function of the number of dimensions and the reach that returns the blind spots.
    law
        Function of the number of mixture components and of a rough standard deviation of the noise, in network units,
        that returns a law. A law with parameters, such as N-net (`LearnedLaw`), is learned together with the network.
        The likelihood of a Gaussian of width one gives the squared error, that of a Laplace distribution the absolute
        error.
    target
        The image that estimates are compared with: `NOISY`, the noisy image itself; `CLEAN`, a clean image; `SECOND`,
        a second noisy image.
    optics
        Whether the output of the network is convolved with a point spread function.
    gated
        Whether a network with a gate learns the weight of the pixel's own value, see `muguet.Method`.
    quasi
        Whether the network learns from the quasi-score, which uses only the variance of the law, see `muguet.Method`.
    """

    name: str
    about: str
    net: str | NetFactory = "filterbank"
    blind: Callable[[int, Reach], Blind] = lambda dims, reach: Grid(SPACINGS[dims], reach)
    law: Callable[[int, float], Law] = _SQUARED_ERROR
    target: str = NOISY
    optics: bool = False
    gated: bool = False
    quasi: bool = False

    @functools.cached_property
    def learns_law(self) -> bool:
        """Whether the noise law is learned."""
        # A law draws its initial weights, which must not change the state of the global random generator.
        with torch.random.fork_rng(devices=[]):
            return any(True for _ in self.law(1, 1.0).parameters())

    @property
    def widens(self) -> bool:
        """Whether its blind spots can also hide neighbours whose noise is correlated."""
        return isinstance(self.blind(2, (0, 1)), Grid)

    def check(self, targets: bool) -> None:
        """Raise an error if the training images do not suit the recipe.

        Parameters
        ----------
        targets
            Whether the training images have targets other than the noisy images.

        Raises
        ------
        MuguetError
            If the recipe needs targets and there are none, or the other way round.
        """
        if self.target != NOISY and not targets:
            which = "clean images" if self.target == CLEAN else "a second noisy image of each scene"
            raise MuguetError(f"the recipe {self.name} learns from {which}: give them with --clean")
        if self.target == NOISY and targets:
            raise MuguetError(
                f"the recipe {self.name} learns from noisy images alone: "
                "leave --clean out, or choose supervised or care"
            )
