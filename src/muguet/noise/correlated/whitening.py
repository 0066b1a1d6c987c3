"""Undo the correlation of noise: filter an image so that its noise is white, and undo the filter on the result.

The filters are those of `muguet.noise.correlated.filters`. Where the noise has next to no power, which is where
registration or a slow detector has removed it, white noise is missing: noise is added that makes the spectrum flat.
All that holds for independent noise then holds for the filtered image: a hidden pixel cannot be predicted by its
neighbours but through the scene, the noise law is that of single pixels, and a network that was trained with white
noise does not take it for structure. The result is filtered by 1/W. At the frequencies at which noise was added, the
network has not seen details that the image shows nearly without noise: they are taken from the image
(`Whitening.finish`).

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
from scipy.ndimage import uniform_filter

from muguet.noise.correlated.filters import WhiteningFilters
from muguet.noise.correlated.hashed import noise_of
from muguet.noise.kernel import Kernel
from muguet.noise.separable import SAMPLES, apply, gain_of_all, mean_after, reach_of
from muguet.noise.transfer.bins import Floats
from muguet.noise.transfer.curve import MeanVariance

_RATIOS = 0.3, 3.0  # Limits of the ratio of two measurements of a variance.
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

    @functools.cached_property
    def filters(self) -> WhiteningFilters:
        """The filters of the kernel."""
        return WhiteningFilters(self.kernel)

    def __call__(self, values: npt.NDArray[Any]) -> npt.NDArray[np.floating]:
        """Return planes ``(..., y, x)`` with white noise of the same signal, in the same units and data type.

        The variance of the noise is `level` times as large. The noise that is added is a fixed function of the values
        around each pixel, so that a part of an image gives what the whole gives. All values are finite.
        """
        dtype = values.dtype if values.dtype == np.float64 else np.dtype(np.float32)
        white = self.sharpen(values)
        local = uniform_filter(values.astype(np.float64), (0,) * (values.ndim - 2) + (_BOX, _BOX))
        std = np.sqrt(self.variance(local))
        for number, filters in enumerate(self.filters.added):
            white = white + std * apply(noise_of(values, number), filters)
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
        return apply(values.astype(np.float64), self.filters.forward)

    def undo(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Filter an estimate of the signal of whitened planes ``(..., y, x)`` back to that of the image."""
        return apply(values.astype(np.float64), self.filters.back).astype(values.dtype)

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
        wide = values.astype(np.float64)
        found: Floats = wide - apply(wide, self.filters.own)
        return found

    @functools.cached_property
    def least_clear(self) -> float | None:
        """The smallest `clear`, that of noise with the correlation of the kernel and no other; None: none is added."""
        if not self.filters.added:
            return None
        passed = gain_of_all(self.filters.own)
        return float(((1 - passed) ** 2 * self.kernel.power).mean())

    @property
    def level(self) -> float:
        """Variance of the noise after whitening, relative to that of the image."""
        return self.filters.level

    def own_share(self, taps: Sequence[float]) -> float:
        """Return the share of the variance of the white noise that is noise of the image, and was not added.

        Parameters
        ----------
        taps
            A filter along Y and along X after which variances are compared.
        """
        everything = mean_after(taps, np.full((SAMPLES, SAMPLES), self.level))
        return mean_after(taps, self.filters.power) / everything

    def of_image(self, white: MeanVariance) -> MeanVariance:
        """Return the photon-transfer curve of an image from that of the image with white noise."""
        return replace(white, variance=white.variance / self.level, error=white.error / self.level)

    def levelled(self, white: MeanVariance) -> MeanVariance:
        """Return the photon-transfer curve of the image with white noise, with the size of this noise.

        The curve is measured at the highest frequencies. Where most of the noise there was added, or the scene is
        sharp, it says less of the noise of the image than all frequencies do. Its variances are multiplied by the
        straight line that is nearest to the ratio of the two.
        """
        ratio = np.clip(self.level * self.variance(white.signal) / white.variance, *_RATIOS)
        weight = np.sqrt(white.count)
        design = np.stack([white.signal, np.ones_like(white.signal)], 1)
        line = np.linalg.lstsq(design * weight[:, None], ratio * weight, rcond=None)[0]
        factor = np.clip(design @ line, *_RATIOS)
        return replace(white, variance=white.variance * factor, error=white.error * factor)

    @property
    def reach(self) -> tuple[int, int]:
        """Largest distance along Y and X between a pixel of the result and one of the image that it depends on."""
        filters, box = self.filters, _BOX // 2
        reaches = []
        for axis in (0, 1):
            added = [1 + reach_of(each)[axis] for each in filters.added]
            back = reach_of(filters.back)[axis]
            if self.clear is not None:
                back += reach_of(filters.own)[axis] + box
            reaches.append(max(reach_of(filters.forward)[axis], box, *added) + back)
        return reaches[0], reaches[1]

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
