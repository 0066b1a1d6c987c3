"""An estimate of a plane of a stack from the planes around it: bands of all planes, with weights learned on the stack.

With estimates e of single planes from their noisy values y, and the plane 0 that is estimated,

    x̂ = e₀ + Σᵢ aᵢ Bᵢ e₀ + Σₖ Σᵢ [ cₖᵢ Bᵢ (eₖ − e₀) + dₖᵢ Bᵢ (yₖ − eₖ) ],

where k are the neighbouring planes and Bᵢ the bands of an image: the image minus a blur, the difference of two blurs,
and the second blur. Planes of a stack differ as the point spread function extends along Z, so that the best weights are
the same everywhere, and depend on the scale of structures: coarse ones are the same in more planes. The noise of the
neighbours is independent of the plane's own. The residuals y − e hold what the network took for noise but planes have
in common.

The weights w minimise the risk of Stein 1981 (doi:10.1214/aos/1176345632), which needs no clean image and is quadratic:
with the columns X that the weights multiply, x̂ = e₀ + X w,

    mean (e₀ + X w − y₀)² + 2 σ² ∂(e₀ + X w)/∂y₀.

The lowest band of plane 0 has no weight of its own, so that the mean brightness is that of e.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from muguet.restoration.blur import gaussian_blur

Floats = npt.NDArray[np.float64]

SIGMAS = (1.0, 2.5)
"""Standard deviations in pixels of the blurs whose differences are the bands."""

REACH = 10
"""Largest distance in pixels at which a pixel of an estimate changes the result."""

_BANDS = len(SIGMAS) + 1
_RIDGE = 1e-4  # Weights are drawn towards 0, where the result is e₀, by this share of the columns' own power.


def features(noisy: Tensor, estimates: Tensor) -> Tensor:
    """Return the bands of estimates of planes ``(planes, 1, y, x)`` and of their residuals, ``(planes, 6, y, x)``."""
    return torch.cat([_bands(estimates), _bands(noisy - estimates)], 1)


def _bands(image: Tensor) -> Tensor:
    blurs = [image, *(gaussian_blur(image, sigma) for sigma in SIGMAS)]
    return torch.cat([*(fine - coarse for fine, coarse in pairwise(blurs)), blurs[-1]], 1)


def columns(own: Tensor, neighbours: Sequence[Tensor]) -> Tensor:
    """Return the images that the weights of a plane multiply, ``(2 + 6 neighbours, y, x)``.

    Parameters
    ----------
    own
        `features` of the plane ``(6, y, x)``.
    neighbours
        Those of its neighbours.
    """
    found = [own[: _BANDS - 1]]
    for each in neighbours:
        found += [each[:_BANDS] - own[:_BANDS], each[_BANDS:]]
    return torch.cat(found)


def fused(noisy: Tensor, estimates: Tensor, own: int, neighbours: Sequence[int], weights: Floats) -> Tensor:
    """Return the estimate ``(y, x)`` of a plane with the weights of its columns.

    With Bᵢ as differences of blurs, it is a weighted mean of the planes for each blur, which is then blurred once. This
    is the sum over `columns` in another order, and several times faster.

    Parameters
    ----------
    noisy, estimates
        Planes ``(planes, 1, y, x)``, and their estimates one by one.
    own, neighbours
        Positions of the plane and of its neighbours among them.
    weights
        See `Equations.weights`.
    """
    first, rest = weights[: _BANDS - 1], weights[_BANDS - 1 :].reshape(-1, 2, _BANDS)
    of_own = np.append(first, 0.0) - rest[:, 0].sum(0)
    table = np.concatenate([of_own[None], rest[:, 0] - rest[:, 1], rest[:, 1]]).T
    places = list(neighbours)
    images = torch.cat([estimates[[own, *places]], noisy[places]])[:, 0]
    bands = torch.tensordot(torch.from_numpy(table).to(images), images, 1)
    total: Tensor = estimates[own, 0] + bands[0]
    for number, sigma in enumerate(SIGMAS):
        total = total + gaussian_blur((bands[number + 1] - bands[number])[None, None], sigma)[0, 0]
    return total


@dataclass(frozen=True, eq=False)
class Equations:
    """The normal equations of the weights, as means over pixels of planes that have all neighbours.

    Attributes
    ----------
    offsets
        Position of each neighbour relative to the plane, such as (−1, 1).
    gram
        Means of the products of the columns, ``(columns, columns)``.
    moment
        Means of the products of the columns and y₀ − e₀, minus σ² times the slope of the columns ``(columns,)``.
    """

    offsets: tuple[int, ...]
    gram: Floats
    moment: Floats

    def weights(self, present: Sequence[int]) -> Floats:
        """Return the weights of least risk if only the neighbours `present` can be used, in their order."""
        kept = self._kept(present)
        gram = self.gram[np.ix_(kept, kept)]
        ridge = np.diag(_RIDGE * np.diag(gram) + np.finfo(float).tiny)
        return np.linalg.lstsq(gram + ridge, self.moment[kept], rcond=None)[0].astype(np.float64)

    def gain(self, weights: Floats, present: Sequence[int]) -> float:
        """Return by how much these weights lower the mean squared error below that of the plane by itself."""
        kept = self._kept(present)
        return float(2 * weights @ self.moment[kept] - weights @ self.gram[np.ix_(kept, kept)] @ weights)

    def _kept(self, present: Sequence[int]) -> list[int]:
        """The columns of the plane and of some neighbours."""
        places = [self.offsets.index(offset) for offset in present]
        own = _BANDS - 1
        return [
            *range(own),
            *(own + 2 * _BANDS * place + k for place in places for k in range(2 * _BANDS)),
        ]

    @classmethod
    def mean(cls, parts: Sequence[Equations]) -> Equations:
        """Return the means of equations of parts of a stack of equal size."""
        gram = np.mean([each.gram for each in parts], 0)
        return cls(parts[0].offsets, gram, np.mean([each.moment for each in parts], 0))


def normal_equations(offsets: tuple[int, ...], found: Tensor, slopes: Tensor, rest: Tensor) -> Equations:
    """Return the equations of the weights from some pixels.

    Parameters
    ----------
    offsets
        Positions of the neighbours.
    found
        `columns` at the pixels, ``(columns, pixels)``.
    slopes
        Unbiased, noisy measurements of σ² times the derivative of each column by the pixel's own value y₀.
    rest
        y₀ − e₀, ``(pixels,)``.
    """
    x, number = found.double(), found.shape[1]
    moment = (x @ rest.double()) / number - slopes.double().mean(1)
    return Equations(offsets, (x @ x.T / number).cpu().numpy(), moment.cpu().numpy())
