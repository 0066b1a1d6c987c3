"""Pixels in groups of like signal: how everything is measured that depends on the signal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from muguet.errors import MuguetError

Floats = npt.NDArray[np.float64]

_GROWTH = 1.5  # of the sizes of bins, from the rare signals at either end inwards


@dataclass(frozen=True)
class Bins:
    """Groups of pixels along their signals, from the darkest to the brightest.

    Attributes
    ----------
    order
        Indices ``(n,)`` that sort the pixels by signal.
    starts
        ``(bins,)``, the first place of each bin in that order.
    """

    order: npt.NDArray[np.intp]
    starts: npt.NDArray[np.intp]

    @property
    def counts(self) -> npt.NDArray[np.intp]:
        """Pixels in each bin."""
        return np.diff(self.starts, append=len(self.order))

    def mean(self, values: Floats) -> Floats:
        """Mean of values ``(n,)``, which are in the order of the bins, in each bin."""
        return np.add.reduceat(values, self.starts) / self.counts

    def spread(self, per_bin: Floats) -> Floats:
        """A value for each bin, given to each of its pixels."""
        return np.repeat(per_bin, self.counts)


def bins_of(signals: Floats, bins: int = 64, fewest: int = 1000) -> Bins:
    """Bins of equal counts, which grow smaller towards both ends of the signals, where signals are rare.

    Parameters
    ----------
    signals
        ``(n,)``. Pixels of the same signal are never parted.
    bins
        About how many; fewer pixels give fewer.
    fewest
        Pixels in the smallest bin.

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
    size, side = float(fewest), [0]  # from the dark end up to the middle
    while side[-1] + size < total / 2:
        side.append(side[-1] + int(size))
        size = min(size * _GROWTH, largest)
    ranks = np.array(side + [total - rank for rank in reversed(side[1:])])
    # Each cut goes to the first pixel of its signal; bins that this leaves too small join the one before.
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
    """Images of one shape as lists of those pixels that are numbers in the first two.

    Raises
    ------
    MuguetError
        If the shapes differ: their pixels would not be partners.
    """
    images = [np.asarray(each, dtype=np.float64) for each in (noisy, signal, *others)]
    for each in images[1:]:
        if each.shape != images[0].shape:
            raise MuguetError(
                f"images of {images[0].shape} and {each.shape} are no pairs: give two of one shape"
            )
    both = np.isfinite(images[0]) & np.isfinite(images[1])
    return tuple(each[both] for each in images)
