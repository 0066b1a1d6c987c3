"""Is anything better at hand? An estimate, compared with that of the shipped prior and with a Gaussian blur."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from muguet.denoiser.estimates import Estimate
from muguet.errors import MuguetError
from muguet.image.planes import ArrayPlanes
from muguet.image.screen import screen
from muguet.image.values import fill_missing, unsaturated
from muguet.noise.numerics import extreme
from muguet.pattern.correction import Correction
from muguet.quality.check import Check, Floats
from muguet.quality.frames import Frames
from muguet.quality.normalised import centre
from muguet.restoration.blur_width import blind_sigma, blurred

COMPARED = "Nothing better is at hand"

_SIDE = 512
"""The prior is run on at most this many pixels along each axis, at the centre of a plane."""

_LIMITS = (0.6, 2.0)
"""Limits of the squared difference, relative to the squared error of the prior's estimate. An estimate that is much
better than the prior's has 1, or more where the error of the prior is larger than predicted (a mean of 50 captures has
up to 1.8); one of three times its squared error has about 2."""

_MIN_GAIN = 1.3
"""The blur is called better if its squared difference is smaller by this factor."""


@dataclass(frozen=True, eq=False)
class SecondOpinion:
    """Two other estimates of the centre of a plane, in counts.

    Attributes
    ----------
    estimate, std
        The estimate of the shipped prior, and the predicted standard deviation of its error, ``(Y, X)``; NaN where a
        pixel is missing.
    blur, sigma
        The Gaussian blur whose width in pixels, `sigma`, has the least risk (`muguet.restoration.blur_width`).
    uses_neighbours
        Whether the estimate is that of a movie or a stack, from several planes.
    """

    estimate: Floats
    std: Floats
    blur: Floats
    sigma: float
    uses_neighbours: bool = False


def second_opinion(noisy: npt.ArrayLike, frames: Frames | None = None) -> SecondOpinion | None:
    """Denoise the centre of a noisy plane ``(Y, X)`` with the shipped prior, which takes some seconds.

    Parameters
    ----------
    noisy
        The plane.
    frames
        The planes of the movie or stack around it, which may help; None: it is a single plane.

    Returns
    -------
    SecondOpinion or None
        None if the plane is too small, the law of the noise cannot be measured on it, or squares of its values are no
        numbers.
    """
    from muguet.training.data import collect
    from muguet.training.fitting import prepare
    from muguet.training.planes import Sample

    plane = Correction().plane(centre(np.asarray(noisy), _SIDE))
    if extreme(plane):
        return None
    try:
        session = prepare(collect([Sample(plane, "YX")]), minutes=0)
    except MuguetError:
        return None
    if not session.first_laws or session.first_laws[0].doubt:
        return None
    denoiser = session.denoiser()
    uses_neighbours = False
    if frames is None:
        found = denoiser.estimate(plane, "YX", symmetries=1)
    else:
        series = np.stack([centre(np.asarray(each), _SIDE) for each in frames.planes])
        layout = denoiser.layout(series.shape, f"{frames.axis}YX")
        screened = denoiser.correction(screen(series, layout), layout).screened
        source = ArrayPlanes(screened.values, layout)
        neighbours = denoiser.find_neighbours(source, layout)
        uses_neighbours = neighbours.helps
        mean, std = np.empty((2, *series.shape), np.float32)
        into = ArrayPlanes(mean, layout), ArrayPlanes(std, layout)
        for _ in denoiser.estimate_planes(source, *into, 1, neighbours):
            pass
        found = Estimate(mean[frames.middle], std[frames.middle])
    filled = fill_missing(unsaturated(plane.astype(np.float64)))
    sigma = blind_sigma(filled)
    return SecondOpinion(
        found.mean.astype(np.float64),
        found.std.astype(np.float64),
        blurred(filled, sigma).astype(np.float64),
        sigma,
        uses_neighbours,
    )


def check_compared(recorded: Floats, signal: Floats, opinion: SecondOpinion) -> Check:
    """Compare an estimate x̂ with that of the prior, p, whose error has the known size s.

    D = mean((x̂ − p)²) / mean(s²). The prior's estimate is close to the mean of all signals that fit the noisy image.
    Its error is therefore hardly correlated with the difference x̂ − p, unless x̂ was made with more knowledge, and the
    squared error of x̂ is about 1 + D times that of the prior's estimate. An estimate with less error than the
    prior's has D ≤ 1.

    Parameters
    ----------
    recorded, signal
        The noisy plane and the estimate, ``(Y, X)`` in counts.
    opinion
        `second_opinion` of the noisy plane.
    """
    y, x = (centre(each, _SIDE) for each in (recorded, signal))
    known = (
        np.isfinite(unsaturated(y))
        & np.isfinite(x)
        & np.isfinite(opinion.estimate)
        & np.isfinite(opinion.std)
    )
    error = float(np.mean(opinion.std[known] ** 2)) if known.any() else 0.0
    if error <= 0:
        return Check(COMPARED, "good", "There is no second estimate to compare the result with.", {})

    def difference(estimate: Floats) -> float:
        return float(np.mean((estimate - opinion.estimate)[known] ** 2)) / error

    found, blur = difference(x), difference(opinion.blur)
    figures = {"difference": found, "difference_blur": blur, "blur_sigma": opinion.sigma}
    start = (
        f"The result differs from a quick reference, muguet's network for any image, by {math.sqrt(found):.1f} times "
        "the error of the reference"
    )
    if found <= _LIMITS[0]:
        return Check(COMPARED, "good", f"{start}.", figures)
    worse = f"the squared error of the result is about {1 + found:.1f} times that of the reference"
    also = (
        f" A Gaussian blur with a standard deviation of {opinion.sigma:.1f} pixels is better, too."
        if found > _MIN_GAIN * blur
        else ""
    )
    if found <= _LIMITS[1]:
        sentence = (
            f"{start}: unless the result was made with more knowledge than this image gives, {worse}.{also}"
        )
        return Check(COMPARED, "doubtful", sentence, figures)
    return Check(
        COMPARED,
        "bad",
        f"A quick reference is better: {worse}, because they differ by {math.sqrt(found):.1f} times its error.{also} "
        "The reference is the result of `muguet denoise --minutes 0`.",
        figures,
    )
