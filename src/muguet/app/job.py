"""One image on the page: read, denoised while the network learns, judged, and written for download."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from muguet.app.access import Access
from muguet.app.pictures import Pictures
from muguet.app.reading import read_planes
from muguet.app.words import about, checks, law_table, logged
from muguet.errors import MuguetError
from muguet.interactive.messages import NEIGHBOURS, Advanced, Better, Message, Note
from muguet.interactive.source import Source
from muguet.results.denoising import Denoised, Denoising
from muguet.results.provenance import made_by, sha256_of

if TYPE_CHECKING:
    from muguet.denoiser.denoiser import Denoiser
    from muguet.image.image import Image
    from muguet.interactive.computation import Computation
    from muguet.results.provenance import Made

_COMMAND = ("muguet", "app")


@dataclass(eq=False)
class Job:
    """One image on the page, and all that is known about it so far.

    Attributes
    ----------
    number
        The number of the image, which is part of its addresses.
    path
        The file of the noisy image.
    folder
        Where the results are written.
    access
        Which files may be read.
    minutes, steps
        Length of the training, see `muguet.fit`.
    stop
        Set by the user to end the training.
    words, share
        What is being done, and the completed share of it; None: unknown, or nothing is being done.
    stage
        "working", "ready" or "failed".
    done, made
        The denoised image as it was written, with what it was made from, and what its file says of it; None: it is not
        complete.
    """

    number: int
    name: str
    path: Path
    folder: Path
    access: Access
    minutes: float
    steps: int | None = None
    stop: Event = field(default_factory=Event)
    words: str = "Waiting for its turn"
    share: float | None = None
    stage: str = "working"
    error: str = ""
    notes: list[str] = field(default_factory=list)
    held_out: tuple[tuple[float, float], ...] = ()
    about: str = ""
    names: tuple[str, ...] = ()
    source: Source | None = None
    image: Image | None = None
    shown: Pictures | None = None
    denoiser: Denoiser | None = None
    model_words: str = ""
    law: dict[str, Any] | None = None
    law_picture: bytes = b""
    judged: dict[str, Any] | None = None
    result: Path | None = None
    result_words: str = ""
    report: str = ""
    version: int = 0
    done: Denoised | None = None
    made: Made | None = None
    _improves: bool = False
    _computation: Computation | None = None
    _about_neighbours: str = ""

    # ------------------------------------------------------------------ steps

    def run(self) -> Iterator[None]:
        """Do all work on the image, step by step."""
        from muguet.interactive import runs

        self.words = "Reading the file …"
        yield
        source = self._read()
        self.shown = Pictures.of(source, source.samples // 2, 0)
        self.version += 1
        yield
        training = runs.train([source], self.shown.n, self.stop, self.minutes, self.steps)
        while True:
            try:
                message = next(training)
            except StopIteration as end:
                self.denoiser, outcome = end.value
                break
            yield from self._take(message)
        self.notes.append(outcome)
        yield from self._finish(self.denoiser)
        yield from self._judge(self.denoiser)
        self.words, self.share, self.stage = "Complete.", None, "ready"

    def look(self, n: int, c: int) -> Iterator[None]:
        """Show another plane."""
        if self.source is None or not (0 <= n < self.source.samples and 0 <= c < self.source.channels):
            raise MuguetError("there is no such plane")
        shown = Pictures.of(self.source, n, c)
        self.shown = shown
        self.version += 1
        yield from self._show(shown)
        if self.denoiser is not None:
            self._find_law(self.denoiser)
            yield
            if self.done is not None:
                yield from self._judge(self.denoiser)

    def write_report(self) -> Iterator[None]:
        """Write the report."""
        if self.denoiser is None or self.image is None or self.done is None:
            raise MuguetError("there is no result yet: wait until the training is complete, or stop it")
        from muguet.report.gather import report_denoising

        self.report = "writing"
        yield
        noisy = replace(self.image, path=Path(self.name))
        denoised, made, helped = self.done.image.data, self.made, self.done.neighbours
        report_denoising(
            self.denoiser, noisy, denoised, self.report_path, _COMMAND, True, made=made, neighbours=helped
        )
        self.report = "ready"

    def fail(self, error: Exception) -> None:
        """Keep why the work ended."""
        self.error, self.stage = logged(error), "failed"
        self.words, self.share = "", None

    def fail_later(self, error: Exception) -> None:
        """Keep why work on a complete result ended; the result stays."""
        self.notes.append(logged(error))
        self.report = "" if self.report == "writing" else self.report

    # ------------------------------------------------------------------ parts of them

    def _read(self) -> Source:
        """Read the file as planes."""
        self.image, self.source, self.names = read_planes(self.path, self.name, self.access)
        self.about = about(self.image)
        self.notes += self.image.notes
        return self.source

    def _take(self, message: Message) -> Iterator[None]:
        """Show what a training says."""
        match message:
            case Note(text, topic):
                if topic and self._about_neighbours in self.notes:
                    self.notes.remove(self._about_neighbours)
                self._about_neighbours = text if topic else self._about_neighbours
                self.notes.append(text)
            case Advanced(share, words, held_out):
                stopping = self.stop.is_set() and share is not None
                self.share, self.words = share, "Stopping …" if stopping else words
                self.held_out = held_out or self.held_out
            case Better(denoiser, levels, words):
                self.denoiser, self._computation, self.model_words = denoiser, levels[0], words
                if self.law is None:
                    self.words = "Showing the first result …"
                if self.shown is not None:
                    yield from self._show(self.shown)
                if self.law is None:
                    self._find_law(denoiser)
                self._improves = True
        yield

    def _show(self, shown: Pictures) -> Iterator[None]:
        """Show a plane as the best model so far denoises it, with the blur beside it."""
        from muguet.image.axes import Layout

        if self.source is None or self.image is None:
            return
        if self.done is not None:
            layout = Layout(self.image.axes, self.image.data.shape)
            counts = self.image.data if self.done.counts is None else self.done.counts
            both = self.done.image.data, counts
            shown.show(*(layout.plane(each, shown.n, shown.c)[shown.part] for each in both))
        elif self._computation is not None:
            shown.denoise(self.source, self._computation)
        else:
            return
        self.version += 1
        yield
        shown.compare()
        self.version += 1
        yield

    def _finish(self, denoiser: Denoiser) -> Iterator[None]:
        """Denoise all planes as `muguet denoise` does, and write the result and the model."""
        from muguet.formats.registry import write

        if self.image is None:
            return
        self.words, self.share = "Denoising all planes …", None
        yield
        work = Denoising(denoiser, self.image)
        for note in (Note(work.about_dtype), Note(work.about_neighbours, NEIGHBOURS)):
            yield from self._take(note) if note.text else ()
        for share in work.regions():
            self.share = share
            yield
        self.words, self.share = "Writing the result …", None
        yield
        digest = sha256_of(self.image.files or (self.path,))
        result = work.result.made(made_by(denoiser, digest))
        self.made = result.provenance
        path = self.folder / "result.ome.tif" if self.image.kind == "ome" else self.folder / "result.tif"
        self.notes += write(path, result, overwrite=True)
        denoiser.save(self.model_path)
        self.done, self.result, self.result_words = work.result, path, work.result.residual.sentence
        if self.shown is not None:
            yield from self._show(self.shown)

    def _judge(self, denoiser: Denoiser) -> Iterator[None]:
        """Check the centre of the shown plane, and draw the noise law of its channel."""
        from muguet.interactive.checks import judge
        from muguet.interactive.neighbours import Shown, frames_around

        self._find_law(denoiser)
        self.words = "Checking the shown plane …"
        yield
        shown = self.shown
        if self.source is not None and shown is not None and shown.estimate is not None:
            neighbours = None if self.done is None else self.done.neighbours
            frames = frames_around(self.source, neighbours, shown.n, shown.c, shown.part)
            self.judged = checks(judge(denoiser, shown.c, Shown(shown.counts, shown.estimate, frames)))
        self.words = "Complete."
        yield

    def _find_law(self, denoiser: Denoiser) -> None:
        """Draw the noise law of the channel that is shown."""
        from muguet.figures.views import contrast
        from muguet.interactive.law import noise_law
        from muguet.report.facts import law_facts

        shown = self.shown
        if shown is None or shown.estimate is None or not denoiser.method.learns_law:
            return
        found = noise_law(denoiser, shown.c, shown.counts, shown.estimate)
        facts = law_facts(denoiser.laws[shown.c], None, denoiser.transfer(shown.c), contrast(shown.estimate))
        self.law_picture = found.picture
        self.law = {
            "rows": [[row.name, row.value, row.interval] for row in found.rows],
            "sentences": found.sentences,
            "table": law_table(facts["table"]),
        }
        self.version += 1

    # ------------------------------------------------------------------ what the page asks for

    @property
    def model_path(self) -> Path:
        """The file of the model."""
        return self.folder / "model.muguet"

    @property
    def report_path(self) -> Path:
        """The file of the report."""
        return self.folder / "report.html"

    def is_awaited(self) -> bool:
        """Return whether the page waits for the next step: for a first result, or for the end after a stop."""
        return self.stop.is_set() or not self._improves

    def picture(self, name: str) -> bytes | None:
        """Return a picture as PNG; None if there is none of that name."""
        if name == "law":
            return self.law_picture or None
        return None if self.shown is None else self.shown.files.get(name)

    def close(self) -> None:
        """Remove the files of the image."""
        self.stop.set()
        for path in sorted(self.folder.rglob("*"), reverse=True):
            with contextlib.suppress(OSError):
                path.unlink() if path.is_file() else path.rmdir()
        with contextlib.suppress(OSError):
            self.folder.rmdir()
