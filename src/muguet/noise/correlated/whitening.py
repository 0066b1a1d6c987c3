"""Undo the correlation of noise: filter an image so that its noise is white, and undo the filter on the result.

Noise with the spectrum S(f) along an axis, whose largest value is S₀, is filtered by the gain

    W(f) = √((1 + τ²) / (S(f)/S₀ + τ²)) / W(0),

which makes its spectrum flat where S(f) > τ² S₀, and amplifies no frequency by more than 1/τ. Where the noise has less
power, which is where registration or a slow detector has removed it, white noise is missing: noise is added that makes
the spectrum flat. All that holds for independent noise then holds for the filtered image: a hidden pixel cannot be
predicted by its neighbours but through the scene, the noise law is that of single pixels, and a network that was
trained with white noise does not take it for structure. The result is filtered by 1/W. At the frequencies at which
noise was added, the network has not seen details that the image shows nearly without noise: they are taken from the
image (`Whitening.finish`).

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

from muguet.noise.correlated.hashed import noise_of
from muguet.noise.kernel import Kernel, gain_of, spectrum, symmetric_taps
from muguet.noise.transfer.bins import Floats
from muguet.noise.transfer.curve import MeanVariance

_WEAKEST = (
    0.25  # τ: the noise of the rounding of counts is amplified as well, by at most 1/τ² in two dimensions.
)
_LEAST = 2e-3  # Taps smaller than this share of the largest one are left out.
_MOST = 24  # Largest number of taps on either side.
_MIN_ADDED = 1e-3  # Less noise than this share of the variance is not added.
_FEW = 16.0  # Photo-electrons of which there are few.
_FAR = 3.0  # Standard deviations after Anscombe's transform.
_ANSCOMBE = 0.375
_SURE = 1.5  # Details count where their power is above this many times that of the noise: both are measured.
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
    clear
        Variance of the noise at the frequencies at which whitening adds noise (`details`), relative to that of the
        image. None: no noise is added, or the model is of a version that did not take these details from the image.
    """

    kernel: Kernel
    slope: float
    constant: float
    least: float
    clear: float | None = None

    def __call__(self, values: npt.NDArray[Any]) -> npt.NDArray[np.floating]:
        """Return planes ``(..., y, x)`` with white noise of the same signal, in the same units and data type.

        The variance of the noise is `level` times as large. The noise that is added is a fixed function of the values
        around each pixel, so that a part of an image gives what the whole gives. All values are finite.
        """
        dtype = values.dtype if values.dtype == np.float64 else np.dtype(np.float32)
        white = self.sharpen(values)
        local = uniform_filter(values.astype(np.float64), (0,) * (values.ndim - 2) + (_BOX, _BOX))
        std = np.sqrt(self.variance(local))
        for number, (y, x) in enumerate(self._added):
            white = white + std * _along(_along(noise_of(values, number), y, -2), x, -1)
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

    def variance(self, signal: Floats) -> Floats:
        """Return the variance of the noise of the image at a signal."""
        found: Floats = np.maximum(self.slope * signal + self.constant, self.least)
        return found

    def sharpen(self, values: npt.NDArray[Any]) -> Floats:
        """Filter planes ``(..., y, x)`` without adding noise: the inverse of `undo`."""
        y, x = self._forward
        return _along(_along(values.astype(np.float64), y, -2), x, -1)

    def undo(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Filter an estimate of the signal of whitened planes ``(..., y, x)`` back to that of the image."""
        y, x = self._back
        return _along(_along(values.astype(np.float64), y, -2), x, -1).astype(values.dtype)

    def finish(self, estimate: npt.NDArray[Any], recorded: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Filter an estimate back, and add the details that the image shows where its noise has next to no power.

        With the details d of the residual and the mean of d² over the 5×5 pixels around each, they are multiplied by
        1 − 1.5 σ²/⟨d²⟩, or by 0 if this is negative, where σ² is the variance of their noise (Lee 1980,
        doi:10.1109/TPAMI.1980.4766994).

        Parameters
        ----------
        estimate
            An estimate of the signal of whitened planes ``(..., y, x)``.
        recorded
            The planes before they were whitened.
        """
        undone = self.undo(estimate)
        if self.clear is None:
            return undone
        found = self.details(recorded - undone)
        around = (0,) * (found.ndim - 2) + (_BOX, _BOX)
        power = uniform_filter(found**2, around)
        noise = _SURE * self.clear * self.variance(undone.astype(np.float64))
        share = np.maximum(1 - noise / np.maximum(power, noise), 0)
        finished: npt.NDArray[Any] = (undone + share * found).astype(undone.dtype)
        return finished

    def details(self, values: npt.NDArray[Any]) -> Floats:
        """Return what planes ``(..., y, x)`` contain at the frequencies at which whitening adds noise."""
        y, x = self._own
        wide = values.astype(np.float64)
        found: Floats = wide - _along(_along(wide, y, -2), x, -1)
        return found

    @functools.cached_property
    def least_clear(self) -> float | None:
        """The smallest `clear`, that of noise with the correlation of the kernel and no other; None: none is added."""
        if not self._added:
            return None
        (y, x), powers = (
            (gain_of(taps) for taps in self._own),
            (spectrum(self.kernel.y), spectrum(self.kernel.x)),
        )
        # ⟨(1 − ab)² S⟩ = ⟨S⟩ − 2 ⟨ab S⟩ + ⟨a²b² S⟩, with the gains a and b along Y and X, whose spectra are separate.
        once, twice = (
            float(np.prod([(gain**n * power).mean() for gain, power in zip((y, x), powers, strict=True)]))
            for n in (1, 2)
        )
        return max(1 - 2 * once + twice, 0.0)

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
        if self.clear is not None:
            back = [more + len(taps) // 2 + _BOX // 2 for more, taps in zip(back, self._own, strict=True)]
        return into[0] + back[0], into[1] + back[1]

    def in_units(self, offset: float, scale: float) -> Whitening:
        """Return the same whitening of images in the units (x − offset) / scale."""
        return Whitening(
            self.kernel,
            self.slope / scale,
            (self.constant + self.slope * offset) / scale**2,
            self.least / scale**2,
            self.clear,
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the values for the header of a model file."""
        values = {**asdict(self), "kernel": self.kernel.as_dict()}
        return values if self.clear is not None else {k: v for k, v in values.items() if k != "clear"}

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Whitening:
        """Return the whitening of the values of a header."""
        slope, constant, least = (values[name] for name in ("slope", "constant", "least"))
        return cls(Kernel.of(values["kernel"]), slope, constant, least, values.get("clear"))

    @functools.cached_property
    def _forward(self) -> tuple[Floats, Floats]:
        return _whitener(self.kernel.y), _whitener(self.kernel.x)

    @functools.cached_property
    def _back(self) -> tuple[Floats, Floats]:
        y, x = (_normalised(symmetric_taps(1 / gain_of(taps), _LEAST / 4, _MOST)) for taps in self._forward)
        return y, x

    @functools.cached_property
    def _own(self) -> tuple[Floats, Floats]:
        """Filters along Y and X that pass the frequencies at which the white noise is noise of the image."""
        y, x = (_normalised(symmetric_taps(each / each.max(), _LEAST, _MOST)) for each in self.powers)
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
