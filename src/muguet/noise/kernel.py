"""The kernel of correlated noise: the filter along T, Z, Y and X that gives white noise an image's correlation."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.ndimage import convolve1d

from muguet.noise.separable import SAMPLES, Filters, apply, filters_of, gain_of_all, symmetric_taps
from muguet.noise.transfer.bins import Floats

MAX_LAGS = 8
"""Largest distance of two pixels whose noise is correlated, in pixels."""

_LEAST_TAP, _MOST_TAPS = 1e-3, 4 * MAX_LAGS  # See `symmetric_taps`.

_PLANES = {
    "T": ("frames", "a mean of successive frames or in a camera that keeps light of the frame before"),
    "Z": ("planes", "resampling along Z"),
}
"""What planes along an axis are called, and what makes them share noise."""

_MIN_POWER = (
    1e-6  # A correlation that was measured with an error can have a spectrum below zero, which none can have.
)


@dataclass(frozen=True)
class Shared:
    """Correlation of the noise of planes that lie k = 1, 2 … planes apart along T or Z.

    Attributes
    ----------
    axis
        The axis: T for the frames of a movie, Z for the planes of a stack.
    values
        Correlations at the distances 1, 2 …, between −1 and 1; empty for planes whose noise is independent.
    error
        Standard error of each correlation.
    """

    axis: str
    values: tuple[float, ...]
    error: float = 0.0

    @property
    def sentence(self) -> str:
        """A sentence for the user; an empty text for independent noise."""
        if not self.values:
            return ""
        members, cause = _PLANES[self.axis]
        first = f"{self.values[0]:+.2f}".replace("-", "−")
        return f"The noise of successive {members} is correlated by {first} (± {self.error:.2g}), as after {cause}."


@dataclass(frozen=True)
class Kernel:
    """Correlation of the noise of two pixels that lie k = 1, 2 … pixels apart along Y, along X, and along T or Z.

    A share w of the variance may be that of independent noise, as of the rounding of counts or of a read-out after the
    filter. The correlation of pixels that are i apart along Y and j along X is ρ(i) ρ(j)/(1 − w), and along T and Z it
    is multiplied by ρ(k). The correlated part has the spectrum S(f) = 1 + 2 Σ ρ(k) cos(2πkf)/(1 − w) along Y or X,
    whose mean over all frequencies f (cycles per pixel) is one.

    Attributes
    ----------
    y, x
        Correlations at the lags 1, 2 …, between −1 and 1; empty for noise that is independent along the axis.
    error
        Standard error of each correlation along Y and X.
    planes
        What frames of movies and planes of stacks share, T before Z. Along an axis that is not there, it was not
        measured, and planes are taken to be independent.
    independent
        Share w of the variance that is independent noise. It is zero where noise is correlated along one axis only, as
        the correlations along this axis say all.
    """

    y: tuple[float, ...] = ()
    x: tuple[float, ...] = ()
    error: float = 0.0
    planes: tuple[Shared, ...] = ()
    independent: float = 0.0

    def __bool__(self) -> bool:
        return bool(self.y or self.x or self.axes)

    @property
    def t(self) -> tuple[float, ...] | None:
        """Correlations along T, between frames of a movie; None: they were not measured."""
        return self._along("T")

    @property
    def z(self) -> tuple[float, ...] | None:
        """Correlations along Z, between planes of a stack; None: they were not measured."""
        return self._along("Z")

    @property
    def axes(self) -> str:
        """The axes along which planes share noise: T, Z, both or none of them."""
        return "".join(each.axis for each in self._sharing)

    @functools.cached_property
    def shared(self) -> tuple[Floats, Floats]:
        """Spectra along Y and X of the part of the noise that is not independent, at `SAMPLES` frequencies."""
        y, x = (spectrum(np.asarray(each) / (1 - self.independent)) for each in (self.y, self.x))
        return y, x

    @functools.cached_property
    def power(self) -> Floats:
        """Spectrum of the noise at `SAMPLES` frequencies along Y and along X; its mean is one."""
        power: Floats = self.independent + (1 - self.independent) * np.multiply.outer(*self.shared)
        return power

    @functools.cached_property
    def filters(self) -> Filters:
        """The filter along Y and X, with Σ h² = 1, that gives white noise this correlation."""
        if not self.independent:
            return ((_taps(self.y), _taps(self.x)),)
        filters = filters_of(np.sqrt(self.power), _LEAST_TAP, _MOST_TAPS)
        size = float(np.sqrt(np.square(gain_of_all(filters)).mean()))
        return tuple((y / size, x) for y, x in filters)

    @property
    def reach(self) -> tuple[int, ...]:
        """Number of further planes of white noise that `filter` needs at either end of each of the `axes`."""
        return tuple(len(_taps(each.values)) // 2 for each in self._sharing)

    def along(self, axes: str) -> Kernel:
        """Return the kernel of images with these axes."""
        return replace(self, planes=tuple(each for each in self.planes if each.axis in axes))

    def filter(self, white: Floats) -> Floats:
        """Filter white noise ``(..., y, x)``, so that it has this correlation and the same variance.

        Along Y and X the noise is continued as if it repeated. Where planes share noise, the axes before Y and X are
        `axes`, as in ``(..., z, y, x)``, and white noise has `reach` planes more at either end of them than the result:
        the first plane shares no noise with the last one. Axes that the noise does not have are left out.
        """
        out = apply(white, self.filters, mode="wrap")
        further = range(-3, -out.ndim - 1, -1)
        for axis, each, reach in zip(further, reversed(self._sharing), reversed(self.reach), strict=False):
            filtered = convolve1d(out, _taps(each.values), axis=axis, mode="wrap")
            out = np.take(filtered, range(reach, filtered.shape[axis] - reach), axis)
        return out

    def sentence(self) -> str:
        """Return a sentence for the user; an empty text for independent noise."""
        along = [
            f"{values[0]:+.2f} along {axis}".replace("-", "−")
            for axis, values in (("Y", self.y), ("X", self.x))
            if values
        ]
        sentences = []
        if along:
            sentences.append(
                "The noise of neighbouring pixels is correlated, as after registration, resampling or a slow detector: "
                f"by {' and '.join(along)} from one pixel to the next (± {self.error:.2g})."
            )
        if self.independent:
            sentences.append(f"A share of {self.independent:.2f} of its variance is independent noise.")
        return " ".join([*sentences, *(each.sentence for each in self._sharing)])

    def note(self) -> str:
        """Return what the correlation means for the noise law, as sentences."""
        return (
            f"{self.sentence()} The law is that of single pixels of the image. If the image was filtered as a whole, "
            f"as by interpolation, the gain of the camera is {self.level:.2g} times that of this law."
        )

    @property
    def level(self) -> float:
        """The spectrum of the noise at its largest, relative to that of white noise of the same variance.

        For an image that was filtered as a whole by k with Σ k = 1, it is the variance of the camera's own noise
        relative to that of the image, 1/Σ k².
        """
        planes = np.prod([spectrum(each.values).max() for each in self._sharing])
        return float(planes * self.power.max())

    def as_dict(self) -> dict[str, list[float] | float]:
        """Return the values for the header of a file; those along T and Z only if they were measured."""
        found: dict[str, list[float] | float] = {"y": list(self.y), "x": list(self.x), "error": self.error}
        for each in self.planes:
            letter = each.axis.lower()
            found |= {letter: list(each.values), f"{letter}_error": each.error}
        return found | ({"independent": self.independent} if self.independent else {})

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Kernel:
        """Return the kernel of the values of a header."""
        planes = (
            Shared(letter.upper(), tuple(values[letter]), float(values.get(f"{letter}_error", 0.0)))
            for letter in ("t", "z")
            if values.get(letter) is not None
        )
        error, independent = float(values["error"]), float(values.get("independent", 0.0))
        return cls(tuple(values["y"]), tuple(values["x"]), error, tuple(planes), independent)

    def _along(self, axis: str) -> tuple[float, ...] | None:
        return next((each.values for each in self.planes if each.axis == axis), None)

    @property
    def _sharing(self) -> tuple[Shared, ...]:
        """The axes along which planes share noise."""
        return tuple(each for each in self.planes if each.values)


def spectrum(correlations: Sequence[float] | Floats) -> Floats:
    """Return S(f) = 1 + 2 Σ ρ(k) cos(2πkf) at `SAMPLES` frequencies in the order of a discrete Fourier transform."""
    frequency = np.fft.fftfreq(SAMPLES)
    lags = np.arange(1, len(correlations) + 1)
    waves = np.cos(2 * np.pi * frequency[:, None] * lags)
    power: Floats = 1 + 2 * waves @ np.asarray(correlations, dtype=np.float64)
    power = np.maximum(power, _MIN_POWER)
    normalised: Floats = power / power.mean()
    return normalised


def _taps(correlations: Sequence[float]) -> Floats:
    if not correlations:
        return np.ones(1)
    taps = symmetric_taps(np.sqrt(spectrum(correlations)), _LEAST_TAP, _MOST_TAPS)
    normalised: Floats = taps / np.sqrt((taps**2).sum())
    return normalised
