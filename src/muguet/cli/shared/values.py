"""The options for large images and OME-Zarr, and the meaning of a range of values and of a data type."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from muguet.cli.shared.options import DATA, OUTPUT, option
from muguet.errors import MuguetError

MemoryLimit = Annotated[
    str | None,
    option(
        DATA,
        "Memory that the images may use, such as 2GB. Larger images are processed block by block.",
        shown="half of the free memory",
    ),
]
OmeZarr = Annotated[
    str | None,
    option(
        OUTPUT,
        "Version of OME-Zarr for results whose names end in .zarr: 0.5, or 0.4 for older viewers.",
        shown="the input's, otherwise 0.5",
    ),
]


def value_range(text: str) -> tuple[float, float]:
    """Return the ends of a range LOW:HIGH, one of which may be left out.

    Raises
    ------
    MuguetError
        If the text is no range.
    """
    low, colon, high = text.partition(":")
    try:
        ends = float(low or "-inf"), float(high or "inf")
    except ValueError:
        ends = (1.0, 0.0)
    if not colon or not ends[0] < ends[1]:
        raise MuguetError(
            f"--valid-range {text} is no range: give LOW:HIGH, for example 1:65534, 1: or :4094"
        )
    return ends


def data_type(name: str | None) -> np.dtype[Any] | None:
    """Return the data type given by --dtype; None: use that of the input."""
    supported = ("uint8", "uint16", "int16", "uint32", "int32", "float32", "float64")
    if name is not None and name not in supported:
        raise MuguetError(f"--dtype {name} is not supported: choose one of {', '.join(supported)}")
    return np.dtype(name) if name else None
