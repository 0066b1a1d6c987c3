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
from muguet.prediction.regions import Cut, map_plane
from muguet.restoration.prior import load_prior
from muguet.restoration.stabilised import SHIFT, Stabilised

Floats = npt.NDArray[np.float64]

_CORE = (512, 512)  # Size of a region, without its halo, in which the prior is computed.
_FEWEST = 300  # A point of the photon-transfer curve is the variance of at least this many pixels.
_CLIP = 2.5  # Residuals beyond this many standard deviations count less (Huber's weights).
_PARTS = 4


def second_estimate(plane: Floats, lines: Lines) -> Lines:
    """Return better offsets of the rows of a plane ``(y, x)``; the ones that are given if there are none.

    The plane y minus the first offsets is denoised by the prior, which takes little of the errors of these offsets for
    signal. With x̂ the result and σ² the variance of the noise of a pixel, Σ (y − x̂)/σ² / Σ 1/σ² over the pixels of a
    row is the error of its offset. Slow changes from row to row remain, as they look like signal.

    Offsets that repeat are known better than that, and are left as they are, as are offsets whose errors the parts of a
    row do not share.

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
    edges = np.linspace(0, plane.shape[1], _PARTS + 1).astype(int)[:-1]
    weights, sums = (np.add.reduceat(each, edges, 1) for each in (weight, weight * residual))
    parts = sums / np.maximum(weights, 1e-300)
    parts -= parts.mean(0)
    if (parts.sum(1) ** 2).sum() <= (parts**2).sum():  # The products of two parts are negative on average.
        return lines
    error = slope * sums.sum(1) / np.maximum(weights.sum(1), 1e-300)
    return replace(lines, offsets=lines.offsets + error - error.mean())


def _denoised(prior: Stabilised, electrons: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the prior's estimate of a plane ``(y, x)`` in effective photo-electrons."""

    def estimate(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        with torch.inference_mode():
            blind: npt.NDArray[np.float32] = prior(torch.from_numpy(values)[None, None]).blind[0, 0].numpy()
        return blind

    return map_plane(estimate, electrons, Cut(_CORE, prior.halo, prior.stride))
