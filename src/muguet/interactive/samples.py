"""Simulated images to try, with the noise of a camera."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

PIXEL_SIZE = 0.108
"""Micrometres per pixel of the simulated images."""

_READ_NOISE = 3.0  # Counts.


def simulated_cells(side: int = 512, seed: int = 0) -> npt.NDArray[np.uint16]:
    """Return a simulated widefield image of cells ``(Y, X)`` in counts, with the noise of a camera."""
    from muguet.samples import acquisition

    return recorded(acquisition((side, side), seed), seed)


def recorded(clean: npt.NDArray[Any], seed: int) -> npt.NDArray[np.uint16]:
    """Record a clean image, in counts: shot noise and read noise, rounded."""
    from muguet.samples import GAIN, OFFSET

    rng = np.random.default_rng(seed)
    counts = OFFSET + GAIN * rng.poisson((clean - OFFSET) / GAIN) + rng.normal(0, _READ_NOISE, clean.shape)
    return np.clip(np.rint(counts), 0, 65535).astype(np.uint16)
