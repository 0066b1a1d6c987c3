"""The identity of a training set: a hash of its pixels, which does not depend on the names of files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

_Array = npt.NDArray[np.generic]


def content_of(samples: Iterable[tuple[str, _Array, _Array | None]]) -> str:
    """Return the SHA-256 of the axes, data types, shapes, pixels and masks of images and their targets, in order."""
    found = hashlib.sha256()
    for axes, *arrays in samples:
        for array in arrays:
            found.update(f"{axes} {None if array is None else (array.dtype, array.shape)}".encode())
            if array is not None:
                found.update(np.ascontiguousarray(np.ma.getdata(array)).data)
                found.update(np.ascontiguousarray(np.ma.getmask(array)).data)
    return found.hexdigest()
