"""The methods of the comparison: those that are trained, as recipes of muguet, and those that are not."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sets import Images

import muguet
from muguet.recipes import CLEAN, RECIPES
from muguet.restoration import classical

Array = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Learned:
    """A recipe of muguet; `net` replaces the recipe's own network, and `components` is the number of Gaussians.

    The recipes of the reference start from random weights; `prior` names a prior that others start from.
    """

    recipe: str
    net: str | None = None
    components: int = 1
    prior: str = "none"

    @property
    def takes_clean(self) -> bool:
        """Whether it learns from clean images."""
        return RECIPES[self.recipe].target == CLEAN

    @property
    def network(self) -> str:
        """Name of its network."""
        return self.net or RECIPES[self.recipe].net


LEARNED = {
    "joint-g1": Learned("joint"),
    "joint-g2": Learned("joint", components=2),
    "joint-g3": Learned("joint", components=3),
    "joint-blind-g1": Learned("joint-blind"),
    "joint-blind-g3": Learned("joint-blind", components=3),
    "l2": Learned("l2"),
    "noise2void": Learned("noise2void"),
    "n2v2": Learned("n2v2"),
    "deconoising": Learned("deconoising"),
    "supervised": Learned("supervised"),
    "care": Learned("care"),
    "joint-prior": Learned("joint", components=3, prior="scenes"),
    "joint-blind-prior": Learned("joint-blind", components=3, prior="scenes"),
    "supervised-prior": Learned("supervised", prior="scenes"),
    "joint-unet": Learned("joint", "unet"),
    "supervised-unet": Learned("supervised", "unet"),
}
NOISY, BEST_BLUR = "noisy", "gaussian-blur"  # the unprocessed images, and the simplest method to compare with
FIRST = "first-result"  # what muguet shows before it trains
UNLEARNED = (NOISY, BEST_BLUR, FIRST, *(name for name in classical.METHODS if name != BEST_BLUR))
METHODS = (*UNLEARNED, *LEARNED)


@dataclass(frozen=True, eq=False)
class Estimates:
    """The estimates of a method for each part, the seconds of training and denoising, and remarks about the run."""

    parts: Mapping[str, Array]
    training_s: float
    denoising_s: float
    about: Mapping[str, Any]


def learned(
    method: Learned, images: Images, parts: Mapping[str, Images], seed: int, **budget: Any
) -> Estimates:
    """Train on images, for `minutes` at most or for `steps`, and denoise the parts.

    The seconds of training are the whole time that a user waits, including the final measurement of the noise.
    """
    started = time.monotonic()
    model = muguet.fit(
        images.noisy,
        "TYX",
        recipe=method.recipe,
        net=method.net,
        components=method.components,
        prior=method.prior,
        clean=images.clean if method.takes_clean else None,
        seed=seed,
        **budget,
    )
    trained = time.monotonic()
    found = {name: model(part.noisy, "TYX") for name, part in parts.items()}
    about = {"steps": model.training["steps"], "device": model.training["device"]}
    return Estimates(found, trained - started, time.monotonic() - trained, about)


def unlearned(method: str, parts: Mapping[str, Images]) -> Estimates:
    """Denoise the parts without training; each part has parameters of its own."""
    started = time.monotonic()
    found = {name: _UNLEARNED[method](part) for name, part in parts.items()}
    took = 0.0 if method == NOISY else time.monotonic() - started
    about = {name: parameters for name, (_, parameters) in found.items()}
    return Estimates(
        {name: estimate for name, (estimate, _) in found.items()}, 0.0, took, {"parameters": about}
    )


def _calibrated(method: str) -> Callable[[Images], tuple[Array, dict[str, float]]]:
    return lambda part: classical.calibrated(part.noisy, method)


def _best_blur(part: Images) -> tuple[Array, dict[str, float]]:
    """Blur with the one width of the highest mean PSNR, found with the clean images as in the reference."""
    estimate, sigma = classical.best_blur(part.noisy, part.clean)
    return estimate, {"sigma": sigma}


def _first_result(part: Images) -> tuple[Array, dict[str, float]]:
    return muguet.denoise(part.noisy, "TYX", minutes=0), {}


_UNLEARNED: dict[str, Callable[[Images], tuple[Array, dict[str, float]]]] = {
    NOISY: lambda part: (part.noisy.astype(np.float32), {}),
    **{name: _calibrated(name) for name in classical.METHODS},
    BEST_BLUR: _best_blur,
    FIRST: _first_result,
}
