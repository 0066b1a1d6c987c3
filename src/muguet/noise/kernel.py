"""The kernel of correlated noise: the filter along Z, Y and X that gives white noise the correlation of an image's."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from scipy.ndimage import convolve1d

from muguet.noise.separable import SAMPLES, Filters, apply, filters_of, gain_of_all, symmetric_taps
from muguet.noise.transfer.bins import Floats

MAX_LAGS = 8
"""Largest distance of two pixels whose noise is correlated, in pixels."""

_OPTIONAL = (("z", None), ("z_error", 0.0), ("independent", 0.0))  # Values that a header may lack.
_LEAST_TAP, _MOST_TAPS = 1e-3, 4 * MAX_LAGS  # See `symmetric_taps`.
_MIN_POWER = (
    1e-6  # A correlation that was measured with an error can have a spectrum below zero, which none can have.
)


@dataclass(frozen=True)
class Kernel:
    """Correlation of the noise of two pixels that lie k = 1, 2 … pixels apart along Y, along X or, in a stack, along Z.

    A share w of the variance may be that of independent noise, as of the rounding of counts or of a read-out after the
    filter. The correlation of pixels that are i apart along Y and j along X is ρ(i) ρ(j)/(1 − w), and with Z it is
    multiplied by ρ(k). The correlated part has the spectrum S(f) = 1 + 2 Σ ρ(k) cos(2πkf)/(1 − w) along Y or X, whose
    mean over all frequencies f (cycles per pixel) is one.

    Attributes
    ----------
    y, x
        Correlations at the lags 1, 2 …, between −1 and 1; empty for noise that is independent along the axis.
    error
        Standard error of each correlation along Y and X.
    independent
        Share w of the variance that is independent noise. It is zero where noise is correlated along one axis only, as
        the correlations along this axis say all.
    z
        Correlations along Z, between planes of a stack; empty for planes whose noise is independent. None: they were
        not measured, and planes are taken to be independent.
    z_error
        Standard error of each correlation along Z.
    """

    y: tuple[float, ...] = ()
    x: tuple[float, ...] = ()
    error: float = 0.0
    z: tuple[float, ...] | None = None
    z_error: float = 0.0
    independent: float = 0.0

    def __bool__(self) -> bool:
        return bool(self.y or self.x or self.z)

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
    def reach_z(self) -> int:
        """Number of further planes of white noise that `filter` needs at either end of a stack."""
        return len(_taps(self.z or ())) // 2

    def filter(self, white: Floats) -> Floats:
        """Filter white noise ``(..., y, x)``, so that it has this correlation and the same variance.

        Along Y and X the noise is continued as if it repeated. Where planes share noise (`z`), white noise
        ``(..., z, y, x)`` of at least three dimensions has `reach_z` planes more at either end than the result: the
        first plane shares no noise with the last one.
        """
        out = apply(white, self.filters, mode="wrap")
        reach = self.reach_z
        if reach == 0 or out.ndim < 3:
            return out
        out = convolve1d(out, _taps(self.z or ()), axis=-3, mode="wrap")
        inner: Floats = out[..., reach : out.shape[-3] - reach, :, :]
        return inner

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
        if self.z:
            shared = f"{self.z[0]:+.2f}".replace("-", "−")
            sentences.append(
                f"The noise of successive planes is correlated by {shared} (± {self.z_error:.2g}), as after resampling "
                "along Z."
            )
        return " ".join(sentences)

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
        return float(spectrum(self.z or ()).max() * self.power.max())

    def as_dict(self) -> dict[str, list[float] | float]:
        """Return the values for the header of a file; those along Z only if they were measured."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
            if (self.z is not None or name not in ("z", "z_error")) and (value or name != "independent")
        }

    @classmethod
    def of(cls, values: Mapping[str, Sequence[float] | float]) -> Kernel:
        """Return the kernel of the values of a header."""
        y, x, error = (values[name] for name in ("y", "x", "error"))
        z, z_error, independent = (values.get(name, default) for name, default in _OPTIONAL)
        assert isinstance(y, Sequence)
        assert isinstance(x, Sequence)
        assert z is None or isinstance(z, Sequence)
        assert isinstance(error, int | float)
        assert isinstance(z_error, int | float)
        assert isinstance(independent, int | float)
        along_z = None if z is None else tuple(z)
        return cls(tuple(y), tuple(x), float(error), along_z, float(z_error), float(independent))


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
