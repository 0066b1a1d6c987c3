"""What the residual of an estimate shows of the noise of an image: its correlation and its size.

1. The image is whitened by the noise that is assumed, estimated by the prior, and the estimate x̂ is filtered back. Its
   residual y − x̂ contains most of the noise.
2. Noise of the law that is assumed is drawn and added to x̂, and the same is done with this image. The covariance of its
   residual differs from that of the noise that was drawn by what the estimate keeps of it, or adds.
3. The covariance of the residual of the image, corrected by this difference, gives the correlations and the size of the
   noise (a parametric bootstrap: Efron & Tibshirani 1993, doi:10.1007/978-1-4899-4541-9).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.fft import next_fast_len
from scipy.ndimage import gaussian_filter, uniform_filter

from muguet.image.scaling import Scaling
from muguet.noise.correlated.measure import MIN_CORRELATION
from muguet.noise.correlated.whitening import Whitening
from muguet.noise.kernel import MAX_LAGS, Kernel
from muguet.noise.transfer.bins import Floats
from muguet.restoration.stabilised import Stabilised
from muguet.training.first_law import prior_estimate

_CLIP = 5.0
_LOCAL = 17  # Pixels over which the signal is averaged to distinguish dim places from bright ones.
_MIN_FAR = 0.02  # Smaller correlations at far lags count as zero.
_LEVELS = 8  # Number of signals at which the size of the noise is measured.
_NEAR = 3  # The independent share is measured at lags of up to so many pixels along both axes.
_MIN_INDEPENDENT, _MAX_INDEPENDENT = 0.02, 0.6


@dataclass(frozen=True, eq=False)
class ResidualNoise:
    """The noise of an image, as its residual shows it, relative to the noise that was assumed.

    Attributes
    ----------
    covariance
        Covariance ``(lags, lags)`` at distances along Y and X, relative to the variance that was assumed.
    halves
        The correlation of adjacent pixels along Y and X, and the size, of the quiet and the busy half of the image, and
        of its dim and bright half.
    signal, sizes
        Signals, and the variance there relative to the one that was assumed.
    """

    covariance: Floats
    halves: tuple[tuple[Floats, float], ...]
    signal: Floats
    sizes: Floats

    @property
    def size(self) -> float:
        """The variance of the noise, relative to the one that was assumed."""
        return float(self.covariance[0, 0])

    @property
    def correlations(self) -> tuple[Floats, Floats]:
        """Correlations along Y and along X at the lags 1, 2 …"""
        return self.covariance[1:, 0] / self.size, self.covariance[0, 1:] / self.size

    def applied(self, whitening: Whitening, error: float, by_signal: bool) -> Whitening:
        """Return the whitening of the noise that was found; its kernel is empty if adjacent pixels are independent.

        Parameters
        ----------
        whitening
            The noise that was assumed.
        error
            Standard error of the correlations.
        by_signal
            Whether the size of the noise is measured at each signal; else it is the same at all of them.
        """
        y, x = (_cut(each) for each in self.correlations)
        kernel = Kernel(y, x, error, independent=self._independent(y, x, error))
        if by_signal:
            slope, constant = self._law(whitening)
            return Whitening(kernel, slope, constant, whitening.least * float(self.sizes[0]))
        size = self.size
        return Whitening(kernel, whitening.slope * size, whitening.constant * size, whitening.least * size)

    def _independent(self, y: tuple[float, ...], x: tuple[float, ...], error: float) -> float:
        """The independent share w of the variance, by least squares: ρ(i) ρ(j) = (1 − w) ρ(i, j); 0 if it is small."""
        reach = min(len(y), len(x), _NEAR)
        if reach == 0:
            return 0.0
        product = np.multiply.outer(y[:reach], x[:reach])
        measured = self.covariance[1 : reach + 1, 1 : reach + 1] / self.size
        power = float((product**2).sum())
        shared = power / max(float((product * measured).sum()), 1e-9)
        share = min(1 - shared, _MAX_INDEPENDENT, 1 - max(np.abs(y).max(), np.abs(x).max()))
        return round(share, 4) if share > max(_MIN_INDEPENDENT, 3 * shared**2 * error / power**0.5) else 0.0

    def _law(self, whitening: Whitening) -> tuple[float, float]:
        """The line of the variance against the signal, by weighted least squares; the sizes differ in bright places."""
        variance = whitening.variance(self.signal) * self.sizes
        design = np.stack([self.signal, np.ones_like(self.signal)], 1) / variance[:, None]
        slope, constant = (
            float(each) for each in np.linalg.lstsq(design, np.ones_like(variance), rcond=None)[0]
        )
        if slope <= 0:
            return whitening.slope * self.size, whitening.constant * self.size
        return slope, constant


def residual_noise(
    plane: Floats, whitening: Whitening, prior: Stabilised, chance: np.random.Generator
) -> ResidualNoise | None:
    """Measure the noise of a plane ``(y, x)`` on its residual; None if there is nothing to measure.

    Parameters
    ----------
    plane
        A plane without gaps.
    whitening
        The noise that is assumed.
    prior
        The network that estimates the signal of whitened images.
    chance
        Random numbers.
    """
    estimate = _estimate(plane, whitening, prior)
    std = np.sqrt(whitening.variance(estimate))
    drawn = whitening.kernel.filter(chance.normal(size=plane.shape))
    again = _estimate(estimate + std * drawn, whitening, prior)
    own, of_drawn = (plane - estimate) / std, drawn + (estimate - again) / std
    limit = _CLIP * of_drawn.std()
    own, of_drawn = (np.clip(each, -limit, limit) for each in (own, of_drawn))
    whole = np.ones(plane.shape, np.bool_)
    true = covariances(drawn, whole)
    signal = gaussian_filter(estimate, _LOCAL / 8)

    def within(mask: npt.NDArray[np.bool_]) -> Floats:
        found: Floats = covariances(own, mask) - covariances(of_drawn, mask) + true
        return found

    covariance = within(whole)
    halves = [within(mask) for mask in _halves(plane, estimate, std)]
    if not all(0 < each[0, 0] < np.inf for each in (covariance, *halves)):
        return None
    levels, sizes = _by_signal(signal, own**2 - of_drawn**2 + true[0, 0])
    return ResidualNoise(
        covariance,
        tuple((np.array([each[1, 0], each[0, 1]]) / each[0, 0], float(each[0, 0])) for each in halves),
        levels,
        sizes,
    )


def covariances(values: Floats, mask: npt.NDArray[np.bool_]) -> Floats:
    """Return ⟨z z(+i, +j)⟩ at the lags 0 to `MAX_LAGS` along Y and X, over pairs of which both pixels count.

    Lags along a diagonal count in both directions.
    """
    shape = [next_fast_len(n + MAX_LAGS + 1, real=True) for n in values.shape]
    sums, pairs = (
        np.fft.irfft2(np.abs(np.fft.rfft2(each, shape)) ** 2, shape)
        for each in (np.where(mask, values, 0.0), mask.astype(np.float64))
    )
    means = sums / np.maximum(pairs, 0.5)
    lags = np.arange(MAX_LAGS + 1)
    both: Floats = (means[np.ix_(lags, lags)] + means[np.ix_(lags, -lags)]) / 2
    return both


def _halves(plane: Floats, estimate: Floats, std: Floats) -> tuple[npt.NDArray[np.bool_], ...]:
    """The quiet and the busy half of an image, and its dim and bright half."""
    slope = np.square(np.gradient(gaussian_filter(estimate, 1.5))).sum(0)
    varied = uniform_filter(slope, 9) / std**2
    quiet = varied <= np.median(varied)
    signal = gaussian_filter(plane, _LOCAL / 2)
    bright = signal > np.median(signal)
    return quiet, ~quiet, ~bright, bright


def _by_signal(signal: Floats, sizes: Floats) -> tuple[Floats, Floats]:
    """Return the means of signals and of sizes in groups of as many pixels each."""
    order = np.argsort(signal, axis=None)
    levels, found = (
        np.array([part.mean() for part in np.array_split(each.ravel()[order], _LEVELS)])
        for each in (signal, sizes)
    )
    return levels, np.maximum(found, 0.05)


def _estimate(plane: Floats, whitening: Whitening, prior: Stabilised) -> Floats:
    slope = max(whitening.slope, 1e-3 * np.sqrt(whitening.least)) * whitening.level
    electrons = Scaling(-whitening.constant * whitening.level / slope, slope)
    white = prior_estimate(prior, whitening(plane).astype(np.float32), electrons)
    found: Floats = whitening.undo(white.astype(np.float64))
    return found


def _cut(correlations: Floats) -> tuple[float, ...]:
    """Return the correlations up to the last one that is large; none if adjacent pixels are independent."""
    if abs(correlations[0]) < MIN_CORRELATION:
        return ()
    large = np.abs(correlations) > _MIN_FAR
    last = len(correlations) if large.all() else int(np.flatnonzero(~large)[0])
    return tuple(round(float(each), 4) for each in np.clip(correlations[:last], -0.99, 0.99))
