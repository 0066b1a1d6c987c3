"""A second estimate of the offsets of rows, from what the prior does not take for signal after the first."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch

from muguet.errors import MuguetError
from muguet.image.values import fill_missing
from muguet.noise.transfer.single_image import transfer_alone
from muguet.noise.transfer.variance import straight_line
from muguet.pattern.rows import Lines
from muguet.pattern.spectrum import cosine, inverse_cosine
from muguet.prediction.regions import Cut, map_plane
from muguet.restoration.prior import load_prior
from muguet.restoration.stabilised import SHIFT, Stabilised

Floats = npt.NDArray[np.float64]

_CORE = (512, 512)  # Size of a region, without its halo, in which the prior is computed.
_FEWEST = 300  # A point of the photon-transfer curve is the variance of at least this many pixels.
_CLIP = 2.5  # Residuals beyond this many standard deviations count less (Huber's weights).
_PASSED = 0.125  # Errors above this frequency along Y, in cycles per pixel, are left in the residual.
_MAX_GAIN = 2.0


def second_estimate(plane: Floats, lines: Lines) -> Lines:
    """Return better offsets of the rows of a plane ``(y, x)``; the ones that are given if there are none.

    The plane y minus the first offsets is denoised by the prior, which takes little of the errors of these offsets for
    signal. With x̂ the result and σ² the variance of the noise of a pixel, Σ (y − x̂)/σ² / Σ 1/σ² over the pixels of a
    row is the error of its offset. The prior takes about half of the errors that change over more than 16 rows for
    signal, so that these are doubled. Slower changes from row to row remain, as they look like signal.

    Offsets that repeat are known better than that, and are left as they are.

    Parameters
    ----------
    plane
        Counts; NaN where a pixel is missing or saturated.
    lines
        The first estimate.
    """
    if lines.period:
        return lines
    corrected = plane - lines.offsets[:, None]
    try:
        slope, constant = straight_line(transfer_alone([corrected], fewest=_FEWEST))
    except MuguetError:  # There are too few pixels to measure their noise.
        return lines
    electrons = fill_missing((corrected + constant / slope) / slope)
    estimate = _denoised(load_prior(), electrons)
    known = np.isfinite(plane)
    precision = known / np.maximum(estimate + SHIFT, SHIFT)
    residual = electrons - estimate
    size = np.abs(residual) * np.sqrt(precision)
    weight = precision * np.minimum(1.0, _CLIP / np.maximum(size, 1e-9))
    with np.errstate(invalid="ignore", over="ignore"):
        error = slope * (weight * residual).sum(1) / np.maximum(weight.sum(1), 1e-300)
    if not np.isfinite(
        error
    ).all():  # The variance grows so little with the signal that electrons are no numbers.
        return lines
    frequency = np.arange(len(error)) / (2 * len(error))
    gain = np.clip(_PASSED / np.maximum(frequency, 1e-300), 1.0, _MAX_GAIN)
    gain[0] = 0.0
    return replace(lines, offsets=lines.offsets + inverse_cosine(gain * cosine(error)))


def _denoised(prior: Stabilised, electrons: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the prior's estimate of a plane ``(y, x)`` in effective photo-electrons."""

    def estimate(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        with torch.inference_mode():
            blind: npt.NDArray[np.float32] = prior(torch.from_numpy(values)[None, None]).blind[0, 0].numpy()
        return blind

    return map_plane(estimate, electrons, Cut(_CORE, prior.halo, prior.stride))
