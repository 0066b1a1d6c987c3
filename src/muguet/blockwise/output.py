"""The files of the results of a job: denoised images, the errors of their pixels, and what was subtracted from them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from muguet.blockwise.work import Rounding, Work
from muguet.errors import MuguetError
from muguet.formats.lazy import Target
from muguet.formats.ome_zarr.write import open_targets
from muguet.formats.registry import check_output, streaming
from muguet.image.image import Image
from muguet.image.pixels import Part
from muguet.system.atomic import sentences
from muguet.system.unfinished import Unfinished, unfinished


class Content(Enum):
    """What a file of results holds."""

    DENOISED = "denoised"
    ERROR = "error"
    PATTERN = "pattern"


@dataclass(frozen=True)
class Place:
    """A block of the job: the image that it belongs to, its number there, and its place."""

    image: int
    number: int
    part: Part


@dataclass(eq=False)
class Output:
    """A file of results, with one target for each image.

    Attributes
    ----------
    content, path
        What it holds, and its name.
    roundings
        How the values of each image are stored.
    targets
        Where they are written.
    held
        The unfinished folder of the results; None: they are written in one run.
    lost
        Sentences about metadata of the input that the file does not hold.
    """

    content: Content
    path: Path
    roundings: Sequence[Rounding]
    targets: Sequence[Target]
    held: Unfinished | None = None
    lost: list[str] = field(default_factory=list)

    def has(self, place: Place) -> bool:
        """Return whether a block is in the results."""
        return self.targets[place.image].has(place.part)

    def finish(self, blocks: Iterable[Place]) -> bool:
        """Give the results their name if they have these blocks and no other process works; return whether it did."""

        def complete() -> bool:
            if not all(map(self.has, blocks)):
                return False
            for target in self.targets:
                target.finish()
            return True

        return self.held is None or self.held.finish(complete)

    def fill(self, image: int, written: Iterable[Part]) -> None:
        """Store what is derived from parts of an image that were just written."""
        if self.held is not None:
            with sentences(self.path):
                self.targets[image].fill(written)


def contents_of(work: Work) -> list[tuple[Content, Path]]:
    """Return what is written where."""
    first = Content.ERROR if work.errors else Content.DENOISED
    more = ((Content.ERROR, work.error), (Content.PATTERN, work.pattern))
    return [(first, work.result), *((content, path) for content, path in more if path is not None)]


def is_store(path: Path) -> bool:
    """Return whether results of this name are written to a Zarr store."""
    return path.suffix.lower() == ".zarr"


@contextlib.contextmanager
def in_one_run(
    content: Content, path: Path, roundings: Sequence[Rounding], abouts: Sequence[Image], overwrite: bool
) -> Iterator[Output]:
    """Yield an output that is complete at the end of the block, or not there."""
    with streaming(path, abouts, overwrite) as (targets, lost):
        yield Output(content, path, roundings, targets, lost=lost)


@contextlib.contextmanager
def in_several_runs(
    content: Content,
    path: Path,
    roundings: Sequence[Rounding],
    abouts: Sequence[Image],
    description: dict[str, object],
    together: bool,
    create: Callable[[Path, Sequence[Image]], list[str]],
) -> Iterator[Output]:
    """Yield an output in a store that is filled in the folder `NAME.unfinished` beside it.

    Parameters
    ----------
    content, path, roundings
        See `Output`.
    abouts
        The images of the results, without their pixels.
    description
        All that the pixels depend on, see `Work.describe`.
    together
        Whether other processes write to the same results.
    create
        Function that creates the store in a new folder, and returns sentences about what it does not hold.
    """
    lost: list[str] = []

    with unfinished(
        path, description, lambda folder: lost.extend(create(folder, abouts)), may_discard=not together
    ) as held:
        yield Output(content, path, roundings, open_targets(held.folder, abouts), held, lost)


def check_outputs(work: Work, overwrite: bool, together: bool) -> None:
    """Check that all results can be written.

    Raises
    ------
    MuguetError
        If one exists and may not be replaced, or several processes would write to a file that is no store.
    """
    for _, path in contents_of(work):
        if together and not is_store(path):
            raise MuguetError(
                f"{path} is no Zarr store, and several processes can write to nothing else: name an output that ends "
                "in .ome.zarr"
            )
        check_output(path, overwrite)
