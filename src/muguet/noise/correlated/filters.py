"""The filters that make noise of a kernel white, undo this, and add the noise that is missing.

Noise with the spectrum S_y(f_y) S_x(f_x), whose largest values are S₀, is filtered along each axis by the gain

    W(f) = √((1 + τ²) / (S(f)/S₀ + τ²)) / W(0),

which makes its spectrum flat where S(f) > τ² S₀, and amplifies no frequency by more than 1/τ along each axis. If a
share of the noise is independent, the spectrum is u + (1 − u) S_y S_x/S₀² with the share u of the largest power, and
the gain is 1/√(u + (1 − u)/(W_y W_x)²).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from muguet.noise.kernel import Kernel
from muguet.noise.separable import Filters, filters_of, gain_of_all, normalised, symmetric_taps
from muguet.noise.transfer.bins import Floats

_WEAKEST = (
    0.25  # τ: the noise of the rounding of counts is amplified as well, by at most 1/τ² in two dimensions.
)
_LEAST = 2e-3  # Taps smaller than this share of the largest one are left out.
_MOST = 24  # Largest number of taps on either side.
_MIN_ADDED = 1e-3  # Less noise than this share of the variance is not added.


@dataclass(frozen=True)
class WhiteningFilters:
    """The filters of one kernel along Y and X."""

    kernel: Kernel

    @functools.cached_property
    def forward(self) -> Filters:
        """The filter W, whose taps have the sum one."""
        limited = [
            (power / power.max() + _WEAKEST**2) / (1 + _WEAKEST**2) if correlations else np.ones_like(power)
            for correlations, power in zip((self.kernel.y, self.kernel.x), self.kernel.shared, strict=True)
        ]
        if not self.kernel.independent:
            y, x = (symmetric_taps(np.sqrt(1 / each), _LEAST, _MOST) for each in limited)
            return ((y / y.sum(), x / x.sum()),)
        least = self.kernel.independent / self.kernel.power.max()
        gain = 1 / np.sqrt(least + (1 - least) * np.multiply.outer(*limited))
        return normalised(filters_of(gain, _LEAST, _MOST))

    @functools.cached_property
    def back(self) -> Filters:
        """The inverse of `forward`."""
        if len(self.forward) == 1:
            return normalised(_each_axis(1 / gain_of_all(self.forward), _LEAST / 4))
        return normalised(filters_of(1 / gain_of_all(self.forward), _LEAST / 4, _MOST))

    @functools.cached_property
    def power(self) -> Floats:
        """Spectrum of the noise after `forward`, relative to white noise of the variance of the image."""
        power: Floats = self.kernel.power * gain_of_all(self.forward) ** 2
        return power

    @functools.cached_property
    def level(self) -> float:
        """Variance of the noise after whitening, relative to that of the image."""
        return float(self.power.max())

    @functools.cached_property
    def own(self) -> Filters:
        """The filter that passes the frequencies at which the white noise is noise of the image."""
        gain = self.power / self.level
        return normalised(
            _each_axis(gain, _LEAST) if len(self.forward) == 1 else filters_of(gain, _LEAST, _MOST)
        )

    @functools.cached_property
    def added(self) -> tuple[Filters, ...]:
        """The filters of the noises that are added, relative to the standard deviation in the image.

        Where the spectra P along each axis are separate, with their largest values L, what is missing in two dimensions
        is L_y L_x − P_y P_x = L_y (L_x − P_x) + (L_y − P_y) P_x, two noises with a filter along Y and one along X each.
        """
        if len(self.forward) > 1:
            missing = np.maximum(self.level - self.power, 0)
            enough = missing.mean() > _MIN_ADDED * self.level
            return (filters_of(np.sqrt(missing), 1e-2, _MOST),) if enough else ()
        y, x = _axes(self.power)
        parts = ((np.full_like(y, y.max()), x.max() - x), (y.max() - y, x))
        return tuple(
            tuple(
                zip(
                    *([symmetric_taps(np.sqrt(np.maximum(each, 0)), 1e-2, _MOST)] for each in part),
                    strict=True,
                )
            )
            for part in parts
            if part[0].mean() * part[1].mean() > _MIN_ADDED * self.level
        )


def _axes(gain: Floats) -> tuple[Floats, Floats]:
    """Return the factors along Y and X of a gain that is their product, of which the one along X has the mean one."""
    x = gain.mean(0) / gain.mean()
    return gain.mean(1), x


def _each_axis(gain: Floats, least: float) -> Filters:
    """Return the filter of a gain that is the product of one along Y and one along X."""
    y, x = (symmetric_taps(each, least, _MOST) for each in _axes(gain))
    return ((y, x),)
