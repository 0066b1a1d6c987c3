"""The law before anything is learned: the variance of the noise against the signal, from the noisy images alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from muguet.errors import MuguetError
from muguet.image.scaling import Scaling
from muguet.noise.correlated.whitening import Whitening
from muguet.noise.transfer.bins import Floats
from muguet.noise.transfer.curve import MeanVariance
from muguet.noise.transfer.single_image import rough_std, transfer_alone
from muguet.noise.transfer.variance import Variance, fitted_variance, straight_line
from muguet.prediction.regions import Cut, map_plane
from muguet.restoration.stabilised import Stabilised
from muguet.training.sampled import SampledPlane

FIRST_PIXELS = 2**19
"""The law of a channel is measured on at most about this many pixels."""

CORE = (512, 512)
"""Size of a region, without its halo, in which the prior is computed."""

_MAX_MISFIT = 0.1  # A curve that misses its points by more than this share of σ on average is not believed.
_FEWEST_POINTS = 4
_FEWEST_PIXELS = 300  # A point of the curve is the variance of at least this many pixels.


@dataclass(frozen=True, eq=False)
class FirstLaw:
    """The variance of the noise of one channel, measured before training.

    Attributes
    ----------
    points
        The photon-transfer curve; None if it could not be measured.
    slope, constant
        The variance slope·x + constant of the noise at the signal x, in the units of the images that were measured.
    least
        The smallest variance of the noise.
    doubt
        The reason why the law cannot be measured on these images, as the end of a sentence; empty if it was measured.
        If there is a reason, the variance is assumed to be the same at every signal.
    """

    points: MeanVariance | None
    slope: float
    constant: float
    least: float
    doubt: str = ""

    @property
    def electrons(self) -> Scaling:
        """The map to effective photo-electrons, in which the variance of the noise is equal to the signal."""
        return Scaling(-self.constant / self.slope, self.slope)

    @property
    def in_electrons(self) -> FirstLaw:
        """The same law in effective photo-electrons."""
        offset, scale = -self.electrons.offset / self.electrons.scale, 1 / self.electrons.scale
        points = self.points and self.points.scaled(offset, scale)
        return FirstLaw(points, 1.0, 0.0, self.least * scale**2, self.doubt)

    @property
    def variance(self) -> Variance:
        """The variance as a polynomial of the signal."""
        if self.points is not None:
            return fitted_variance(self.points)
        return Variance(self.constant, self.slope, 0.0, self.least)


def measure_first_law(
    planes: Sequence[SampledPlane], prior: Stabilised, whitening: Whitening | None = None
) -> FirstLaw:
    """Measure the variance against the signal in two rounds: on the image alone, then with the prior's estimate.

    Parameters
    ----------
    planes
        Planes ``(y, x)`` of one channel.
    prior
        The prior.
    whitening
        The filter that made the noise of the planes white, in their units; None: it was so.
    """
    noisy = [plane.noisy for plane in planes]
    first = _law(noisy, None, whitening)
    estimates = [plane.known(prior_estimate(prior, plane.filled, first.electrons)) for plane in planes]
    second = _law(noisy, estimates, whitening)
    return first if second.doubt and not first.doubt else second


def prior_estimate(
    prior: Stabilised, plane: npt.NDArray[np.float32], electrons: Scaling
) -> npt.NDArray[np.float32]:
    """Return the prior's estimate of a plane ``(y, x)``, in the units of the plane."""
    device = next(prior.parameters()).device

    def estimate(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        units = torch.from_numpy(electrons.apply(values))[None, None].to(device)
        with torch.inference_mode():
            return final_estimate(prior, units)[0, 0].cpu().numpy()

    return electrons.invert(map_plane(estimate, plane, Cut(CORE, prior.halo, prior.stride)))


def final_estimate(net: Stabilised, image: torch.Tensor) -> torch.Tensor:
    """Return b + g (y − b) of a network with a gate."""
    found = net(image)
    assert found.gate is not None
    return found.blind + found.gate * (image - found.blind)


def _law(
    noisy: Sequence[Floats], estimates: Sequence[Floats] | None, whitening: Whitening | None
) -> FirstLaw:
    """The law of one round."""
    try:
        points = transfer_alone(noisy, estimates, fewest=_FEWEST_PIXELS)
    except MuguetError:
        return _constant(noisy, "there are too few pixels")
    if whitening is not None:
        points = whitening.levelled(points)
    if len(points.signal) < _FEWEST_POINTS:
        return _constant(noisy, "there are too few different signals")
    curve = fitted_variance(points)
    if curve.misfit > _MAX_MISFIT:
        return _constant(noisy, "no camera's law fits the variances that were measured")
    slope, constant = straight_line(points)
    return FirstLaw(points, slope, constant, curve.floor)


def _constant(noisy: Sequence[Floats], doubt: str) -> FirstLaw:
    """A law of noise that is the same at every signal."""
    if not noisy:  # Every plane of the channel is blank: its law is never used.
        return FirstLaw(None, 1e-3, 1.0, 0.25, doubt)
    std = float(np.median([rough_std(plane) for plane in noisy])) or 1e-3
    signal = float(np.median([np.nanmedian(plane) for plane in noisy]))
    slope = 1e-3 * std
    return FirstLaw(None, slope, std**2 - slope * signal, std**2 / 4, doubt)
