"""The estimates of a method in network units: averaged over networks and views, and with their predicted error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from muguet.method import Method
from muguet.noise.law import Law
from muguet.prediction.blend import Blend
from muguet.prediction.error_scale import ErrorScale
from muguet.prediction.movies import Movie
from muguet.prediction.symmetry import Symmetry
from muguet.restoration.blur import gaussian_blur
from muguet.restoration.temporal import fused


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


def with_variance(
    method: Method, units: Tensor, views: Sequence[Symmetry], blend: Blend
) -> tuple[Tensor, Tensor]:
    """Return `blended` of an image, and the variance of its error as the prior predicts it, in network units."""
    with torch.inference_mode():
        estimate, variance = method.prior_estimate(units)
        if len(views) > 1:
            return blended(method, units, views, blend), variance
        # The prior has been run: only the other estimates are missing.
        rest = replace(blend, prior=0.0)
        if rest.trained or rest.blur:
            estimate = blend.prior * estimate + blended(method, units, views, rest)
        return estimate, variance


def estimate_movie(
    method: Method,
    units: Tensor,
    usable: Tensor,
    movie: Movie,
    held: slice,
    wanted: slice,
    views: Sequence[Symmetry],
    blend: Blend,
    scale: ErrorScale | None,
    errors: bool,
) -> Tensor:
    """Return the estimates of frames of a movie ``(wanted, 1, *space)`` in network units, or their standard deviations.

    Parameters
    ----------
    method
        A method with a prior.
    units, usable
        The frames `held` in network units, ``(held, 1, *space)``, and where they were measured.
    movie, held, wanted
        The movie, and which of its frames are given and are to be estimated.
    views, blend, scale
        See `blended`; the correction of the predicted errors of single frames.
    errors
        Whether the standard deviations of the errors are returned.
    """
    found = [with_variance(method, frame[None], views, blend) for frame in units]
    estimates, raw = (torch.cat(each) for each in zip(*found, strict=True))
    variances = raw if scale is None else scaled(raw, scale)
    results = []
    with torch.inference_mode():
        for t in range(wanted.start, wanted.stop):
            members = _members(units, held.start, t, movie)
            middle = members.index(t - held.start)
            ratio = (variances[t - held.start] / raw[t - held.start].clamp(min=1e-12))[None]

            def estimator(image: Tensor, ratio: Tensor = ratio) -> tuple[Tensor, Tensor]:
                estimate, variance = method.prior_estimate(image)
                return estimate, variance * ratio

            estimate, variance = fused(
                units[members],
                estimates[members],
                variances[members],
                usable[members],
                [float(movie.gains[held.start + m]) for m in members],
                middle,
                estimator,
            )
            results.append(variance.sqrt() if errors else estimate)
    return torch.cat(results)


def _members(units: Tensor, start: int, t: int, movie: Movie) -> list[int]:
    """Return the indices of the held frames that help to estimate frame `t`, itself included; copies are left out."""
    first, last = max(t - movie.before, start), min(t + movie.after, start + len(units) - 1)
    chosen = [t - start]
    for k in sorted(range(first, last + 1), key=lambda k: abs(k - t)):
        if k != t and not any(torch.equal(units[k - start], units[each]) for each in chosen):
            chosen.append(k - start)
    return sorted(chosen)


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
