"""Published methods by name: each is a network, blind spots and a law."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from torch import nn

from muguet.errors import MuguetError
from muguet.method import Blind, Method
from muguet.noise.known import Gaussian
from muguet.noise.law import Law
from muguet.noise.learned import LearnedLaw
from muguet.restoration.blind import Grid
from muguet.restoration.filterbank import FilterBankNet
from muguet.restoration.unet import UNet

T = TypeVar("T")

NETS: dict[str, Callable[[int, tuple[int, ...]], nn.Module]] = {
    "filterbank": lambda dims, reach: FilterBankNet(dims, reach=reach),
    "unet": lambda dims, reach: UNet(dims),
}
SPACINGS = {2: (3, 4, 5), 3: (2, 3, 4)}


@dataclass(frozen=True)
class Recipe:
    """How a method is put together.

    Attributes
    ----------
    name
        What it is called, on the command line too.
    about
        One sentence, with the source.
    learns_law
        Whether N-net is part of it; otherwise the law is the Gaussian of width one, whose likelihood is the
        squared error.
    """

    name: str
    about: str
    learns_law: bool

    def build(
        self,
        net: str,
        dims: int,
        channels: int = 1,
        components: int = 3,
        std: float = 0.5,
        low_precision: bool = False,
        reach: tuple[int, ...] = (),
    ) -> Method:
        """A method with fresh weights, drawn from PyTorch's default generator.

        Parameters
        ----------
        net
            A name of `NETS`.
        dims
            2 or 3.
        channels
            How many noise laws.
        components
            K of the learned laws.
        std
            Where their standard deviation starts, in network units.
        low_precision
            bfloat16 in the network.
        reach
            Neighbours that are hidden with a pixel, on either side along each axis.
        """
        blind: Blind = Grid(SPACINGS[dims], reach)
        laws: list[Law] = [
            LearnedLaw(components, std) if self.learns_law else Gaussian() for _ in range(channels)
        ]
        return Method(choose(NETS, net, "--net")(dims, reach), blind, laws, low_precision)


RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            "joint",
            "D-net and N-net learn together: the signal, and the law of the noise as a mixture of 1 to 3 "
            "Gaussians. Ollion et al. 2021, arXiv:2102.08023.",
            learns_law=True,
        ),
        Recipe(
            "l2",
            "D-net alone, by the squared error at hidden pixels. Batson & Royer 2019 (Noise2Self), "
            "arXiv:1901.11365.",
            learns_law=False,
        ),
    )
}


def choose(table: dict[str, T], name: str, option: str) -> T:
    """`table[name]`, or a sentence that lists the names."""
    if name not in table:
        raise MuguetError(f"{option} {name} is not known: choose one of {', '.join(table)}")
    return table[name]
