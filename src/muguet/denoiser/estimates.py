"""The estimates of a method in network units: averaged over networks and views, and with their predicted error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from muguet.method import Method
from muguet.noise.law import Law
from muguet.prediction.blend import Blend
from muguet.prediction.error_scale import ErrorScale
from muguet.prediction.symmetry import Symmetry
from muguet.restoration.blur import gaussian_blur


class Estimate(NamedTuple):
    """A denoised image and its error, in counts.

    Attributes
    ----------
    mean
        The denoised image.
    std
        Standard deviation of the error of each pixel, of the same shape. About 95 % of the true values lie within
        1.96 of it.
    """

    mean: npt.NDArray[np.float32]
    std: npt.NDArray[np.float32]


def blended(
    method: Method, units: Tensor, views: Sequence[Symmetry], blend: Blend, own: bool | None = None
) -> Tensor:
    """Return the weighted mean of the estimates of images ``(b, 1, *space)``, each a mean over all views.

    The mean is multiplied by the brightness of the blend.

    Parameters
    ----------
    method
        The method, with its prior if the blend gives it a weight.
    units
        The images in network units.
    views
        Flips and quarter turns.
    blend
        The weights of the trained network, the prior and a blur.
    own
        See `Method.estimate`.
    """
    return _blended(method, units, views, blend, own, errors=False)[0]


def with_variance(
    method: Method, units: Tensor, views: Sequence[Symmetry], blend: Blend
) -> tuple[Tensor, Tensor]:
    """Return `blended` of images, and the variance of the error as the prior predicts it for the first view.

    The prior is run once for each view; the first view is the image as it is.
    """
    estimate, variance = _blended(method, units, views, blend, None, errors=True)
    assert variance is not None
    return estimate, variance


def _blended(
    method: Method, units: Tensor, views: Sequence[Symmetry], blend: Blend, own: bool | None, errors: bool
) -> tuple[Tensor, Tensor | None]:
    variance: Tensor | None = None
    with torch.inference_mode():
        total = torch.zeros_like(units)
        for number, view in enumerate(views):
            image = view.apply(units).contiguous()
            if blend.trained:
                total += blend.trained * view.undo(method.estimate(image, own))
            if blend.prior or (errors and number == 0):
                estimate, error = method.prior_estimate(image)
                variance = error if number == 0 else variance
                if blend.prior:
                    total += blend.prior * view.undo(estimate)
        total /= len(views)
        if blend.blur:
            total += blend.blur * gaussian_blur(units, blend.sigma)
        total *= blend.brightness
    return total, variance


def scaled(variances: Tensor, scale: ErrorScale) -> Tensor:
    """Return predicted variances of errors after their correction."""
    std = scale(variances.sqrt().cpu().numpy())
    return torch.from_numpy(np.asarray(std, np.float32)).to(variances).square()


def predicts_error(method: Method) -> bool:
    """Return whether the method predicts the error of its estimates: by its prior, or by a gate that is open."""
    gated = method.has_gate and bool(method.gate_open) and method.learns_law
    return method.prior is not None or gated


def predicted_std(method: Method, units: Tensor, law: Law | None) -> Tensor:
    """Return the predicted standard deviation of the error of images ``(b, 1, *space)``, in network units.

    Parameters
    ----------
    method
        A method that predicts its errors.
    units
        The images in network units.
    law
        The noise law of their channel, needed if there is no prior: the prediction is then √g σ, see `Method`.
    """
    with torch.inference_mode():
        if method.prior is not None:
            return method.prior_estimate(units)[1].sqrt()
        prediction = method.predict(units)
        assert prediction.gate is not None
        assert law is not None
        return torch.sqrt(prediction.gate * law(prediction.blind).variance)
