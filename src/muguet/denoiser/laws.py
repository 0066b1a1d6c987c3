"""The noise laws of a trained method in camera counts, and how each was obtained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from muguet.errors import MuguetError
from muguet.image.scaling import Scaling
from muguet.method import Method
from muguet.noise.correlated.law import Correlated
from muguet.noise.correlated.whitening import Whitening
from muguet.noise.kernel import Kernel
from muguet.noise.known import Gaussian
from muguet.noise.law import Affine, Law
from muguet.noise.origin import Origin
from muguet.noise.transfer.curve import MeanVariance


def is_untrained(method: Method, training: Mapping[str, Any]) -> bool:
    """Return whether a model is a prior before the first step of training, so that N-net has not learned anything."""
    return method.prior is not None and training.get("steps") == 0


def network_laws(
    method: Method, scalings: Sequence[Scaling], training: Mapping[str, Any], recipe: str
) -> list[Law]:
    """Return the laws that N-net learned, in network units.

    Raises
    ------
    MuguetError
        If the recipe learns no law.
    """
    if not method.learns_law:
        raise MuguetError(f"the recipe {recipe} learns no noise law: train with --recipe=joint")
    laws = [law for law in method.laws if isinstance(law, Law)]
    if not is_untrained(method, training):
        return laws
    # Only the variance is known, which `calibrate` sets. Where it is not, N-net starts at the size of the noise.
    middle = [
        scaling.apply(np.mean(ends, keepdims=True))
        for scaling, ends in zip(scalings, training["signal_range"], strict=True)
    ]
    return [Gaussian(float(law.std(at)[0])) for law, at in zip(laws, middle, strict=True)]


def laws_in_counts(
    laws: Sequence[Law],
    scalings: Sequence[Scaling],
    whitenings: Sequence[Whitening | None],
    correlations: Sequence[Kernel | None],
) -> list[Law]:
    """Return the law of each channel in camera counts, with the correlation of its noise.

    This is the correlation that a whitening has removed, or the one that also holds what planes of a stack share.
    """
    found: list[Law] = []
    for channel, (law, scaling) in enumerate(zip(laws, scalings, strict=True)):
        whitening = whitenings[channel] if whitenings else None
        kernel = (correlations[channel] if correlations else None) or (whitening and whitening.kernel)
        in_counts = Affine(law, scaling.offset, scaling.scale)
        found.append(
            Correlated(in_counts, kernel, whitening.level if whitening else 1.0) if kernel else in_counts
        )
    return found


def origins_of(
    method: Method, transfers: Sequence[MeanVariance | None], training: Mapping[str, Any], channels: int
) -> list[Origin]:
    """Return how the noise law of every channel was obtained; empty if the method learns no law."""
    if not method.learns_law:
        return []
    known = [c < len(transfers) and transfers[c] is not None for c in range(channels)]
    if is_untrained(method, training):
        return [Origin.FIRST if each else Origin.ASSUMED for each in known]
    # Files of earlier versions have no record: a curve was always measured with the trained model.
    record = training.get("law_origins")
    earlier = [each == Origin.EARLIER for each in record] if isinstance(record, list | tuple) else []
    earlier += [False] * len(known)
    return [
        (Origin.EARLIER if before else Origin.CALIBRATED) if each else Origin.LEARNED
        for each, before in zip(known, earlier, strict=False)
    ]
