"""An image as a value: its pixels, and what is known of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy.typing as npt

from muguet.image.axes import parse


@dataclass(frozen=True, eq=False)
class Image:
    """The pixels of an image, and what is known of them.

    Attributes
    ----------
    data
        The pixels, in the machine's byte order when read from a file.
    axes
        One letter of TCZYXS for each axis of `data`.
    pixel_size
        Micrometres for X, Y and Z, seconds for T; a letter is missing where nothing is known.
    path
        The file it was read from.
    kind
        How that file stored it, ``"tiff"``, ``"imagej"`` or ``"ome"``: the output is of the same kind.
    compression
        ``"zlib"``, ``"lzw"``, ``"zstd"`` or, for none, the empty string; the output has the same.
    channel_names
        One name for each channel, or none at all.
    imagej
        What ImageJ needs to show it as before: its mode, lookup tables, ranges, labels.
    notes
        Sentences for the user about how the file was understood.

    Raises
    ------
    MuguetError
        If the axes do not fit the data.
    """

    data: npt.NDArray[Any]
    axes: str
    pixel_size: Mapping[str, float] = field(default_factory=dict)
    path: Path | None = None
    kind: str = "tiff"
    compression: str = ""
    channel_names: tuple[str, ...] = ()
    imagej: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "axes", parse(self.axes, self.data.ndim))
