"""The Gaussian blur that removes as much noise as a denoiser did, and both across the strongest edge of the image."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from muguet.figures.edges import Edge, profile, steepest, strongest_edge
from muguet.figures.style import Floats
from muguet.figures.views import Part, most_varied_part
from muguet.image.values import fill_missing
from muguet.restoration.blur_width import blurred, matching_sigma

_SIDE = 512  # The width and the edge are found in the part of this size in which the plane varies most.
_MIN_SIGMA = 0.1  # A narrower blur does not change the image: the denoiser removed nothing.


@dataclass(frozen=True, eq=False)
class MatchingBlur:
    """The Gaussian blur that removes as much noise as a denoiser did, and what both do to an edge.

    Attributes
    ----------
    sigma
        Width of the blur: its standard deviation in pixels.
    edge
        The strongest edge of the denoised plane; None: it has none.
    profiles
        "position" in pixels from the edge, and "noisy", "denoised" and "blurred" in counts; empty without an edge.
    """

    sigma: float
    edge: Edge | None
    profiles: dict[str, Floats]

    @property
    def slopes(self) -> dict[str, float]:
        """The largest slope of the denoised and of the blurred profile, over two pixels, in counts per pixel."""
        names = ("denoised", "blurred") if self.profiles else ()
        return {name: steepest(self.profiles["position"], self.profiles[name]) for name in names}

    @property
    def sentence(self) -> str:
        """What the blur is and what it does to the edge, with figures."""
        text = (
            f"A Gaussian blur with a standard deviation of {self.sigma:.2f} pixels removes as much noise in flat "
            "regions as muguet did."
        )
        slopes = self.slopes
        if not slopes or slopes["denoised"] <= 0:
            return text
        share = 100 * slopes["blurred"] / slopes["denoised"]
        return (
            f"{text} Across the strongest edge, its slope is {share:.0f} % of that of the denoised image "
            f"({slopes['blurred']:.3g} instead of {slopes['denoised']:.3g} counts per pixel)."
        )

    def facts(self) -> dict[str, Any]:
        """Return all numbers, as values that JSON can hold."""
        edge = self.edge
        return {
            "sigma": self.sigma,
            "sentence": self.sentence,
            "edge": None if edge is None else {"centre": edge.centre, "direction": edge.direction},
            "profiles": self.profiles,
            "slopes": self.slopes,
        }


def matching_blur(noisy: npt.NDArray[Any], estimate: npt.NDArray[Any]) -> MatchingBlur | None:
    """Return the blur of a plane ``(Y, X)`` that removes as much noise as its estimate, see `matching_sigma`.

    Returns
    -------
    MatchingBlur or None
        None if the estimate removes no noise, or there is no finite pixel.
    """
    part = most_varied_part(np.asarray(estimate, np.float64), (_SIDE, _SIDE))
    before, after = (np.asarray(plane[part], np.float64) for plane in (noisy, estimate))
    if not np.isfinite(before).any() or not np.isfinite(after).any():
        return None
    sigma = matching_sigma(fill_missing(before), fill_missing(after))
    if sigma < _MIN_SIGMA:
        return None
    edge = strongest_edge(np.where(np.isfinite(before), after, np.nan))
    if edge is None:
        return MatchingBlur(sigma, None, {})
    blur = blurred_part(noisy, sigma, part).astype(np.float64)
    profiles = {"position": profile(after, edge)[0]}
    for name, values in (("noisy", before), ("denoised", after), ("blurred", blur)):
        profiles[name] = profile(values, edge)[1]
    (y, x), (rows, columns) = edge.centre, part
    return MatchingBlur(sigma, Edge((y + rows.start, x + columns.start), edge.direction), profiles)


def blurred_part(noisy: npt.NDArray[Any], sigma: float, part: Part) -> npt.NDArray[np.float32]:
    """Return a part of a plane ``(Y, X)`` behind a Gaussian blur of the whole plane, see `blurred_plane`."""
    halo = math.ceil(4 * sigma)
    wide = tuple(slice(max(each.start - halo, 0), each.stop + halo) for each in part)
    inner = tuple(
        slice(each.start - outer.start, each.stop - outer.start)
        for each, outer in zip(part, wide, strict=True)
    )
    return blurred_plane(noisy[wide], sigma)[inner]


def blurred_plane(noisy: npt.NDArray[Any], sigma: float) -> npt.NDArray[np.float32]:
    """Return a plane ``(Y, X)`` behind a Gaussian blur of `sigma` pixels; missing pixels are missing again."""
    plane = np.asarray(noisy, np.float64)
    found = blurred(fill_missing(plane), sigma)
    found[~np.isfinite(plane)] = np.nan
    return found
