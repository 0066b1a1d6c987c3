"""A noise law that is measured on images, as histograms."""

from __future__ import annotations

import math
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from muguet.errors import MuguetError
from muguet.noise.histogram import HistogramDistribution, Histograms
from muguet.noise.law import Law
from muguet.noise.transfer.bins import Bins, Floats, bins_of, pixels
from muguet.noise.transfer.curve import MeanVariance

# Cells have equal widths within this many standard deviations, and grow with the distance beyond.
_BEND = 2.0
_MAX_CELLS = 400  # Maximal number of cells, from the pixel furthest below the mean to the one furthest above.


class MeasuredLaw(Law):
    """A measured noise law: histograms of y − x, one for each of many signals.

    In a bin of n pixels of like signal, with mean m and standard deviation s of y − x,

        p(y | x) = n/(n + 1) · histogram(y − x) + 1/(n + 1) · N(y − x; m, s²)

    where the second term is one additional pixel, spread as a Gaussian: it keeps the density above zero where no pixel
    was measured, and changes neither mean nor variance. Cells are about 2.7 n^(−1/3) standard deviations wide near
    the mean (Freedman and Diaconis 1981, doi:10.1007/BF01025868) and grow with the distance (evenly spaced in
    asinh(z/2)), so the furthest pixel is kept; their width makes the density's σ up to 0.5 % larger than `std`, which
    is that of the pixels. Between the mean signals of two bins the two densities are mixed
    linearly, and so are variance and third moment: those of shot noise, multiplied or not, are linear as well.
    Beyond the first and the last of `signals` the law of that bin is used.

    Parameters
    ----------
    signals
        Mean signal of each bin ``(bins,)``, in rising order, in counts.
    centres, scales
        Mean and standard deviation of y − x in each bin, in counts.
    edges
        Edges of the cells ``(cells + 1,)``, in standard deviations from the mean of a bin.
    cells
        Number of pixels in each cell ``(bins, cells)``.
    """

    signals: Tensor
    centres: Tensor
    scales: Tensor
    edges: Tensor
    cells: Tensor

    def __init__(
        self, signals: Floats, centres: Floats, scales: Floats, edges: Floats, cells: Floats
    ) -> None:
        super().__init__()
        self.blur = 0.0  # see `MeanVariance`
        tables = {"signals": signals, "centres": centres, "scales": scales, "edges": edges, "cells": cells}
        for name, values in tables.items():
            self.register_buffer(name, torch.tensor(values, dtype=torch.float64))

    @property
    def counts(self) -> Tensor:
        """Number of pixels in each bin ``(bins,)``."""
        return self.cells.sum(-1)

    @property
    def histograms(self) -> Histograms:
        """The histograms, in float64 whatever dtype the module was converted to."""
        tables = (self.signals, self.centres, self.scales, self.edges, self.cells)
        return Histograms(*(table.double() for table in tables))

    @classmethod
    def from_pairs(
        cls, noisy: npt.ArrayLike, clean: npt.ArrayLike, bins: int = 64, fewest: int = 1000
    ) -> Self:
        """Measure the law on registered images of one shape: the recorded values and their signals.

        If the clean image has noise of its own, as the mean of m frames has, the variance is too large by
        a factor of 1 + 1/m, or too small by 1 − 1/m if the noisy frame is one of them. Pixels that are not
        finite in both are left out; replace saturated ones by NaN first.

        Parameters
        ----------
        noisy, clean
            Arrays of one shape, in counts.
        bins, fewest
            Approximate number of bins of equal counts, and the smallest number of pixels of one, at rare signals.

        Raises
        ------
        MuguetError
            If the shapes differ, or there are no pixels, or there is no noise.
        """
        recorded, signals = pixels(noisy, clean)
        return cls._counted(recorded - signals, signals, bins, fewest)

    @classmethod
    def from_repeats(cls, frames: npt.ArrayLike, bins: int = 64, fewest: int = 1000) -> Self:
        """Measure the law on T frames of a scene that holds still, without a clean image.

        The signal is the mean of all frames, x̄, and the residual (y − x̄)/√(1 − 1/T). Binning on a noisy mean
        would in general mix signals and bias residuals towards zero, but not here: the frames of a pixel are
        exchangeable, so E[y − x̄ | x̄] = 0 whatever x is, and as the sum of all frames is a sufficient statistic
        of Poisson as of Gaussian noise, the law of y given x̄ does not depend on x at all: its variance is
        (1 − 1/T) σ²(x̄) exactly. (The mean of the *other* frames has neither property.) Skewness does shrink,
        by a factor of (T − 2)/√(T (T − 1)): 0.93 for 21 frames; from two frames it cannot be measured.

        Parameters
        ----------
        frames
            ``(T, ...)``, T ≥ 2, in counts. Drift and bleaching count as noise: register and correct first.
        bins, fewest
            As for `from_pairs`; all frames of a pixel fall in one bin.

        Raises
        ------
        MuguetError
            If there are fewer than two frames, or no noise.
        """
        stack = np.asarray(frames, dtype=np.float64)
        if stack.ndim < 2 or len(stack) < 2:
            raise MuguetError(
                f"frames of shape {stack.shape}: give two or more frames of one scene, along axis 0"
            )
        mean = np.broadcast_to(stack.mean(0), stack.shape)
        recorded, signals = pixels(stack, mean)
        law = cls._counted((recorded - signals) / math.sqrt(1 - 1 / len(stack)), signals, bins, fewest)
        law.blur = 1 / math.sqrt(len(stack))
        return law

    @classmethod
    def _counted(cls, residual: Floats, signals: Floats, bins: int, fewest: int) -> Self:
        groups = bins_of(signals, bins, fewest)
        residual, signals = residual[groups.order], signals[groups.order]
        centres = groups.mean(residual)
        scales = np.sqrt(groups.mean((residual - groups.spread(centres)) ** 2))
        noisy = scales > 0
        if np.sum(groups.counts[noisy]) < 0.5 * len(signals):
            raise MuguetError("most pixels have no noise at all: are two of the images copies of each other?")
        if not noisy.all():  # Dark pixels of a file of 8 bits may all have the same value.
            groups = groups.joined(noisy)
            centres = groups.mean(residual)
            scales = np.sqrt(groups.mean((residual - groups.spread(centres)) ** 2))
        z = (residual - groups.spread(centres)) / groups.spread(scales)
        edges, cells = _histograms(z, groups)
        return cls(groups.mean(signals), centres, scales, edges, cells)

    def points(self) -> MeanVariance:
        """Return the photon-transfer curve: variance against signal, with errors √((m₄ − variance²)/n)."""
        tables = self.histograms
        excess = (tables.moments(4) - 1).clamp(min=0)
        error = tables.scales.square() * (excess / tables.counts).sqrt()
        columns = (tables.signals, tables.scales.square(), error, tables.counts)
        signal, variance, deviation, count = (column.cpu().numpy() for column in columns)
        return MeanVariance(signal, variance, deviation, count.astype(np.intp), self.blur)

    def forward(self, signal: Tensor) -> HistogramDistribution:
        """Return the distribution of the recorded value at each signal, in counts."""
        return HistogramDistribution(signal, self.histograms)


def _histograms(z: Floats, groups: Bins) -> tuple[Floats, Floats]:
    """Return edges common to all bins, and the numbers of pixels ``(bins, cells)``."""
    bent = np.arcsinh(z / _BEND)
    reach = float(np.abs(bent).max()) * (1 + 1e-9)
    width = 2.7 * float(np.median(groups.counts)) ** (-1 / 3) / _BEND
    number = min(max(math.ceil(2 * reach / width), 1), _MAX_CELLS)
    cell = np.clip(((bent + reach) * (number / (2 * reach))).astype(np.intp), 0, number - 1)
    which = np.repeat(np.arange(len(groups.starts)), groups.counts)
    cells = np.bincount(which * number + cell, minlength=len(groups.starts) * number)
    edges = _BEND * np.sinh(np.linspace(-reach, reach, number + 1))
    return edges, cells.reshape(-1, number).astype(np.float64)
