"""The noisy images of a command with the SHA-256 of their files, read once and released when they are used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from muguet.cli.shared.choices import Choices
from muguet.cli.shared.display import warn
from muguet.cli.shared.streams import Streams
from muguet.formats.network import address_of
from muguet.results.provenance import sha256_of, sha256_of_pixels

if TYPE_CHECKING:
    from muguet.image.image import Image

_BYTES_PER_BYTE = 2.0
"""A command that trains holds at least its images and a result of the same size; what else it needs depends on them."""


class Recordings:
    """The noisy images of a command.

    Parameters
    ----------
    choices
        The options that say how a file is read.
    streams
        The files that are too large to be kept.
    """

    def __init__(self, choices: Choices, streams: Streams) -> None:
        self.choices, self.streams = choices, streams
        self.digests: dict[Path, str] = {}
        self._images: dict[Path, tuple[Image, ...]] = {}
        self._states: dict[Path, tuple[object, ...]] = {}

    def keep(self, images: Mapping[Path, tuple[Image, ...]]) -> None:
        """Keep images that were just read, until they are taken, but for samples of those that are streamed."""
        for source, scenes in images.items():
            if self.streams.of(source):
                continue
            self._images[source] = scenes
            self._note(source, scenes)

    def by_result(
        self, results: Mapping[Path, Path]
    ) -> tuple[dict[Path, tuple[Image, ...]], dict[Path, str]]:
        """Return the images that are kept, and the SHA-256 of their files, by the path of their result."""
        images = {
            result: self._images[source] for source, result in results.items() if source in self._images
        }
        return images, {
            results[source]: digest for source, digest in self.digests.items() if source in results
        }

    def take(self, source: Path) -> tuple[tuple[Image, ...], str]:
        """Return the images of a file and its SHA-256, and release them; a file that was not kept is read."""
        from muguet.formats.registry import read_all

        scenes = self._images.pop(source, None)
        if scenes is None:
            scenes = tuple(map(self.choices.valid, read_all(source, self.choices.axes, self.choices.scene)))
            self._note(source, scenes)
        elif _state(_files(source, scenes)) != self._states[source] and self._changed(source, scenes):
            warn(
                f"Warning: {source} was changed or removed since it was read: its result is that of the image "
                f"that was read, with the SHA-256 {self.digests[source]}."
            )
        return scenes, self.digests[source]

    def _note(self, source: Path, scenes: Sequence[Image]) -> None:
        files = _files(source, scenes)
        network = address_of(source) is not None
        self.digests[source] = sha256_of_pixels(scenes) if network else sha256_of(files)
        self._states[source] = _state(files)

    def _changed(self, source: Path, scenes: Sequence[Image]) -> bool:
        try:
            return sha256_of(_files(source, scenes)) != self.digests[source]
        except OSError:
            return True


def require_room(sources: Sequence[Path], streams: Streams) -> None:
    """Raise an error if the memory is too small for these files, before they are read; streamed ones need none.

    Raises
    ------
    MuguetError
        If it is.
    """
    from muguet.system.memory import require_memory

    read = [source for source in sources if source.is_file() and not streams.of(source)]
    size = sum(source.stat().st_size for source in read)
    name = str(sources[0]) if len(sources) == 1 else f"{len(sources)} images"
    require_memory(_BYTES_PER_BYTE * size, f"{name} ({size / 2**30:.3g} GiB)")


def _files(source: Path, scenes: Sequence[Image]) -> tuple[Path, ...]:
    """Return the files of a recording."""
    return scenes[0].files or (source,)


def _state(files: Sequence[Path]) -> tuple[object, ...]:
    """Return what changes if a file is replaced or written to; its content is hashed only if this has changed."""
    try:
        states = [path.stat() for path in files]
    except OSError:
        return ()
    return tuple((each.st_ino, each.st_size, each.st_mtime_ns) for each in states)
