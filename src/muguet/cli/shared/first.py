"""The first results of `muguet denoise`, in seconds, before the training that improves them."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from muguet.cli.shared.apply import denoise_images, with_sentences, write_images
from muguet.cli.shared.display import say
from muguet.errors import MuguetError
from muguet.results.denoising import AUTOMATIC, Windows
from muguet.results.provenance import made_by
from muguet.system.atomic import replacing
from muguet.system.kinds import FIRST_START, kind_of
from muguet.system.text import duration

if TYPE_CHECKING:
    from muguet.image.image import Image
    from muguet.training.session import Session

_MAX_SECONDS = 60.0  # First results that would take longer are not written, since they delay the training.


class FirstResults:
    """The results of a command that are only first results, kept in a file in case that the run is killed.

    Parameters
    ----------
    checkpoint
        The checkpoint of the command; the file lies beside it.
    """

    def __init__(self, checkpoint: Path) -> None:
        self.path = checkpoint.with_name(f"{checkpoint.name}.first")
        self.results: set[Path] = set()
        if self.path.is_file() and kind_of(self.path) == "first":
            names = self.path.read_text(encoding="utf-8", errors="surrogateescape").splitlines()[1:]
            self.results = {self.path.parent / json.loads(name) for name in names}

    def announce(self, results: Iterable[Path]) -> None:
        """Note that these results are about to be written as first results."""
        self.results |= set(results)
        self._save()

    def replaced(self, result: Path) -> None:
        """Note that the final result has been written."""
        if result in self.results:
            self.results.remove(result)
            with contextlib.suppress(MuguetError, OSError):  # The result is there, and that is what counts.
                self._save()

    def _save(self) -> None:
        if not self.results:
            self.path.unlink(missing_ok=True)
            return
        names = sorted(json.dumps(os.path.relpath(result, self.path.parent)) for result in self.results)
        with replacing(self.path, "first") as file:
            file.write("\n".join([FIRST_START, *names, ""]).encode())


def write_first_results(
    session: Session,
    files: Mapping[Path, Sequence[Image]],
    digests: Mapping[Path, str],
    dtype: np.dtype[Any] | None,
    first: FirstResults,
    windows: Windows = AUTOMATIC,
) -> None:
    """Denoise files with the prior and write the results, unless there is no prior or this takes long.

    `files` are the noisy images of each file by the path of its result, `digests` the SHA-256 of each file.
    """
    if not files or session.finished or not session.first_laws or session.step > 0:
        return
    seconds_per_pixel = session.rehearse()[1]
    if seconds_per_pixel * session.pixels > _MAX_SECONDS:
        return
    started = time.monotonic()
    denoiser = session.denoiser()
    first.announce(files)
    for result, images in files.items():
        found = denoise_images(denoiser, images, dtype, 1, False, windows)
        write_images(result, *with_sentences(found, made_by(denoiser, digests[result])), overwrite=True)
    taken = duration(time.monotonic() - started)
    say(f"First result after {taken}, before training. It is replaced by the final one.")
