"""What is computed from a file block by block, in values that can be sent to other processes."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from muguet.formats.damaged import DamagedError
from muguet.formats.lazy import LazyImage
from muguet.formats.registry import open_all
from muguet.image.image import Image
from muguet.image.pixels import Part
from muguet.image.precision import result_dtype
from muguet.image.valid import masked_outside
from muguet.image.values import require_real, to_dtype
from muguet.version import __version__

_SAMPLES = 5  # An image is recognised by the pixels of this many places along each axis, along its diagonal.
_SAMPLE_SIDE = 64
_PATHS = ("source", "result", "error", "pattern")
_PLACES = (0.5, 0.25, 0.75, 0.0, 1.0)  # Where the noise of an image is looked at, as a share of each axis.


@dataclass(frozen=True)
class Work:
    """What is computed: the results of a model on the images of one file.

    Attributes
    ----------
    source, result
        The noisy file, and the file of the results.
    axes, scenes
        See `muguet.formats.open_all`.
    valid_range, mask_value
        Values that are no measurements, see `muguet.image.masked_outside`.
    dtype
        Data type of the results; None: that of the input, see `muguet.image.result_dtype`.
    symmetries
        Number of views, see `muguet.Denoiser`.
    errors
        Whether the standard deviation of the error of each pixel is computed rather than the denoised image.
    ome_zarr
        Version of OME-Zarr of the results; None: that of the input, or 0.5.
    time_window, causal, z_window
        Which frames of a movie and planes of a stack help to estimate one, see `muguet.Denoiser.__call__`.
    error
        Where the standard deviation of the error of each pixel is written as well; None: nowhere.
    pattern
        Where that is written which is subtracted from each pixel before denoising, in counts; None: nowhere.
    """

    source: Path
    result: Path
    axes: str | None = None
    scenes: tuple[str, ...] = ()
    valid_range: tuple[float, float] | None = None
    mask_value: float | None = None
    dtype: str | None = None
    symmetries: int | None = None
    errors: bool = False
    ome_zarr: str | None = None
    time_window: int | None = None
    causal: bool = False
    z_window: int | None = None
    error: Path | None = None
    pattern: Path | None = None

    @property
    def excludes(self) -> bool:
        """Whether pixels are excluded by their values."""
        return self.valid_range is not None or self.mask_value is not None

    def open(self) -> tuple[LazyImage, ...]:
        """Open the images, without reading their pixels.

        Raises
        ------
        MuguetError
            If they cannot be read.
        """
        images = open_all(self.source, self.axes, self.scenes)
        for image in images:
            require_real(image.about.data, str(self.source))
        return images

    def read(self, image: LazyImage, part: Part) -> npt.NDArray[Any]:
        """Return a part of an image, with NaN for the pixels that are excluded."""
        return read_valid(image, part, self.valid_range, self.mask_value)

    def describe(
        self, model: str, images: Sequence[LazyImage], roundings: Sequence[Rounding]
    ) -> dict[str, Any]:
        """Return all that the pixels of the results depend on, in values that JSON can hold.

        Parameters
        ----------
        model
            Identifier of the model, see `muguet.denoiser.model_file.model_id`.
        images, roundings
            The opened images, and how their results are stored.
        """
        own = {name: value for name, value in asdict(self).items() if name not in _PATHS}
        return {
            **own,
            "stored": [f"{each.dtype}{' rounded at random' * each.at_random}" for each in roundings],
            "input": _fingerprint(images),
            "model": model,
            "version": __version__,
        }


@dataclass(frozen=True)
class Rounding:
    """How results become the values that are stored.

    Attributes
    ----------
    dtype
        Their data type.
    at_random
        Whether they are rounded up or down at random, which keeps mean intensities.
    sentence
        Why the data type is another than that of the input; empty if it is not.
    """

    dtype: np.dtype[Any]
    at_random: bool = False
    sentence: str = ""

    @classmethod
    def of(cls, work: Work, image: LazyImage) -> Rounding:
        """Return that of the results of an image, chosen by pixels in its middle, or elsewhere if they are damaged."""
        if work.errors:
            return FLOATS
        asked = None if work.dtype is None else np.dtype(work.dtype)
        for share in _PLACES:
            with contextlib.suppress(DamagedError):
                dtype, chance, sentence = result_dtype(image.read(part_at(image, share)), asked)
                return cls(dtype, chance is not None, sentence)
        return cls(asked or image.about.data.dtype)

    def __call__(self, values: npt.NDArray[Any], image: int, block: int) -> npt.NDArray[Any]:
        """Return the stored values of a block, which depend on nothing but the block."""
        chance = np.random.default_rng([0, image, block]) if self.at_random else None
        return to_dtype(values, self.dtype, chance)


FLOATS = Rounding(np.dtype(np.float32))
"""How errors and patterns are stored."""


def read_valid(
    image: LazyImage,
    part: Part,
    valid_range: tuple[float, float] | None = None,
    mask_value: float | None = None,
) -> npt.NDArray[Any]:
    """Return a part of an image, with NaN for values outside a range or of one value, see `masked_outside`."""
    raw = image.read(part)
    if valid_range is None and mask_value is None:
        return raw
    mask = np.ma.getmaskarray(masked_outside(raw, valid_range, mask_value))
    values = raw.astype(np.result_type(raw.dtype, np.float32))
    values[mask] = np.nan
    return values


def result_image(work: Work, image: LazyImage, rounding: Rounding) -> Image:
    """Return the image of the results, with the right shape, data type and metadata, and without pixels."""
    empty = np.broadcast_to(np.zeros((), rounding.dtype), image.about.data.shape)
    about = replace(image.about, data=empty)
    return about if work.ome_zarr is None else replace(about, kind=f"ome-zarr {work.ome_zarr}")


def part_at(
    image: LazyImage, share: float, side: int = 2048, depth: int = 1, stride: Sequence[int] = (1, 1)
) -> Part:
    """Return a part of an image at a share of the length of each axis: all channels of one time.

    Parameters
    ----------
    image
        The image.
    share
        0: at the start of each axis, 1: at its end.
    side, depth
        Largest number of rows and columns, and of planes along Z.
    stride
        The part starts at multiples of this, for each axis of space.
    """
    steps = dict(zip("ZYX"[-len(stride) :], stride, strict=True))
    spans = []
    for letter, size in zip(image.about.axes, image.about.data.shape, strict=True):
        length = min(size, {"Y": side, "X": side, "Z": depth, "C": size, "S": size}.get(letter, 1))
        step = steps.get(letter, 1)
        start = int((size - length) * share) // step * step
        spans.append(slice(start, start + length))
    return tuple(spans)


def _fingerprint(images: Sequence[LazyImage]) -> list[str | None]:
    """Return hashes of some pixels, by which a file is recognised without reading it all; None: they are damaged."""
    found: list[str | None] = []
    for image in images:
        shape = image.about.data.shape
        known = f"{image.about.axes} {shape} {image.about.data.dtype} {image.about.name}".encode()
        for k in range(_SAMPLES):
            part = []
            for letter, size in zip(image.about.axes, shape, strict=True):
                length = min(size, _SAMPLE_SIDE if letter in "YX" else size if letter == "S" else 1)
                start = (size - length) * k // (_SAMPLES - 1)
                part.append(slice(start, start + length))
            try:
                pixels = np.ascontiguousarray(image.read(tuple(part))).tobytes()
            except DamagedError:  # A damaged place is an error where its results are computed.
                found.append(None)
            else:
                found.append(hashlib.sha256(known + pixels).hexdigest()[:16])
    return found
