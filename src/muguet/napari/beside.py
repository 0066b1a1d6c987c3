"""Layers beside the result: the residual, the uncertainty, and the blur that removes as much noise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from muguet.errors import MuguetError
from muguet.interactive.computation import Computation
from muguet.report.blur import blurred_plane, matching_blur

if TYPE_CHECKING:
    from muguet.denoiser.denoiser import Denoiser
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
        blur = matching_blur(*result.planes(n, 0))
        if blur is None:
            raise MuguetError("the model removed no noise from the shown plane: no blur removes as little")
        return [blur_computation(blur.sigma / 2**level) for level in levels], {}
    if kind == "residual":
        computations = [residual_computation(each) for each in result.computations]
    else:
        computations = [error_computation(result.denoiser)] * len(levels)
    if result.source.rgb:
        return computations, {}
    values = computations[0].function(result.source.centre(n, _SIDE)[0], 0)
    values = values[np.isfinite(values)]
    most = float(np.quantile(np.abs(values), 0.99)) if values.size else 1.0
    colours = "RdBu" if kind == "residual" else "inferno"
    low = -most if kind == "residual" else 0.0
    return computations, {"contrast_limits": (low, most or 1.0), "colormap": colours}


def blur_computation(sigma: float) -> Computation:
    """Return the computation of a layer of the blurred image."""
    return Computation(lambda values, _: blurred_plane(values, sigma), _cut(math.ceil(4 * sigma)))


def residual_computation(computation: Computation) -> Computation:
    """Return the computation of a layer of noisy − denoised."""

    def residual(values: npt.NDArray[Any], channel: int) -> npt.NDArray[np.floating]:
        return np.asarray(values, np.float64) - computation.function(values, channel)

    return Computation(residual, computation.cut)


def error_computation(denoiser: Denoiser) -> Computation:
    """Return the computation of a layer of the standard deviation of the error of every pixel.

    Raises
    ------
    MuguetError
        If the model does not predict its errors.
    """
    return Computation(denoiser.std_function(), denoiser.cut)


def _cut(halo: int) -> Any:
    from muguet.prediction.regions import Cut

    return Cut((512, 512), (halo, halo), (1, 1))
