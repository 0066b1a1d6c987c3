"""Kullback and Leibler's divergence between two noise laws, along the signal."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from muguet.noise.law import Distribution, Law
from muguet.noise.measured import MeasuredLaw
from muguet.noise.numerics import gauss_legendre
from muguet.noise.transfer.bins import Floats, bins_of

_TAIL = 1e-5  # The grid reaches twice as far from the mean as the quantile of this probability.
_MIN_POINTS, _MAX_POINTS = 513, 65_537  # Points of the grid.
# A grid is fine enough if one twice as fine changes the divergence by less, in nats or as a part of it.
_TOLERANCE = 1e-4
# Smallest probability that is taken as the difference of two cumulative probabilities.
_MIN_DIFFERENCE = 1e-4
_NODES = 12  # Nodes of the quadrature over a cell of smaller probability.


def divergence(p: Law, q: Law, signal: npt.ArrayLike) -> Floats:
    """Return KL(p‖q)(x) = ∫ p(y|x) · log(p(y|x)/q(y|x)) dy at each signal x, in nats.

    Kullback and Leibler 1951, doi:10.1214/aoms/1177729694. Two laws are integrated by the trapezoidal rule on a
    grid that covers p, which is refined until p integrates to one and the result settles, both to 1e-4.

    A measured p is compared by its own cells in each of its bins, KL = Σᵢ Pᵢ log(Pᵢ/Qᵢ) with Qᵢ the probability
    that q gives to the cell. The result is interpolated between the bins and constant beyond them. Differences of p
    and q within a cell do not count. A histogram of n pixels in k cells is further from q than the law it was drawn
    from, by (k − 1)/2n on average (the bias of Miller 1955 and Madow; k counts the cells that are not empty): that is
    subtracted, so a result near zero may lie below zero, by about √(k/2)/n.

    A measured q is a law like any other; where no pixel was measured, its density is that of the one Gaussian pixel
    that was added (`MeasuredLaw`).

    Parameters
    ----------
    p, q
        Laws in the same units. The divergence is not symmetric: p is the truth, q an approximation of it.
    signal
        Signals in those units; the result has their shape. For an image use `mean_divergence`.
    """
    signals = np.asarray(signal, dtype=np.float64)
    if isinstance(p, MeasuredLaw):
        at = p.signals.double().cpu().numpy()
        return np.interp(signals, at, _from_histograms(p, q))
    each = [_integrated(p.distribution([x]), q.distribution([x])) for x in signals.ravel()]
    return np.array(each, dtype=np.float64).reshape(signals.shape)


def mean_divergence(p: Law, q: Law, signals: npt.ArrayLike, bins: int = 64) -> float:
    """Return KL(p‖q) averaged over the pixels of an image of the signal, in nats per pixel.

    Pixels that are not finite are left out; the others are grouped in about `bins` bins of similar signal.
    """
    values = np.asarray(signals, dtype=np.float64).ravel()
    values = values[np.isfinite(values)]
    groups = bins_of(values, bins, fewest=max(1, len(values) // (20 * bins)))
    at = groups.mean(values[groups.order])
    return float(np.average(divergence(p, q, at), weights=groups.counts))


def _integrated(p: Distribution, q: Distribution) -> float:
    """Return KL at a single signal: both distributions have the shape ``(1,)``."""
    with torch.no_grad():
        middle = p.mean.double()
        low = p.quantile(_TAIL).double() - middle
        high = p.quantile(1 - _TAIL).double() - middle
        points, last = _MIN_POINTS, np.inf
        while True:
            y = middle + torch.lerp(2 * low, 2 * high, torch.linspace(0, 1, points).to(middle))
            log_p, log_q = p.log_prob(y).double(), q.log_prob(y).double()
            density = log_p.exp()
            # Where p underflows to zero, 0 · log 0 is 0, whatever q is.
            gain = torch.where(density > 0, log_p - log_q, 0.0)
            mass = float(torch.trapezoid(density, y))
            value = float(torch.trapezoid(density * gain, y))
            # Normalising p by its mass removes the error of its own integral.
            value = value / mass - np.log(mass) if 0.5 < mass < 2 else value
            settled = abs(mass - 1) < _TOLERANCE and abs(value - last) < _TOLERANCE * max(1.0, abs(value))
            if settled or value == np.inf or points >= _MAX_POINTS:
                return value
            points, last = 2 * points - 1, value


def _from_histograms(p: MeasuredLaw, q: Law) -> Floats:
    """Return KL in each bin of p ``(bins,)``, less the bias of a finite histogram."""
    tables = p.histograms
    edges = (tables.signals + tables.centres).unsqueeze(-1) + tables.scales.unsqueeze(-1) * tables.edges
    signals = tables.signals.unsqueeze(-1)
    other = q.distribution(signals.to(_dtype(q)))
    with torch.no_grad():
        log_q = _log_probability(other, edges)
    share = tables.cells / tables.counts.unsqueeze(-1)
    terms = torch.where(share > 0, share * (share.clamp(min=1e-300).log() - log_q), 0.0)
    occupied = (tables.cells > 0).sum(-1)
    result: Floats = (terms.sum(-1) - (occupied - 1) / (2 * tables.counts)).cpu().numpy()
    return result


def _log_probability(distribution: Distribution, edges: Tensor) -> Tensor:
    """Return the log-probability of cells between edges ``(bins, cells + 1)``, exact far out in the tails as well."""
    exact = distribution.cdf(edges).double().diff(dim=-1)
    nodes, weights = gauss_legendre(edges[:, :-1], edges[:, 1:], _NODES)
    parts = [
        distribution.log_prob(y).double() + weight.log()
        for y, weight in zip(nodes.unbind(-1), weights.unbind(-1), strict=True)
    ]
    return torch.where(
        exact > _MIN_DIFFERENCE, exact.clamp(min=1e-300).log(), torch.logsumexp(torch.stack(parts), 0)
    )


def _dtype(law: Law) -> torch.dtype:
    """Return the dtype of a network's parameters; float64 for all other laws."""
    return next((parameter.dtype for parameter in law.parameters()), torch.float64)
