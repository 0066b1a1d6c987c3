"""Maps of a camera whose pixels differ: gain, offset and variance of the read-out noise of every pixel (sCMOS)."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from muguet.errors import MuguetError

Floats = npt.NDArray[np.float64]
Stored = npt.NDArray[np.float32]

NAMES = ("gain", "offset", "variance")

_WORDS = {"gain": "gains", "offset": "offsets", "variance": "variances of the read-out noise"}
_NEIGHBOURS = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if (y, x) != (0, 0)]
_USUAL = 0.5  # Quantile of the variances to which the noise of noisier pixels is reduced.


@dataclass(frozen=True, eq=False)
class Maps:
    """Maps ``(y, x)``, the same for all channels, or ``(c, y, x)``; None: not given.

    Attributes
    ----------
    gain
        Counts per photo-electron of every pixel, or any multiple of it.
    offset
        Counts of every pixel without light.
    variance
        Variance of the read-out noise of every pixel, in counts².
    """

    gain: Stored | None = None
    offset: Stored | None = None
    variance: Stored | None = None

    @classmethod
    def of(
        cls,
        gain: npt.ArrayLike | None = None,
        offset: npt.ArrayLike | None = None,
        variance: npt.ArrayLike | None = None,
    ) -> Maps:
        """Check maps and return them.

        Raises
        ------
        MuguetError
            If a map has no axes Y and X, holds a value that is not finite, a gain that is not positive, or a negative
            variance; or if maps differ in shape.
        """
        given = {"gain": gain, "offset": offset, "variance": variance}
        found = {name: _checked(name, value) for name, value in given.items() if value is not None}
        shapes = {each.shape[-2:] for each in found.values()}
        if len(shapes) > 1:
            words = " and ".join(f"{height}×{width}" for height, width in sorted(shapes))
            raise MuguetError(f"the maps of the camera have {words} pixels: give maps of one size")
        return cls(**found)

    @property
    def given(self) -> dict[str, Stored]:
        """The maps that are given, by name."""
        values = {name: getattr(self, name) for name in NAMES}
        return {name: each for name, each in values.items() if each is not None}

    @functools.cached_property
    def digests(self) -> Mapping[str, str]:
        """The SHA-256 of each map, by name."""
        return {name: hashlib.sha256(each.tobytes()).hexdigest()[:16] for name, each in self.given.items()}

    def require_fit(self, name: str, space: tuple[int, ...], channels: int) -> None:
        """Raise an error if an image has other pixels than the maps.

        Parameters
        ----------
        name
            Name of the image in the message.
        space, channels
            The sizes of its axes of space, and its number of channels.
        """
        for kind, each in self.given.items():
            if each.shape[-2:] != tuple(space[-2:]):
                (height, width), (rows, columns) = each.shape[-2:], space[-2:]
                raise MuguetError(
                    f"the {kind} map has {height}×{width} pixels and {name} has {rows}×{columns}: give a map of the "
                    "same part of the camera, cut or binned like the image"
                )
            if each.ndim == 3 and len(each) != channels:
                raise MuguetError(
                    f"the {kind} map has {len(each)} channels and {name} has {channels}: give one map for all "
                    "channels, or one for each"
                )

    def remove(self, plane: Floats, channel: int) -> Floats:
        """Return a plane ``(y, x)`` as a camera would have recorded it whose pixels are alike.

        With the gain g and the offset o of a pixel, and ⟨ ⟩ the mean over all of them, the result is

            (y − o) / g · ⟨g⟩ + ⟨o⟩,

        the counts of a camera with the mean gain and offset. The noise of a pixel whose read-out is noisier than usual
        is then reduced to the usual size, see `quieted`.
        """
        gain, offset, variance = (
            None if each is None else (each if each.ndim == 2 else each[channel]).astype(np.float64)
            for each in (self.gain, self.offset, self.variance)
        )
        if offset is not None or gain is not None:
            dark = 0.0 if offset is None else float(offset.mean())
            plane = plane - (dark if offset is None else offset)
            if gain is not None:
                plane *= float(gain.mean()) / gain
                if variance is not None:
                    variance = variance * (float(gain.mean()) / gain) ** 2
            plane += dark
        return plane if variance is None else quieted(plane, variance)

    def sentence(self) -> str:
        """Return a sentence for the user; empty if no map is given."""
        names = list(self.given)
        if not names:
            return ""
        some = " and ".join(
            [", ".join(_WORDS[name] for name in names[:-1]), _WORDS[names[-1]]][len(names) == 1 :]
        )
        return f"The {some} of the camera's pixels are corrected with the maps that were given."


def quieted(plane: Floats, variance: Floats) -> Floats:
    """Return a plane in which no pixel has a noisier read-out than usual.

    With v the variance of the read-out noise of a pixel, and v₀ the median of all, a pixel with v > v₀ is replaced by
    w y + (1 − w) m, with m the mean of its eight neighbours weighted by their inverse variances and w = √(v₀/v), so
    that the part of its noise that is its own has the variance v₀. The rest of the noise is that of a camera with equal
    pixels, and one law fits all of them. The image is smoothed only where pixels are noisy, and there only so far. Only
    the ratios of variances count.
    """
    usual = float(np.quantile(variance, _USUAL))
    noisy = variance > usual
    weight = 1 / np.maximum(variance, max(usual, 1e-6 * float(variance.max()), 1e-300))
    known = np.isfinite(plane)
    weights, values = (
        np.pad(each, 1) for each in (np.where(known, weight, 0.0), np.where(known, weight * plane, 0.0))
    )
    height, width = plane.shape
    total, sums = (
        sum(
            (each[1 + y : 1 + y + height, 1 + x : 1 + x + width] for y, x in _NEIGHBOURS),
            np.zeros(plane.shape),
        )
        for each in (weights, values)
    )
    share = np.sqrt(usual / np.where(noisy, variance, usual if usual > 0 else 1.0))
    use = noisy & (total > 0)
    mean = sums / np.where(total > 0, total, 1.0)
    return np.where(use, share * plane + (1 - share) * mean, plane)


def _checked(name: str, value: npt.ArrayLike) -> Stored:
    array = np.asarray(value)
    if array.dtype.kind not in "uif":
        raise MuguetError(f"the {name} map holds {array.dtype} values: give real numbers")
    array = array.astype(np.float32)
    while array.ndim > 2 and array.shape[0] == 1:
        array = array[0]
    if array.ndim not in (2, 3) or array.size == 0:
        raise MuguetError(
            f"the {name} map has the shape {array.shape}: give one value for each pixel, (y, x) or (c, y, x)"
        )
    if not np.isfinite(array).all():
        raise MuguetError(f"the {name} map holds values that are not finite: give a number for every pixel")
    if name == "gain" and array.min() <= 0:
        raise MuguetError(f"the gain map holds {array.min():g}: gains must be larger than zero")
    if name == "variance" and array.min() < 0:
        raise MuguetError(f"the variance map holds {array.min():g}: variances must not be negative")
    return array
