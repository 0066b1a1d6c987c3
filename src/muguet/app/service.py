"""The images that the pages work on: opened, found by their number, and closed."""

from __future__ import annotations

import secrets
import shutil
import tempfile
import threading
from collections.abc import Iterable, Iterator
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from muguet.app.access import Access
from muguet.app.turns import Turns, Work
from muguet.errors import MuguetError
from muguet.interactive import runs

if TYPE_CHECKING:
    from muguet.app.job import Job

MAX_UPLOAD = 2**31
"""Bytes of a file that is dropped on the page. Larger ones are opened by their path, without a copy."""

MAX_JOBS = 8
"""Images that are open at the same time."""


class Service:
    """The images that the pages work on.

    Parameters
    ----------
    paths
        Files and folders that may be opened by their path.
    minutes, steps
        Length of the training of each image, see `muguet.fit`.

    Attributes
    ----------
    token
        The secret in the address of the page.

    Raises
    ------
    MuguetError
        If one of `paths` does not exist.
    """

    def __init__(
        self, paths: Iterable[Path] = (), minutes: float = runs.MINUTES, steps: int | None = None
    ) -> None:
        self.access = Access(paths)
        self.minutes, self.steps = minutes, steps
        self.token = secrets.token_urlsafe(32)
        self.folder = Path(tempfile.mkdtemp(prefix="muguet-app-"))
        self.jobs: dict[int, Job] = {}
        self._works: dict[int, list[Work]] = {}
        self._numbers, self._lock = count(1), threading.Lock()
        self.turns = Turns()
        self.turns.add(_warm_up(), _ignore)

    def reserve(self) -> Path:
        """Return a new folder for an image that is about to be received.

        Raises
        ------
        MuguetError
            If too many images are open.
        """
        if len(self.jobs) >= MAX_JOBS:
            raise MuguetError(f"{MAX_JOBS} images are open: close one of them first")
        return Path(tempfile.mkdtemp(dir=self.folder))

    def begin(self, path: Path, name: str, folder: Path) -> Job:
        """Begin to denoise a file."""
        from muguet.app.job import Job

        with self._lock:
            number = next(self._numbers)
            job = Job(number, name, path, folder, self.access, self.minutes, self.steps)
            self.jobs[number] = job
            self._works[number] = [self.turns.add(job.run(), job.fail, job.is_awaited)]
        return job

    def open(self, text: str) -> Job:
        """Begin to denoise the file that a text names.

        Raises
        ------
        MuguetError
            If it may not be read, does not exist, or too many images are open.
        """
        path = self.access.find(text)
        return self.begin(path, path.name, self.reserve())

    def simulate(self) -> Job:
        """Begin to denoise a simulated image of cells."""
        from muguet.formats.registry import write
        from muguet.image.image import Image
        from muguet.interactive.samples import PIXEL_SIZE, simulated_cells

        folder = self.reserve()
        path = folder / "cells.tif"
        write(path, Image(simulated_cells(), "YX", {"X": PIXEL_SIZE, "Y": PIXEL_SIZE}))
        return self.begin(path, path.name, folder)

    def job(self, number: int) -> Job:
        """Return an open image.

        Raises
        ------
        KeyError
            If there is none of that number.
        """
        return self.jobs[number]

    def look(self, job: Job, n: int, c: int) -> None:
        """Show another plane of an image."""
        self._works[job.number].append(self.turns.add(job.look(n, c), job.fail_later))

    def write_report(self, job: Job) -> None:
        """Write the report of an image."""
        if job.report != "writing":
            self._works[job.number].append(self.turns.add(job.write_report(), job.fail_later))

    def close(self, number: int) -> None:
        """End the work on an image and remove its files."""
        with self._lock:
            job = self.jobs.pop(number)
            for work in self._works.pop(number):
                work.cancelled = True
        job.close()

    def end(self) -> None:
        """End all work and remove all files."""
        for job in list(self.jobs.values()):
            job.stop.set()
        self.turns.end()
        shutil.rmtree(self.folder, ignore_errors=True)


def _warm_up() -> Iterator[None]:
    """Import what the first result needs, while the page opens and the user still looks for an image."""
    import muguet.app.job
    import muguet.formats.registry
    import muguet.samples  # noqa: F401

    runs.warm_up()
    yield


def _ignore(error: Exception) -> None:
    """The error appears again where it matters."""
