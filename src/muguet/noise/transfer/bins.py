"""Bins of pixels of similar signal, in which everything is measured that depends on the signal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from muguet.errors import MuguetError

Floats = npt.NDArray[np.float64]

_GROWTH = 1.5  # Factor by which bins grow, one after another, from the rare signals at either end inwards.


@dataclass(frozen=True)
class Bins:
    """Pixels grouped by their signals, from the darkest to the brightest.

    Attributes
    ----------
    order
        Indices ``(n,)`` that sort the pixels by signal.
    starts
        First position of each bin in that order ``(bins,)``.
    """

    order: npt.NDArray[np.intp]
    starts: npt.NDArray[np.intp]

    @property
    def counts(self) -> npt.NDArray[np.intp]:
        """Number of pixels in each bin."""
        return np.diff(self.starts, append=len(self.order))

    def mean(self, values: Floats) -> Floats:
        """Return the mean in each bin of values ``(n,)`` that are in the order of the bins."""
        return np.add.reduceat(values, self.starts) / self.counts

    def spread(self, per_bin: Floats) -> Floats:
        """Return a value per bin as a value per pixel, in the order of the bins."""
        return np.repeat(per_bin, self.counts)

    def joined(self, kept: npt.NDArray[np.bool_]) -> Bins:
        """Return larger bins: each one that is not kept joins the next brighter one that is, or else the last one."""
        return Bins(self.order, np.append(0, self.starts[np.flatnonzero(kept)[:-1] + 1]))


def bins_of(signals: Floats, bins: int = 64, fewest: int = 1000) -> Bins:
    """Group pixels into bins of equal counts, with smaller bins at both ends of the signals, where signals are rare.

    Parameters
    ----------
    signals
        Signals ``(n,)``. Pixels of the same signal are never separated.
    bins
        Approximate number of bins; fewer pixels give fewer.
    fewest
        Number of pixels in the smallest bin.

    Raises
    ------
    MuguetError
        If there are fewer than two signals.
    """
    if signals.ndim != 1 or len(signals) < 2:
        raise MuguetError(f"{signals.size} pixels are too few to measure noise: give at least a few thousand")
    total = len(signals)
    largest = max(fewest, total // bins)
    order = np.argsort(signals, kind="stable")
    ordered = signals[order]
    size, side = float(fewest), [0]  # From the dark end up to the middle.
    while side[-1] + size < total / 2:
        side.append(side[-1] + int(size))
        size = min(size * _GROWTH, largest)
    ranks = np.array(side + [total - rank for rank in reversed(side[1:])])
    # Each cut moves to the first pixel of its signal; bins that become too small join the one before.
    cuts = np.searchsorted(ordered, ordered[ranks])
    starts = [0]
    for cut in cuts:
        if cut - starts[-1] >= min(fewest, total):
            starts.append(int(cut))
    if len(starts) > 1 and total - starts[-1] < fewest:
        starts.pop()
    return Bins(order, np.array(starts, dtype=np.intp))


def min_bin_count(pixels: int, share: int = 32) -> int:
    """Return the pixels of the smallest bin for an image: 1000, or for a small image 1/`share` of it, 100 at least."""
    return min(1000, max(100, pixels // share))


def pixels(noisy: npt.ArrayLike, signal: npt.ArrayLike, *others: npt.ArrayLike) -> tuple[Floats, ...]:
    """Return images of one shape as lists of the pixels that are finite in the first two.

    Raises
    ------
    MuguetError
        If the shapes differ.
    """
    images = [np.asarray(each, dtype=np.float64) for each in (noisy, signal, *others)]
    for each in images[1:]:
        if each.shape != images[0].shape:
            raise MuguetError(
                f"images of {images[0].shape} and {each.shape} do not match: give images of one shape"
            )
    both = np.isfinite(images[0]) & np.isfinite(images[1])
    return tuple(each[both] for each in images)
