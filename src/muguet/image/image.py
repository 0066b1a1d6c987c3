"""The value `Image`: the pixels of an image, with their axes, pixel size and origin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy.typing as npt

from muguet.image.axes import parse


@dataclass(frozen=True, eq=False)
class Image:
    """The pixels of an image, with their axes, pixel size and origin.

    Attributes
    ----------
    data
        The pixels; those read from a file have the machine's byte order.
    axes
        One letter of TCZYXS for each axis of `data`.
    pixel_size
        Micrometres for X, Y and Z, seconds for T; an axis whose size is unknown is missing.
    path
        The file from which the image was read; None for an image made in memory.
    kind
        Dialect of the file, ``"tiff"``, ``"imagej"`` or ``"ome"``; the output is written in the same dialect.
    compression
        ``"zlib"``, ``"lzw"``, ``"zstd"``, ``"packbits"``, or an empty string for none; that of the output too.
    channel_names
        One name for each channel, or an empty tuple.
    imagej
        What ImageJ needs to display the image as before: mode, lookup tables, display ranges, labels.
    notes
        Sentences for the user about how the file was interpreted.
    name
        Name of the image in its file, such as the name of a position; an empty string if it has none.
    annotations
        Texts to keep with the image, by name: what the program that recorded it wrote about the recording.
    provenance
        What made the image, by name: the program, its model and its input; empty for an image from a microscope.
    files
        All files from which the image was read; several for an image that is spread over a set of files.
    source
        How the image was stored in its file, kept by the format that read it, to write a result in the same way.
        Only that format uses it; it is ignored if the axes, the shape or the pixel size have changed since.

    Raises
    ------
    MuguetError
        If the axes do not match the data.
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
    name: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    files: tuple[Path, ...] = ()
    source: object | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "axes", parse(self.axes, self.data.ndim))
