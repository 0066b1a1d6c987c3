"""A noisy plane and an estimate of it, filtered so that correlated noise is white and all checks apply as they are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from muguet.image.values import fill_missing, unsaturated
from muguet.noise.correlated.whitening import Whitening
from muguet.quality.check import Check, Floats, worst


def whitened_pair(whitening: Whitening, recorded: Floats, signal: Floats) -> tuple[Floats, Floats]:
    """Return a recorded plane ``(Y, X)`` with white noise, and an estimate of its signal filtered in the same way.

    Both are NaN where a pixel is missing in one of them, or saturated.
    """
    usable = np.isfinite(unsaturated(recorded)) & np.isfinite(signal)
    if not usable.any():
        return recorded, signal
    white = whitening(fill_missing(recorded).astype(np.float64))
    sharp = whitening.sharpen(fill_missing(signal))
    return np.where(usable, white, np.nan), np.where(usable, sharp, np.nan)


def explained(check: Check, whitening: Whitening, compared: bool = True) -> Check:
    """Return the check that the noise is white with a sentence on what was done to make it so.

    Without another estimate to compare with (`compared`), the check is doubtful at best: the coarse grain of correlated
    noise that an estimate has kept is not seen in the residual.
    """
    start = f"{whitening.kernel.sentence()} The image was filtered before it was judged, so that its noise is white."
    end = (
        ""
        if compared
        else " Look for coarse grain that is left in the result: the residual does not show it."
    )
    verdict = check.verdict if compared else worst(check.verdict, "doubtful")
    return replace(check, verdict=verdict, sentence=f"{start} There: {check.sentence}{end}")
