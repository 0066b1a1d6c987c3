"""The options for large images and OME-Zarr, and the meaning of a range of values."""

from __future__ import annotations

from typing import Annotated

import typer

from muguet.errors import MuguetError

MemoryLimit = Annotated[
    str | None,
    typer.Option(
        help="Memory that the images may use, such as 2GB. Larger images are processed block by block.",
        rich_help_panel="Images",
        show_default="half of the free memory",
    ),
]
OmeZarr = Annotated[
    str | None,
    typer.Option(
        help="Version of OME-Zarr for results whose names end in .zarr: 0.5, or 0.4 for older viewers.",
        rich_help_panel="Output",
        show_default="the input's, otherwise 0.5",
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
