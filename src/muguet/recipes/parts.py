"""The parts of a method, as listed in a model file, and the function that builds the method from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from muguet.errors import MuguetError
from muguet.headers import ModelHeader
from muguet.method import Method
from muguet.noise.law import Affine, Law
from muguet.recipes.find import find_recipe
from muguet.recipes.published import NETS
from muguet.recipes.recipe import Reach
from muguet.restoration.net import Net
from muguet.restoration.optics import PSF, BehindOptics
from muguet.restoration.prior import prior_net

T = TypeVar("T")

AUTO, NO_PRIOR = "auto", "none"
"""Names in place of that of a prior: the one that suits the recipe and the images; none, random weights."""


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
    prior
        The prior that D-net starts from, a name or a file, see `muguet.restoration.load_prior`; "none": random weights;
        "auto": chosen by `muguet.training.Session`.
    """

    recipe: str = "joint"
    net: str | None = None
    components: int = 3
    dimensions: int = 2
    channels: int = 1
    quarter_turns: bool = True
    reach: Reach | None = None
    psf: PSF = 1.0
    prior: str = AUTO

    @classmethod
    def of(cls, header: ModelHeader) -> Parts:
        """Return the parts in the header of a model file."""
        psf = header.psf
        return cls(
            header.recipe,
            header.net,
            header.components,
            header.dimensions,
            header.channels,
            header.quarter_turns,
            tuple(header.reach) if header.reach else None,
            tuple(map(tuple, psf)) if isinstance(psf, list) else psf,
            header.prior,
        )

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
        prior = None if self.prior in (AUTO, NO_PRIOR) else prior_net()
        net: Net
        if prior is not None:
            net = prior_net(predicts_error=False)
        else:
            net = (choose(NETS, wanted, "--net") if isinstance(wanted, str) else wanted)(
                self.dimensions, reach
            )
        if recipe.optics:
            net = BehindOptics(net, self.psf)
        laws: list[Law] = [recipe.law(self.components, std) for _ in range(self.channels)]
        if prior is not None:  # Laws keep units of the order of one, whatever those of the network.
            laws = [Affine(law, 0.0, 1.0) for law in laws]
        return Method(net, recipe.blind(self.dimensions, reach), laws, low_precision, recipe.quasi, prior)


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
