"""Published methods by name: each is a network, blind spots and a law."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from torch import nn

from muguet.errors import MuguetError
from muguet.method import Blind, Method
from muguet.noise.known import Gaussian, Laplace
from muguet.noise.law import Law
from muguet.noise.learned import LearnedLaw
from muguet.restoration.blind import Grid, Nothing, Stratified
from muguet.restoration.care import CareUNet
from muguet.restoration.filterbank import FilterBankNet
from muguet.restoration.optics import PSF, BehindOptics
from muguet.restoration.unet import UNet

T = TypeVar("T")
Reach = tuple[int, ...]

NETS: dict[str, Callable[[int, Reach], nn.Module]] = {
    "filterbank": lambda dims, reach: FilterBankNet(dims, reach=reach),
    "unet": lambda dims, reach: UNet(dims),
    "care": lambda dims, reach: CareUNet(dims, kernel=5 if dims == 2 else 3, residual=True),
    "n2v2": lambda dims, reach: CareUNet(dims, blur_pool=True, top_skip=False),
}
SPACINGS = {2: (2, 3), 3: (2, 3, 4)}
NOISY, CLEAN, SECOND = "noisy", "clean", "second noisy"


@dataclass(frozen=True)
class Recipe:
    """How a method is put together.

    Attributes
    ----------
    name
        What it is called, on the command line too.
    about
        One sentence, with the source.
    net
        A name of `NETS`, unless another is asked for.
    blind
        Blind spots for so many dimensions and such a reach.
    law
        None: N-net, learned with the rest. Otherwise a law that stays as it is: the Gaussian of width one, whose
        likelihood is the squared error, or the Laplace one, whose is the absolute error.
    target
        What the estimate is compared with: the noisy image itself, a clean one, or a second noisy one.
    optics
        Whether a point spread function follows the net.
    weighs_pixels
        Whether the estimate uses the pixel itself, if the net can: see `muguet.training.evidence`.
    quasi
        Whether D-net takes the variance alone from the law: see `muguet.method.Method`.
    """

    name: str
    about: str
    net: str = "filterbank"
    blind: Callable[[int, Reach], Blind] = lambda dims, reach: Grid(SPACINGS[dims], reach)
    law: Callable[[], Law] | None = Gaussian
    target: str = NOISY
    optics: bool = False
    weighs_pixels: bool = False
    quasi: bool = False

    @property
    def learns_law(self) -> bool:
        """Whether N-net is part of it."""
        return self.law is None

    @property
    def widens(self) -> bool:
        """Whether its blind spots can be widened."""
        return isinstance(self.blind(2, (0, 1)), Grid)

    def check(self, targets: bool) -> None:
        """Refuse images that it does not learn from, given whether there are other targets than the noisy ones.

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


RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            "joint",
            "D-net and N-net learn together: the signal, and the law of the noise as a mixture of 1 to 3 "
            "Gaussians; and, as soon as the noise is known, what the pixel itself is worth. Ollion et al. 2021, "
            "arXiv:2102.08023; Laine et al. 2019, arXiv:1901.10277.",
            law=None,
            weighs_pixels=True,
            quasi=True,
        ),
        Recipe(
            "joint-blind",
            "D-net and N-net as published: both by the likelihood of the mixture, and the pixel itself is hidden to "
            "the end of the training. Ollion et al. 2021, arXiv:2102.08023.",
            law=None,
        ),
        Recipe(
            "l2",
            "D-net alone, by the squared error at hidden pixels. Batson & Royer 2019 (Noise2Self), "
            "arXiv:1901.11365.",
        ),
        Recipe(
            "noise2void",
            "The squared error at one pixel of every 8×8, hidden behind a random neighbour. Krull et al. 2019, "
            "arXiv:1811.10980.",
            net="unet",
            blind=lambda dims, reach: Stratified(),
        ),
        Recipe(
            "n2v2",
            "Noise2Void with the neighbours' median, blurred pooling and no top skip. Höck et al. 2022, "
            "arXiv:2211.08512.",
            net="n2v2",
            blind=lambda dims, reach: Stratified(median=True),
        ),
        Recipe(
            "deconoising",
            "Noise2Void whose estimate is a positive image behind a point spread function. Goncharova et al. "
            "2020, arXiv:2008.08414.",
            net="unet",
            blind=lambda dims, reach: Stratified(),
            optics=True,
        ),
        Recipe(
            "supervised",
            "D-net by the squared error to clean images.",
            blind=lambda dims, reach: Nothing(),
            target=CLEAN,
        ),
        Recipe(
            "care",
            "CARE's own U-Net by the absolute error to clean images. Weigert et al. 2018, "
            "doi:10.1038/s41592-018-0216-7.",
            net="care",
            blind=lambda dims, reach: Nothing(),
            law=Laplace,
            target=CLEAN,
        ),
        Recipe(
            "noise2noise",
            "D-net by the squared error to a second noisy image of the scene. Lehtinen et al. 2018, "
            "arXiv:1803.04189.",
            blind=lambda dims, reach: Nothing(),
            target=SECOND,
        ),
    )
}


@dataclass(frozen=True)
class Parts:
    """What a method is made of, as its file's header says it.

    `net` is the recipe's own if None. `reach` is how many neighbours on either side, axis by axis, are hidden with a
    pixel, because they share its noise; None: to be measured (by `muguet.training.Session`). `psf` is for recipes
    with optics: a standard deviation in pixels, or a kernel.
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
    def of(cls, header: dict[str, Any]) -> Parts:
        """What a file's header says."""
        known = {name: header[name] for name in cls.__dataclass_fields__ if name in header}
        known["reach"] = tuple(header.get("reach") or ()) or None
        if isinstance(header.get("psf"), list):
            known["psf"] = tuple(tuple(row) for row in header["psf"])
        return cls(**{**known, "recipe": header["recipe"], "net": header["net"]})

    def build(self, std: float = 0.5, low_precision: bool = False) -> Method:
        """The method with fresh weights, drawn from PyTorch's default generator.

        Parameters
        ----------
        std
            Where the standard deviation of learned laws starts, in network units.
        low_precision
            bfloat16 in the network.
        """
        recipe = choose(RECIPES, self.recipe, "--recipe")
        reach = self.reach or (0,) * self.dimensions
        net = choose(NETS, self.net or recipe.net, "--net")(self.dimensions, reach)
        if recipe.optics:
            net = BehindOptics(net, self.psf)
        laws: list[Law] = [
            LearnedLaw(self.components, std) if recipe.law is None else recipe.law()
            for _ in range(self.channels)
        ]
        return Method(net, recipe.blind(self.dimensions, reach), laws, low_precision, recipe.quasi)


def choose(table: dict[str, T], name: str, option: str) -> T:
    """`table[name]`, or a sentence that lists the names."""
    if name not in table:
        raise MuguetError(f"{option} {name} is not known: choose one of {', '.join(table)}")
    return table[name]
