"""Check that the numbers in which an image is denoised can hold its values and tell them apart."""

from __future__ import annotations

import numpy as np

from muguet.errors import MuguetError
from muguet.image.planes import Planes
from muguet.image.scaling import Scaling

_MIN_SPREAD = 1e-6  # A smaller relative spread of the values is rounding, and not an image.
_MAX_PLANES = 4
_MAX_VALUES = 100_000


def require_representable(source: Planes, channel: int, scaling: Scaling | None = None) -> None:
    """Raise an error if the values of a channel would become infinite, or all the same, when they are converted.

    The 1st and the 99th percentile of about 100,000 values of at most four planes are converted.

    Parameters
    ----------
    source
        Planes ``(n, c, *space)`` in counts.
    channel
        Index of the channel.
    scaling
        The scaling of a model. None: the values are only rounded to float32.

    Raises
    ------
    MuguetError
        If a percentile is not finite after the conversion, or both are equal while the values differ.
    """
    n_planes, _, *space = source.shape
    whole = tuple(slice(0, size) for size in space)
    for n in range(0, n_planes, -(-n_planes // _MAX_PLANES)):
        values = source.read(n, channel, whole).reshape(-1)
        values = values[:: max(values.size // _MAX_VALUES, 1)].astype(np.float64)
        values = values[np.isfinite(values)]
        if not values.size:
            continue
        ends = low, high = np.quantile(values, (0.01, 0.99), method="nearest")
        if high / 2 - low / 2 <= _MIN_SPREAD * max(abs(low) / 2, abs(high) / 2):
            continue
        with np.errstate(over="ignore"):
            units = np.array(ends).astype(np.float32) if scaling is None else scaling.to_units(np.array(ends))
        if units[0] < units[1] and np.isfinite(units).all():
            continue
        found = f"the values of the image ({low:.3g} to {high:.3g})"
        if scaling is None:
            raise MuguetError(
                f"{found} are outside the range of single precision, in which this method computes: multiply them by "
                "a power of ten"
            )
        raise MuguetError(
            f"{found} are too far from those that the model was trained on: give the image in the unit of the "
            "training images, or train a model on such images"
        )
