"""Denoise an image with a model that is trained on this image alone, in one call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypedDict, Unpack, overload

import numpy as np
import numpy.typing as npt

from muguet.denoiser.estimates import Estimate
from muguet.formats.given import ImageLike, given_one
from muguet.pattern.correction import AUTO as FIND_LINES
from muguet.recipes.parts import AUTO
from muguet.restoration.optics import PSF
from muguet.training.fitting import fit


class _Choices(TypedDict, total=False):
    """The keywords of `denoise` beside `return_std`, for its two overloads."""

    minutes: float
    steps: int | None
    components: int
    recipe: str
    net: str | None
    clean: ImageLike | Sequence[ImageLike] | None
    psf: PSF
    mask: str
    prior: str
    dimensions: int
    lines: str
    gain_map: ImageLike | None
    offset_map: ImageLike | None
    variance_map: ImageLike | None
    seed: int
    device: str


@overload
def denoise(
    image: ImageLike,
    axes: str | None = None,
    *,
    return_std: Literal[False] = False,
    **choices: Unpack[_Choices],
) -> npt.NDArray[np.floating]: ...


@overload
def denoise(
    image: ImageLike, axes: str | None = None, *, return_std: Literal[True], **choices: Unpack[_Choices]
) -> Estimate: ...


def denoise(
    image: ImageLike,
    axes: str | None = None,
    *,
    return_std: bool = False,
    minutes: float = 5.0,
    steps: int | None = None,
    components: int = 3,
    recipe: str = "joint",
    net: str | None = None,
    clean: ImageLike | Sequence[ImageLike] | None = None,
    psf: PSF = 1.0,
    mask: str = "auto",
    prior: str = AUTO,
    dimensions: int = 2,
    lines: str = FIND_LINES,
    gain_map: ImageLike | None = None,
    offset_map: ImageLike | None = None,
    variance_map: ImageLike | None = None,
    seed: int = 0,
    device: str = "auto",
) -> npt.NDArray[np.floating] | Estimate:
    """Denoise an image with a model that is trained on this image alone.

    Parameters
    ----------
    image
        Array of any numeric dtype, in camera counts, or the path of a file with one image.
    axes
        One letter of TCZYXS for each axis; None: that in the file, or guessed from the shape with a warning.
    return_std
        Whether to return the standard deviation of the error of each pixel as well.
    minutes, steps, components, recipe, net, clean, psf, mask, prior, dimensions, lines, gain_map, offset_map
        See `fit`.
    variance_map, seed, device
        See `fit`.

    Returns
    -------
    ndarray or Estimate
        The denoised image in counts, of the same shape; with `return_std` a pair of it and its standard deviation.

    Raises
    ------
    MuguetError
        If the image does not allow training; the message gives the reason.
    """
    one = given_one(image, axes)
    model = fit(
        one.array,
        one.axes,
        minutes=minutes,
        steps=steps,
        components=components,
        recipe=recipe,
        net=net,
        clean=clean,
        psf=psf,
        mask=mask,
        prior=prior,
        dimensions=dimensions,
        lines=lines,
        gain_map=gain_map,
        offset_map=offset_map,
        variance_map=variance_map,
        seed=seed,
        device=device,
    )
    return model.estimate(one.array, one.axes) if return_std else model(one.array, one.axes)
