"""The estimates of a method in network units: averaged over networks and views, and with their predicted error."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from muguet.method import Method
from muguet.noise.law import Law
from muguet.prediction.blend import Blend
from muguet.prediction.symmetry import Symmetry
from muguet.restoration.blur import gaussian_blur


def blended(
    method: Method, units: Tensor, views: Sequence[Symmetry], blend: Blend, own: bool | None = None
) -> Tensor:
    """Return the weighted mean of the estimates of images ``(b, 1, *space)``, each a mean over all views.

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
    with torch.inference_mode():
        total = torch.zeros_like(units)
        for view in views:
            image = view.apply(units).contiguous()
            if blend.trained:
                total += blend.trained * view.undo(method.estimate(image, own))
            if blend.prior:
                total += blend.prior * view.undo(method.prior_estimate(image)[0])
        total /= len(views)
        if blend.blur:
            total += blend.blur * gaussian_blur(units, blend.sigma)
    return total


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
