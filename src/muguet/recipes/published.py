"""The published methods and their networks, by name."""

from __future__ import annotations

from muguet.noise.known import Laplace
from muguet.noise.learned import LearnedLaw
from muguet.recipes.recipe import CLEAN, SECOND, NetFactory, Recipe, fixed
from muguet.restoration.blind import Nothing, Stratified
from muguet.restoration.care import CareUNet
from muguet.restoration.filterbank import FilterBankNet
from muguet.restoration.unet import UNet

NETS: dict[str, NetFactory] = {
    "filterbank": lambda dims, reach: FilterBankNet(dims, reach=reach),
    "unet": lambda dims, reach: UNet(dims),
    "care": lambda dims, reach: CareUNet(dims, kernel=5 if dims == 2 else 3, residual=True),
    "n2v2": lambda dims, reach: CareUNet(dims, blur_pool=True, top_skip=False),
}

RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            "joint",
            "D-net and N-net learn together: the signal, and the noise law as a mixture of 1 to 3 Gaussians. Once the "
            "variance of the noise is measured, D-net also learns the weight of the pixel's own value. "
            "Ollion et al. 2021, arXiv:2102.08023; Laine et al. 2019, arXiv:1901.10277.",
            law=LearnedLaw,
            gated=True,
            quasi=True,
        ),
        Recipe(
            "joint-blind",
            "D-net and N-net as published: both learn by the likelihood of the mixture, and the pixel's own value is "
            "never used in training. Ollion et al. 2021, arXiv:2102.08023.",
            law=LearnedLaw,
        ),
        Recipe(
            "l2",
            "D-net alone learns by the squared error at hidden pixels. Batson & Royer 2019 (Noise2Self), "
            "arXiv:1901.11365.",
        ),
        Recipe(
            "noise2void",
            "The squared error at one pixel of every 8×8 pixels, replaced by a random neighbour. Krull et al. 2019, "
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
            "D-net learns by the squared error to clean images.",
            blind=lambda dims, reach: Nothing(),
            target=CLEAN,
        ),
        Recipe(
            "care",
            "CARE's own U-Net learns by the absolute error to clean images. Weigert et al. 2018, "
            "doi:10.1038/s41592-018-0216-7.",
            net="care",
            blind=lambda dims, reach: Nothing(),
            law=fixed(Laplace),
            target=CLEAN,
        ),
        Recipe(
            "noise2noise",
            "D-net learns by the squared error to a second noisy image of the scene. Lehtinen et al. 2018, "
            "arXiv:1803.04189.",
            blind=lambda dims, reach: Nothing(),
            target=SECOND,
        ),
    )
}
