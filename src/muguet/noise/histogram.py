"""Histograms of the noise at many signals, and the distribution that is interpolated between them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from muguet.noise.law import Distribution

_HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)


@dataclass(frozen=True, eq=False)
class Histograms:
    """One histogram of y − x for each of many signals, all with the same cells in units of their standard deviations.

    Attributes
    ----------
    signals
        Mean signal of each bin ``(bins,)``, in rising order.
    centres, scales
        Mean and standard deviation of y − x in each bin.
    edges
        Edges of the cells ``(cells + 1,)``, in standard deviations from the mean.
    cells
        Number of pixels in each cell ``(bins, cells)``.
    """

    signals: Tensor
    centres: Tensor
    scales: Tensor
    edges: Tensor
    cells: Tensor

    @property
    def counts(self) -> Tensor:
        """Number of pixels in each bin ``(bins,)``."""
        return self.cells.sum(-1)

    @property
    def widths(self) -> Tensor:
        """Widths of the cells, in standard deviations."""
        return self.edges.diff()

    def moments(self, power: int) -> Tensor:
        """Return standardised moments ``(bins,)``, with every pixel in the middle of its cell."""
        middle = 0.5 * (self.edges[1:] + self.edges[:-1])
        return (self.cells * middle.pow(power)).sum(-1) / self.counts

    def beside(self, signal: Tensor) -> tuple[Tensor, Tensor]:
        """Return the bins on either side of each signal and their weights, both ``(*signal.shape, 2)``."""
        x, last = signal.double().contiguous(), len(self.signals) - 1
        right = torch.searchsorted(self.signals, x.detach()).clamp(min(1, last), last)
        left = (right - 1).clamp(min=0)
        gap = (self.signals[right] - self.signals[left]).clamp(min=1e-300)
        weight = ((x - self.signals[left]) / gap).clamp(0, 1)
        return torch.stack([left, right], -1), torch.stack([1 - weight, weight], -1)


@dataclass(frozen=True, eq=False)
class HistogramDistribution(Distribution):
    """p(y | x) = Σ_b w_b(x) · p_b(y − x) over the two bins beside x, with w_b linear in x.

    In a bin of n pixels with mean m and standard deviation s of y − x,

        p_b(e) = n/(n + 1) · histogram(e) + 1/(n + 1) · N(e; m, s²)

    where the second term is one additional pixel, spread as a Gaussian: it keeps the density above zero where no pixel
    was measured, and changes neither mean nor variance.

    Attributes
    ----------
    signal
        x, of any shape.
    tables
        The histograms.
    """

    signal: Tensor
    tables: Histograms

    @property
    def mean(self) -> Tensor:
        """The signal plus the mean of y − x that was measured there."""
        return self.signal + self._mixed(self.tables.centres)

    @property
    def variance(self) -> Tensor:
        """Σ_b w_b (s_b² + (m_b − m)²), where s_b is the standard deviation of the pixels themselves."""
        bins, weights = self.tables.beside(self.signal)
        own = self.tables.scales.square()[bins]
        return ((own + self._away.square()) * weights).sum(-1).to(self.signal.dtype)

    @property
    def skewness(self) -> Tensor:
        """Skewness from the third moments of the cells, mixed like the variance."""
        bins, weights = self.tables.beside(self.signal)
        tables, counts = self.tables, self.tables.counts
        third = (tables.moments(3) * counts / (counts + 1) * tables.scales.pow(3))[bins]
        third = third + self._away * (self._away.square() + 3 * tables.scales.square()[bins])
        return ((third * weights).sum(-1) / self.variance.double().pow(1.5)).to(self.signal.dtype)

    def log_prob(self, value: Tensor) -> Tensor:
        """Return the log-density, which is finite everywhere."""
        z, cell, bins, weights = self._places(value)
        tables = self.tables
        inside = (z >= tables.edges[0]) & (z <= tables.edges[-1])
        density = torch.where(inside, tables.cells[bins, cell] / tables.widths[cell], 0.0)
        log = torch.logaddexp(density.log(), -0.5 * z.square() - _HALF_LOG_2PI)
        scale = (tables.counts[bins] + 1) * tables.scales[bins]
        return torch.logsumexp(log - scale.log() + weights.log(), dim=-1).to(self._dtype(value))

    def cdf(self, value: Tensor) -> Tensor:
        """Return P(y ≤ value), which is linear within a cell."""
        z, cell, bins, weights = self._places(value)
        tables = self.tables
        part = ((z - tables.edges[cell]) / tables.widths[cell]).clamp(0, 1)
        below = tables.cells.cumsum(-1) - tables.cells
        counted: Tensor = below[bins, cell] + part * tables.cells[bins, cell] + torch.special.ndtr(z)
        return (counted / (tables.counts[bins] + 1) * weights).sum(-1).to(self._dtype(value))

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """Draw a bin, then one of its pixels, then a value within that pixel's cell."""
        tables, (bins, weights) = self.tables, self.tables.beside(self.signal)
        device, shape = self.signal.device, self.signal.shape

        def uniform() -> Tensor:
            return torch.rand(shape, generator=generator, device=device, dtype=torch.float64)

        one = torch.where(uniform() < weights[..., 0], bins[..., 0], bins[..., 1])
        counts = tables.counts[one]
        rank = uniform() * (counts + 1)
        # All pixels in one row, bin after bin and cell after cell: a rank is a position in that row.
        ends = tables.cells.flatten().cumsum(0)
        before = ends[one * tables.cells.shape[-1] + tables.cells.shape[-1] - 1] - counts
        cell = torch.searchsorted(ends, before + rank, right=True) - one * tables.cells.shape[-1]
        cell = cell.clamp(0, tables.cells.shape[-1] - 1)
        z = tables.edges[cell] + uniform() * tables.widths[cell]
        normal = torch.randn(shape, generator=generator, device=device, dtype=torch.float64)
        z = torch.where(rank < counts, z, normal)
        return (self.signal + tables.centres[one] + tables.scales[one] * z).to(self.signal.dtype)

    @property
    def _away(self) -> Tensor:
        """Means of the two bins, relative to that of their mixture."""
        centres = self.tables.centres[self.tables.beside(self.signal)[0]]
        return centres - self._mixed(self.tables.centres).double().unsqueeze(-1)

    def _places(self, value: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return values in standard deviations of the two bins, their cells, the bins and weights, all ``(..., 2)``."""
        tables, (bins, weights) = self.tables, self.tables.beside(self.signal)
        residual = (value.double() - self.signal.double()).unsqueeze(-1)
        z = (residual - tables.centres[bins]) / tables.scales[bins]
        cell = torch.searchsorted(tables.edges, z.detach().contiguous(), right=True) - 1
        return z, cell.clamp(0, len(tables.edges) - 2), bins.expand_as(z), weights.expand_as(z)

    def _mixed(self, table: Tensor) -> Tensor:
        bins, weights = self.tables.beside(self.signal)
        return (table[bins] * weights).sum(-1).to(self.signal.dtype)

    def _dtype(self, value: Tensor) -> torch.dtype:
        return torch.result_type(self.signal, value)
