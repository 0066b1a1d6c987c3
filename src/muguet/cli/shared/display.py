"""Messages and progress on standard error: a bar in a terminal, and otherwise a line every few seconds.

With --progress json, each of these lines is a JSON object.

Names of files are shown as they are: no markup, no emoji codes, and no character that would act on the terminal.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from muguet.cli.shared.log import Log
from muguet.system.claims import Claims
from muguet.system.terminal import json_for, printable, silence
from muguet.system.text import duration, json_safe, to_json

if TYPE_CHECKING:
    from muguet.image.image import Image

_SECONDS_PER_LINE = 5.0  # Without a terminal, progress is printed as a line at this interval.
_SECONDS_PER_JSON = 1.0
_SECONDS_PER_UPDATE = 0.25  # The bar is updated no more often, because reading the loss waits for the device.

console = Console(stderr=True, highlight=False, soft_wrap=True, markup=False, emoji=False)


@dataclass
class Settings:
    """Which messages a command shows, and where it logs them; set once for each command.

    Attributes
    ----------
    quiet
        Whether only warnings and errors are shown.
    verbose
        Whether details are shown too.
    log
        The log of the command, or None.
    json_progress
        Whether progress is shown as JSON, for programs.
    silent
        Whether nothing is shown or logged, because the first of several processes does this.
    claims
        The outputs of the command, which no other command may write at the same time.
    """

    quiet: bool = False
    verbose: bool = False
    log: Log | None = None
    json_progress: bool = False
    silent: bool = False
    claims: Claims = field(default_factory=Claims)


settings = Settings()


def output(**options: Any) -> Console:
    """Return a console for results on standard output; names in tables must be `printable`."""
    return Console(highlight=False, emoji=False, **options)


def print_json(value: Any) -> None:
    """Print a value as JSON on standard output, in characters that it can encode."""
    print(json_for(to_json(value), sys.stdout))


def say(sentence: str) -> None:
    """Show one line for the user, unless --quiet was given."""
    _show(sentence, not settings.quiet)


def warn(sentence: str) -> None:
    """Show one line that the user must see, also with --quiet."""
    _show(sentence, True)


def detail(sentence: str) -> None:
    """Show one line only with --verbose; it is in the log in any case."""
    _show(sentence, settings.verbose)


def _show(sentence: str, visible: bool) -> None:
    if settings.silent:
        return
    line = printable(sentence)
    if settings.log is not None:
        settings.log.add(line)
    if visible:
        _print(line)


def _print(line: str) -> None:
    try:
        console.print(line)
    except OSError:  # The disk behind standard error is full, or its reader has gone: the work goes on.
        silence(sys.stderr)


class Bar:
    """A progress bar followed by a text; use it in a `with` statement.

    Parameters
    ----------
    title
        The task, as shown before the bar.
    """

    def __init__(self, title: str) -> None:
        self.title = printable(title)
        hidden = settings.quiet or settings.json_progress or settings.silent
        self.live = console.is_terminal and not hidden
        self.shown = self.logged = -1e9
        self.progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[left]}"),
            TextColumn("{task.fields[text]}", style="dim", markup=False),
            console=console,
            transient=True,
        )
        self.task = self.progress.add_task(self.title, total=1.0, text="", left="")

    def __enter__(self) -> Bar:
        """Show the bar."""
        if self.live:
            self.progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: Any, trace: TracebackType | None) -> None:
        """Remove the bar."""
        if self.live:
            self.progress.stop()

    @property
    def due(self) -> bool:
        """True if it is time for the next update."""
        interval = _SECONDS_PER_JSON if settings.json_progress else _SECONDS_PER_LINE
        return time.monotonic() - self.shown >= (_SECONDS_PER_UPDATE if self.live else interval)

    def show(self, fraction: float, seconds_left: float, text: str, facts: Mapping[str, Any]) -> None:
        """Move the bar to `fraction` (0 to 1), and show the time left and a text, or `facts` as JSON."""
        self.shown = time.monotonic()
        if settings.silent:
            return
        if settings.json_progress:
            numbers = {"task": self.title, "fraction": fraction, "seconds_left": seconds_left, **facts}
            _print(json_for(json.dumps(json_safe(numbers), ensure_ascii=False), sys.stderr))
            return
        left = f"{duration(seconds_left)} left"
        line = f"{self.title} {100 * fraction:3.0f} %, {left}{', ' + text if text else ''}"
        if not self.live:
            say(line)
            return
        self.progress.update(self.task, completed=fraction, left=left, text=printable(text))
        if settings.log is not None and self.shown - self.logged >= _SECONDS_PER_LINE:
            self.logged = self.shown
            settings.log.add(line)


def described(image: Image) -> str:
    """Return a phrase with the axes, shape, data type and pixel size of an image."""
    size = "×".join(map(str, image.data.shape))
    pixel = image.pixel_size.get("X")
    return f"{image.axes} {size}, {image.data.dtype}" + (
        f", {pixel:.4g} µm per pixel" if pixel else ", pixel size unknown"
    )
