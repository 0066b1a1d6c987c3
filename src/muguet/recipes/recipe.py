"""A recipe: the parts of a method, each as a function that builds it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import torch

from muguet.errors import MuguetError
from muguet.method import Blind
from muguet.noise.known import Gaussian
from muguet.noise.law import Law
from muguet.restoration.blind import Grid
from muguet.restoration.net import Net

Reach = tuple[int, ...]
NetFactory = Callable[[int, Reach], Net]

SPACINGS = {2: (2, 3), 3: (2, 3, 4)}
NOISY, CLEAN, SECOND = "noisy", "clean", "second noisy"


def fixed(law: Callable[[], Law]) -> Callable[[int, float], Law]:
    """Return a factory for `Recipe.law` of a law that is not learned."""
    return lambda components, std: law()


_SQUARED_ERROR = fixed(Gaussian)


@dataclass(frozen=True)
class Recipe:
    """How a method is put together.

    Attributes
    ----------
    name
        Its name, which the command line takes. That of a recipe of another package is ``package.module:variable``.
    about
        One sentence, with the source.
    net
        A name of `NETS`, or a function of the number of dimensions and the reach that returns a network.
    blind
        Function of the number of dimensions and the reach that returns the blind spots.
    law
        Function of the number of mixture components and of a rough standard deviation of the noise, in network units,
        that returns a law. A law with parameters is learned with the rest, as N-net is (`LearnedLaw`). The likelihood
        of a Gaussian of width one is the squared error, that of a Laplace distribution the absolute error.
    target
        What the estimate is compared with: `NOISY`, the image itself; `CLEAN`, a clean one; `SECOND`, a second noisy
        one.
    optics
        Whether a point spread function follows the network.
    gated
        Whether the network learns the weight of the pixel's own value, if it has a gate: see `muguet.Method`.
    quasi
        Whether the network uses the variance alone of the law: see `muguet.Method`.
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
        with torch.random.fork_rng(
            devices=[]
        ):  # a law draws its first weights, and nobody's chance must move
            return any(True for _ in self.law(1, 1.0).parameters())

    @property
    def widens(self) -> bool:
        """Whether its blind spots can be widened where neighbours share noise."""
        return isinstance(self.blind(2, (0, 1)), Grid)

    def check(self, targets: bool) -> None:
        """Refuse images that the recipe does not learn from.

        Parameters
        ----------
        targets
            Whether there are other targets than the noisy images.

        Raises
        ------
        MuguetError
            If there are targets and the recipe needs none, or none and it needs them.
        """
        if self.target != NOISY and not targets:
            which = "clean images" if self.target == CLEAN else "a second noisy image of each scene"
            raise MuguetError(f"the recipe {self.name} learns from {which}: give them with --clean")
        if self.target == NOISY and targets:
            raise MuguetError(
                f"the recipe {self.name} learns from noisy images alone: "
                "leave --clean out, or take supervised or care"
            )
