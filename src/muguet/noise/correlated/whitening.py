"""Undo the correlation of noise: filter an image so that its noise is white, and undo the filter on the result.

Noise with the spectrum S(f) along an axis, whose largest value is S₀, is filtered by the gain

    W(f) = √((1 + τ²) / (S(f)/S₀ + τ²)) / W(0),

which makes its spectrum flat where S(f) > τ² S₀, and amplifies no frequency by more than 1/τ. Where the noise has less
power, which is where registration or a slow detector has removed it, white noise is missing: noise is added that makes
the spectrum flat. All that holds for independent noise then holds for the filtered image: a hidden pixel cannot be
predicted by its neighbours but through the scene, the noise law is that of single pixels, and a network that was
trained with white noise does not take it for structure. The result is filtered by 1/W.

If a camera's image was filtered as a whole, as by interpolation, W restores the camera's own image. If noise alone is
correlated, W sharpens the scene, and 1/W blurs it again.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.ndimage import convolve1d, uniform_filter
from scipy.special import ndtri

from muguet.noise.kernel import Kernel, gain_of, spectrum, symmetric_taps
from muguet.noise.transfer.bins import Floats
from muguet.noise.transfer.curve import MeanVariance

_WEAKEST = (
    0.25  # τ: the noise of the rounding of counts is amplified as well, by at most 1/τ² in two dimensions.
)
_LEAST = 2e-3  # Taps smaller than this share of the largest one are left out.
_MOST = 24  # Largest number of taps on either side.
_MIN_ADDED = 1e-3  # Less noise than this share of the variance is not added.
_FEW, _FAR = (
    16.0,
    3.0,
)  # Photo-electrons of which there are few; standard deviations after Anscombe's transform.
_ANSCOMBE = 0.375
_BOX = (
    5  # The size of the noise that is added follows the signal, the mean of this many pixels along each axis.
)


@dataclass(frozen=True)
class Whitening:
    """The filters that make the noise of an image white, and those that undo them.

    Attributes
    ----------
    kernel
        The correlation of the noise.
    slope, constant, least
        The variance of the noise of the image at the signal x is max(slope·x + constant, least), in units of the image.
    """

    kernel: Kernel
    slope: float
    constant: float
    least: float

    def __call__(self, values: npt.NDArray[Any]) -> npt.NDArray[np.floating]:
        """Return planes ``(..., y, x)`` with white noise of the same signal, in the same units and data type.

        The variance of the noise is `level` times as large. The noise that is added is a fixed function of the values
        around each pixel, so that a part of an image gives what the whole gives. All values are finite.
        """
        dtype = values.dtype if values.dtype == np.float64 else np.dtype(np.float32)
        white = self.sharpen(values)
        local = uniform_filter(values.astype(np.float64), (0,) * (values.ndim - 2) + (_BOX, _BOX))
        std = np.sqrt(np.maximum(self.slope * local + self.constant, self.least))
        for number, (y, x) in enumerate(self._added):
            white = white + std * _along(_along(_noise_of(values, number), y, -2), x, -1)
        return np.maximum(white, self._least_likely(local)).astype(dtype)

    def _least_likely(self, signal: Floats) -> Floats:
        """Return the smallest value that a few photo-electrons can give, where the signal is that of few; else −∞.

        Filtered noise is nearly Gaussian and falls below zero where that of photo-electrons cannot, which looks like a
        dark spot after Anscombe's transform. There the values are limited to `_FAR` standard deviations below the
        signal.
        """
        if self.slope <= 0:
            return np.full(signal.shape, -np.inf)
        unit, dark = self.slope * self.level, -self.constant / self.slope
        electrons = (signal - dark) / unit
        root = 2 * np.sqrt(np.maximum(electrons, 0) + _ANSCOMBE) - _FAR
        lowest = root**2 / 4 - _ANSCOMBE
        return np.where((electrons < _FEW) & (root > 0), lowest * unit + dark, -np.inf)

    def sharpen(self, values: npt.NDArray[Any]) -> Floats:
        """Filter planes ``(..., y, x)`` without adding noise: the inverse of `undo`."""
        y, x = self._forward
        return _along(_along(values.astype(np.float64), y, -2), x, -1)

    def undo(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Filter an estimate of the signal of whitened planes ``(..., y, x)`` back to that of the image."""
        y, x = self._back
        return _along(_along(values.astype(np.float64), y, -2), x, -1).astype(values.dtype)

    @functools.cached_property
    def level(self) -> float:
        """Variance of the noise after whitening, relative to that of the image."""
        return float(np.prod([power.max() for power in self.powers]))

    def own_share(self, taps: Sequence[float]) -> float:
        """Return the share of the variance of the white noise that is noise of the image, and was not added.

        Parameters
        ----------
        taps
            A filter along Y and along X after which variances are compared.
        """
        gain = gain_of(np.asarray(taps, np.float64)) ** 2
        own = [float((gain * power).mean() / (gain.mean() * power.max())) for power in self.powers]
        return own[0] * own[1]

    def of_image(self, white: MeanVariance) -> MeanVariance:
        """Return the photon-transfer curve of an image from that of the image with white noise."""
        return replace(white, variance=white.variance / self.level, error=white.error / self.level)

    @property
    def reach(self) -> tuple[int, int]:
        """Largest distance along Y and X between a pixel of the result and one of the image that it depends on."""
        added = [[len(taps) // 2 for taps in each] for each in self._added] or [[0, 0]]
        into = [
            max(len(taps) // 2, (1 + max(each[axis] for each in added)) if self._added else 0, _BOX // 2)
            for axis, taps in enumerate(self._forward)
        ]
        back = [len(taps) // 2 for taps in self._back]
        return into[0] + back[0], into[1] + back[1]

    def in_units(self, offset: float, scale: float) -> Whitening:
        """Return the same whitening of images in the units (x − offset) / scale."""
        return Whitening(
            self.kernel,
            self.slope / scale,
            (self.constant + self.slope * offset) / scale**2,
            self.least / scale**2,
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the values for the header of a model file."""
        return {**asdict(self), "kernel": self.kernel.as_dict()}

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Whitening:
        """Return the whitening of the values of a header."""
        return cls(Kernel.of(values["kernel"]), values["slope"], values["constant"], values["least"])

    @functools.cached_property
    def _forward(self) -> tuple[Floats, Floats]:
        return _whitener(self.kernel.y), _whitener(self.kernel.x)

    @functools.cached_property
    def _back(self) -> tuple[Floats, Floats]:
        y, x = (_normalised(symmetric_taps(1 / gain_of(taps), _LEAST / 4, _MOST)) for taps in self._forward)
        return y, x

    @functools.cached_property
    def powers(self) -> tuple[Floats, Floats]:
        """Spectra of the noise after `sharpen` along Y and X, relative to white noise of the variance of the image."""
        y, x = (
            spectrum(correlations) * gain_of(taps) ** 2
            for correlations, taps in zip((self.kernel.y, self.kernel.x), self._forward, strict=True)
        )
        return y, x

    @functools.cached_property
    def _added(self) -> tuple[tuple[Floats, Floats], ...]:
        """Filters along Y and X of the noises that are added, relative to the standard deviation in the image.

        With the spectra P along each axis and their largest values L, what is missing in two dimensions is
        L_y L_x − P_y P_x = L_y (L_x − P_x) + (L_y − P_y) P_x.
        """
        (power_y, power_x), found = self.powers, []
        most_y, most_x = power_y.max(), power_x.max()
        for y, x in ((np.full_like(power_y, most_y), most_x - power_x), (most_y - power_y, power_x)):
            if y.mean() * x.mean() > _MIN_ADDED * self.level:
                filters = [symmetric_taps(np.sqrt(np.maximum(each, 0)), 1e-2, _MOST) for each in (y, x)]
                found.append((filters[0], filters[1]))
        return tuple(found)


def _whitener(correlations: Sequence[float]) -> Floats:
    """Return the taps of W along one axis, whose sum is one."""
    if not correlations:
        return np.ones(1)
    power = spectrum(correlations)
    gain = np.sqrt((1 + _WEAKEST**2) / (power / power.max() + _WEAKEST**2))
    return _normalised(symmetric_taps(gain, _LEAST, _MOST))


def _normalised(taps: Floats) -> Floats:
    normalised: Floats = taps / taps.sum()
    return normalised


def _along(values: Floats, taps: Floats, axis: int) -> Floats:
    if len(taps) == 1:
        scaled: Floats = values * taps[0]
        return scaled
    filtered: Floats = convolve1d(values, taps, axis=axis, mode="mirror")
    return filtered


_MIXERS = np.array([0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D], np.uint32)


def _noise_of(values: npt.NDArray[Any], number: int) -> Floats:
    """Return white Gaussian noise of the variance one, a fixed function of the values of the 3×3 pixels around each.

    Their bits are mixed as in xxHash (Collet, github.com/Cyan4973/xxHash), so that any change gives another number.
    """
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    one, two, three = _MIXERS
    wide = np.pad(bits, [(0, 0)] * (values.ndim - 2) + [(1, 1), (1, 1)], mode="reflect")
    mixed = np.full(values.shape, 7919 * (number + 1), np.uint32)
    height, width = values.shape[-2:]
    for down, across in np.ndindex(3, 3):
        mixed ^= wide[..., down : down + height, across : across + width] * two
        mixed = (mixed << np.uint32(13)) | (mixed >> np.uint32(19))
        mixed *= one
    for shift, factor in ((15, two), (13, three)):
        mixed ^= mixed >> np.uint32(shift)
        mixed *= factor
    mixed ^= mixed >> np.uint32(16)
    noise: Floats = ndtri((mixed.astype(np.float64) + 0.5) / 2.0**32)
    return noise
