"""The parts of a method, as listed in a model file, and the function that builds the method from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from muguet.errors import MuguetError
from muguet.method import Method
from muguet.recipes.find import find_recipe
from muguet.recipes.published import NETS
from muguet.recipes.recipe import Reach
from muguet.restoration.optics import PSF, BehindOptics

T = TypeVar("T")


@dataclass(frozen=True)
class Parts:
    """The parts of a method, as in the header of a model file.

    Attributes
    ----------
    recipe
        Name of the recipe, see `find_recipe`.
    net
        A name of `NETS`; None: the network of the recipe.
    components
        Number of Gaussians in the mixture of a learned law (N-net).
    dimensions
        Number of spatial dimensions, 2 or 3.
    channels
        Number of channels, each with a law.
    quarter_turns
        Whether images may be turned by 90°.
    reach
        Number of neighbours on each side that are hidden with a pixel because their noise is correlated with its own,
        for each spatial axis; None: measured by `muguet.training.Session`.
    psf
        For recipes with optics: the point spread function, as a standard deviation in pixels or as a kernel.
    """

    recipe: str = "joint"
    net: str | None = None
    components: int = 3
    dimensions: int = 2
    channels: int = 1
    quarter_turns: bool = True
    reach: Reach | None = None
    psf: PSF = 1.0

    @classmethod
    def of(cls, header: Mapping[str, Any]) -> Parts:
        """Return the parts in the header of a model file."""
        known = {name: header[name] for name in cls.__dataclass_fields__ if name in header}
        known["reach"] = tuple(header.get("reach") or ()) or None
        if isinstance(header.get("psf"), list):
            known["psf"] = tuple(tuple(row) for row in header["psf"])
        return cls(**{**known, "recipe": header["recipe"], "net": header["net"]})

    def build(self, std: float = 0.5, low_precision: bool = False) -> Method:
        """Return the method with random weights, drawn from PyTorch's default generator.

        Parameters
        ----------
        std
            Initial standard deviation of learned laws, in network units.
        low_precision
            Run the network in bfloat16.
        """
        recipe = find_recipe(self.recipe)
        reach = self.reach or (0,) * self.dimensions
        wanted = self.net or recipe.net
        net = (choose(NETS, wanted, "--net") if isinstance(wanted, str) else wanted)(self.dimensions, reach)
        if recipe.optics:
            net = BehindOptics(net, self.psf)
        laws = [recipe.law(self.components, std) for _ in range(self.channels)]
        return Method(net, recipe.blind(self.dimensions, reach), laws, low_precision, recipe.quasi)


def choose(table: Mapping[str, T], name: str, option: str) -> T:
    """Return `table[name]`, or raise an error that lists the names.

    Raises
    ------
    MuguetError
        If the table has no such name.
    """
    if name not in table:
        raise MuguetError(f"{option} {name} is not known: choose one of {', '.join(table)}")
    return table[name]
