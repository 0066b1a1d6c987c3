"""Read the images that a model is trained on, with their clean images, and leave out those that do not allow it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy.typing as npt

from muguet.cli.shared.choices import Choices
from muguet.cli.shared.display import described, detail, say
from muguet.cli.shared.failures import Failures
from muguet.cli.shared.pairs import partners
from muguet.cli.shared.scenes import label, targets_of
from muguet.cli.shared.streams import Streams, training_sample
from muguet.errors import MuguetError

if TYPE_CHECKING:
    from muguet.image.image import Image

_MAX_SHOWN = 5
"""The properties of at most this many images are shown without --verbose."""

Array = npt.NDArray[Any]
_Item = TypeVar("_Item")


def read_examples(
    sources: list[Path], choices: Choices, failures: Failures, streams: Streams
) -> tuple[dict[Path, tuple[Image, ...]], dict[Path, tuple[Array | None, ...]]]:
    """Return the images that a model can be trained on and their clean images, by the path of the noisy file.

    A file with an image that cannot be used is left out with all its images.

    Raises
    ------
    MuguetError
        If no file is left, or with `failures.strict` at the first one that cannot be used.
    """
    from muguet.formats.registry import read_all
    from muguet.training.data import check
    from muguet.training.planes import Sample

    pairs = partners(sources, choices.clean, "--clean") if choices.clean else [None] * len(sources)
    images: dict[Path, tuple[Image, ...]] = {}
    targets: dict[Path, tuple[Array | None, ...]] = {}
    channels: dict[Path, int] = {}
    shown = 0
    for source, partner in zip(sources, pairs, strict=True):
        with failures.tolerate(source):
            large = streams.of(source)
            if large and partner is not None:
                raise MuguetError(
                    f"{source} is larger than the memory, which does not go with --clean: give more with --memory, or "
                    "crop the images"
                )
            scenes = (
                tuple(
                    training_sample(image, correction, choices, len(large) * len(sources))
                    for image, correction in zip(
                        large, streams.corrections(source, choices.lines == "auto"), strict=True
                    )
                )
                if large
                else tuple(map(choices.valid, read_all(source, choices.axes, choices.scene)))
            )
            clean: tuple[Array | None, ...] = (None,) * len(scenes)
            if partner is not None:
                clean = targets_of(scenes, partner, choices.axes)
            for image, target in zip(scenes, clean, strict=True):
                sample = Sample(image.data, image.axes, label(image), target)
                channels[source] = check(sample, choices.dimensions)
            images[source], targets[source] = scenes, clean
            for image in scenes:
                shown += 1
                _show(image, shown)
    if shown > _MAX_SHOWN:
        say(f"… and {shown - _MAX_SHOWN} more.")
    if not failures.strict:
        channels = {source: channels[source] for source in images}
        _leave_out_other_channels(images, channels, failures)
    failures.require_some()
    return images, {source: targets[source] for source in images}


def flat(files: Mapping[Path, Sequence[_Item]]) -> list[_Item]:
    """Return the images of all files in one list."""
    return [each for file in files.values() for each in file]


def _show(image: Image, number: int) -> None:
    """Show the properties of an image and the notes about it."""
    show = say if number <= _MAX_SHOWN else detail
    # The training reads only some blocks of an image that is larger than memory.
    whole = getattr(image, "whole", None) or image
    show(f"{label(image)}: {described(whole)}")
    for note in image.notes:
        show(f"  {note}")


def _leave_out_other_channels(
    images: dict[Path, tuple[Image, ...]], channels: dict[Path, int], failures: Failures
) -> None:
    """Leave out the images whose number of channels is not the most frequent one, since a model has only one."""
    if not channels:
        return
    (usual, _), *_ = Counter(channels.values()).most_common()
    for source, number in channels.items():
        if number != usual:
            kind = "RGB samples" if "S" in images[source][0].axes else "channel" + "s" * (number > 1)
            failures.add(
                source,
                f"{source} has {number} {kind}, but the model learns from images with {usual}: denoise it by itself",
            )
            del images[source]
