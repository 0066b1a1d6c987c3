"""Read the images that a model is trained on, with their clean images, and leave out those that do not allow it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from muguet.cli.shared.display import described, detail, say
from muguet.cli.shared.failures import Failures
from muguet.cli.shared.options import Choices
from muguet.cli.shared.pairs import partners

if TYPE_CHECKING:
    from muguet.image.image import Image

_MAX_SHOWN = 5
"""The properties of at most this many images are shown without --verbose."""

Array = npt.NDArray[Any]


def read_examples(
    sources: list[Path], choices: Choices, failures: Failures
) -> tuple[dict[Path, Image], dict[Path, Array | None]]:
    """Return the images that a model can be trained on and their clean images, by the path of the noisy ones.

    Raises
    ------
    MuguetError
        If no image is left, or with `failures.strict` at the first one that cannot be used.
    """
    from muguet.formats.registry import read
    from muguet.training.data import Sample, check

    pairs = partners(sources, choices.clean, "--clean") if choices.clean else [None] * len(sources)
    images: dict[Path, Image] = {}
    targets: dict[Path, Array | None] = {}
    channels: dict[Path, int] = {}
    clean: tuple[Path, Array] | None = None  # One clean image for all is read only once.
    for source, partner in zip(sources, pairs, strict=True):
        with failures.tolerate(source):
            image = read(source, choices.axes)
            if partner is not None and (clean is None or clean[0] != partner):
                clean = (partner, read(partner, choices.axes).data)
            target = None if partner is None or clean is None else clean[1]
            channels[source] = check(Sample(image.data, image.axes, str(source), target), choices.dimensions)
            images[source], targets[source] = image, target
            _show(image, len(images))
    if len(images) > _MAX_SHOWN:
        say(f"… and {len(images) - _MAX_SHOWN} more.")
    if not failures.strict:
        _leave_out_other_channels(images, channels, failures)
    failures.require_some()
    return images, {source: targets[source] for source in images}


def _show(image: Image, number: int) -> None:
    """Show the properties of an image and the notes about it."""
    show = say if number <= _MAX_SHOWN else detail
    show(f"{image.path}: {described(image)}")
    for note in image.notes:
        show(f"  {note}")


def _leave_out_other_channels(
    images: dict[Path, Image], channels: dict[Path, int], failures: Failures
) -> None:
    """Leave out the images whose number of channels is not the most frequent one, since a model has only one."""
    if not channels:
        return
    (usual, _), *_ = Counter(channels.values()).most_common()
    for source, number in channels.items():
        if number != usual:
            kind = "RGB samples" if "S" in images[source].axes else "channel" + "s" * (number > 1)
            failures.add(
                source,
                f"{source} has {number} {kind}, but the model learns from images with {usual}: denoise it by itself",
            )
            del images[source]
