"""The scaling of a channel that all images of a training set share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from muguet.errors import MuguetError
from muguet.image.scaling import Scaling
from muguet.image.values import clipping_level


def common_scaling(
    images: Sequence[npt.NDArray[np.generic]], recorded: Sequence[npt.NDArray[np.generic]], channel: int
) -> Scaling:
    """Fit the scaling of one channel to all images.

    Parameters
    ----------
    images, recorded
        Planes ``(n, c, *space)`` of each image after and before the screening.
    channel
        Index of the channel.

    Raises
    ------
    MuguetError
        If no image has a finite value in this channel.
    """
    parts = [_finite(image[:, channel], 400_000 // len(images)) for image in images]
    values = np.concatenate(parts)
    if values.size == 0:
        if any(np.isfinite(planes[:, channel]).any() for planes in recorded):
            return Scaling(
                0.0, 1.0
            )  # Every plane of the channel is blank: it is neither learned nor denoised.
        raise MuguetError(
            f"channel {channel + 1} has no finite value (all NaN or infinite): leave it out, there is nothing to learn"
        )
    # Saturated pixels share one value, which may be the mode but shows neither the background nor the scale.
    level = clipping_level(values)
    unsaturated = values if level is None else values[values < level]
    exact = Scaling.fit(unsaturated)
    if exact.wide:
        return exact
    # Common images keep the scaling of their float32 values, so that results do not depend on the data type.
    with np.errstate(over="ignore"):
        counts = unsaturated.astype(np.float32)
    return Scaling.fit(counts[np.isfinite(counts)])


def _finite(planes: npt.NDArray[np.generic], max_values: int) -> npt.NDArray[np.generic]:
    """About `max_values` evenly spaced values, without missing ones; all finite values if these are all missing."""
    flat = planes.reshape(-1)
    for step in (max(flat.size // max(max_values, 1000), 1), 1):
        thin = flat[::step].astype(np.float64)
        known: npt.NDArray[np.generic] = thin[np.isfinite(thin)]
        if known.size:
            break
    return known
