"""Layers beside the result: the residual, the uncertainty, and the blur that removes as much noise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from muguet.errors import MuguetError
from muguet.interactive.computation import Computation, computation
from muguet.report.blur import blurred_plane, matching_blur

if TYPE_CHECKING:
    from muguet.napari.result import Result

_SIDE = 256  # The contrast of a layer is that of the centre of the shown plane.


def beside(kind: str, result: Result, n: int) -> tuple[Sequence[Computation], dict[str, Any]]:
    """Return how layers beside a result are computed at each level, and how they are shown.

    Parameters
    ----------
    kind
        "residual", "uncertainty" or "blurred".
    result
        The result.
    n
        The sample that is looked at, for the width of the blur and the contrast.

    Raises
    ------
    MuguetError
        If there is no model yet, it does not predict its errors, or it removed no noise.
    """
    if result.denoiser is None:
        raise MuguetError("there is no result yet: denoise a layer first")
    levels = range(len(result.levels))
    if kind == "blurred":
        shown = result.plane(n, 0)
        blur = matching_blur(shown.noisy, shown.estimate)
        if blur is None:
            raise MuguetError("the model removed no noise from the shown plane: no blur removes as little")
        return [blur_computation(blur.sigma / 2**level) for level in levels], {}
    if kind == "residual":
        computations = [replace(each, residual=True) for each in result.computations]
    else:
        best = result.computations[0].neighbours
        computations = [
            computation(result.denoiser, source, None, best if level == 0 else None, std=True)
            for level, source in enumerate(result.levels)
        ]
    if result.source.rgb:
        return computations, {}
    quick = computations[0].alone or computations[0]
    values = quick.part(result.source, n, 0, result.source.middle(_SIDE))[1]
    values = values[np.isfinite(values)]
    most = float(np.quantile(np.abs(values), 0.99)) if values.size else 1.0
    colours = "RdBu" if kind == "residual" else "inferno"
    low = -most if kind == "residual" else 0.0
    return computations, {"contrast_limits": (low, most or 1.0), "colormap": colours}


def blur_computation(sigma: float) -> Computation:
    """Return the computation of a layer of the blurred image."""
    return Computation(lambda values, _: blurred_plane(values, sigma), _cut(math.ceil(4 * sigma)))


def _cut(halo: int) -> Any:
    from muguet.prediction.regions import Cut

    return Cut((512, 512), (halo, halo), (1, 1))
