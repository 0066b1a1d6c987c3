"""Whether the images of a training set and their targets show the same scenes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from muguet.errors import MuguetError
from muguet.noise.pairing import require_pairs

MOST = 8
"""At most this many planes of a training set, and one of each sample, are compared with their targets."""


def doubts_of_pair(
    noisy: npt.NDArray[np.generic], targets: npt.NDArray[np.generic] | None, name: str, samples: int
) -> list[str]:
    """Return doubts that the planes ``(n, c, *space)`` of a sample and its targets show the same scene.

    Parameters
    ----------
    noisy, targets
        Planes of one shape; no targets: there is nothing to doubt.
    name
        Name of the sample in messages.
    samples
        Number of samples of the training set.

    Raises
    ------
    MuguetError
        If they certainly do not show the same scene.
    """
    if targets is None:
        return []
    most = max(MOST // samples, 1)
    try:
        pairs = [(noisy[:, c], targets[:, c]) for c in range(noisy.shape[1])]
        return [doubt for one, other in pairs for doubt in require_pairs(one, other, most=most)]
    except MuguetError as error:
        raise MuguetError(f"{name} and its target: {error}") from error
