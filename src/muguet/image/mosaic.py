"""Recognise the raw mosaic of a colour camera that was read as a grey image, by its grid of 2×2 pixels."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

_MIN_SIDE = 32
_MIN_CONTRAST = 0.3  # The grid is reported if its amplitude is more than this part of the noise …
_MIN_PART = 0.1  # … and more than this part of it, with the same sign, in each quarter of the image.
_MIN_ERRORS = 10.0  # The amplitude is at least this many standard errors.

Pattern = Literal["", "grid", "rows", "columns"]

_SENTENCES = {
    "": "",
    "grid": (
        "Raw mosaic of a colour (or polarisation) camera: the brightness alternates on a grid of 2×2 pixels. Read as "
        "grey, neighbours show different colours, and the result is poor. Split the image into its four positions "
        "(image[0::2, 0::2], image[0::2, 1::2], image[1::2, 0::2], image[1::2, 1::2]), denoise each of them as a "
        "channel, and demosaic the results."
    ),
    "rows": (
        "Odd and even rows differ in brightness, as after interlaced or two-way scanning or with two read-out "
        "channels: correct their offset and gain first, since the difference is treated as structure."
    ),
    "columns": (
        "Odd and even columns differ in brightness, as with two read-out channels: correct their offset and gain "
        "first, since the difference is treated as structure."
    ),
}


def pattern(plane: npt.NDArray[np.generic]) -> Pattern:
    """Return the pattern with a period of two pixels that a plane ``(y, x)`` contains; an empty text if it has none.

    With the four pixels a, b; c, d of each 2×2 cell, (a − b + c − d)/4 is the amplitude of alternating columns,
    (a + b − c − d)/4 that of alternating rows, and (a − b − c + d)/4 that of a chequerboard, on which a colour camera
    has its green filters. A scene that the optics resolve has none of them on average.

    Parameters
    ----------
    plane
        The pixels; NaN where one is missing.
    """
    if min(plane.shape) < _MIN_SIDE:
        return ""
    height, width = (size // 4 * 4 for size in plane.shape)
    values = plane[:height, :width].astype(np.float64)
    values[~np.isfinite(values)] = np.nan
    largest = float(np.abs(values).max(where=np.isfinite(values), initial=1.0))
    if largest > 1e100:  # Squares of these values would overflow.
        values /= largest
    a, b, c, d = values[::2, ::2], values[::2, 1::2], values[1::2, ::2], values[1::2, 1::2]
    noise = _noise(values)
    amplitudes: dict[Pattern, float] = {}
    for name, cells in (("grid", a - b - c + d), ("rows", a + b - c - d), ("columns", a - b + c - d)):
        quarters = [
            part[np.isfinite(part)] / 4
            for half in np.array_split(cells, 2)
            for part in np.array_split(half, 2, 1)
        ]
        if min(part.size for part in quarters) < 50:
            return ""
        means = np.array([part.mean() for part in quarters])
        every = np.concatenate(quarters)
        mean, error = float(every.mean()), float(every.std() / np.sqrt(every.size))
        same = bool((means * np.sign(mean) > _MIN_PART * noise).all())
        if same and abs(mean) > max(_MIN_CONTRAST * noise, _MIN_ERRORS * error) and noise > 0:
            amplitudes[name] = abs(mean)  # type: ignore[index]
    # One colour that differs from three others shows all patterns; rows and columns alone differ by one of them.
    if len(amplitudes) > 1 and sorted(amplitudes.values())[-2] > 0.5 * max(amplitudes.values()):
        return "grid"
    return max(amplitudes, key=lambda name: amplitudes[name]) if amplitudes else ""


def describe(found: Pattern) -> str:
    """Return what a pattern means and what to do, in words."""
    return _SENTENCES[found]


def _noise(values: npt.NDArray[np.float64]) -> float:
    """Return a robust standard deviation of the noise from pixels two apart, which have the same colour."""
    rough = values[:, 2:-2] - 0.5 * (values[:, :-4] + values[:, 4:])
    rough = np.abs(rough[np.isfinite(rough)])
    return float(np.median(rough) / (0.6745 * np.sqrt(1.5))) if rough.size else 0.0
