"""What is shown while it works: a bar on a terminal, a plain line every few seconds elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from muguet.system.text import duration

if TYPE_CHECKING:
    from muguet.image.image import Image

_LINE_EVERY = 5.0  # seconds, where there is no terminal
_LOOK_EVERY = 0.25  # seconds between readings of the loss, each of which waits for the device

console = Console(stderr=True, highlight=False, soft_wrap=True)


def say(sentence: str) -> None:
    """One plain line to the user, on standard error."""
    console.print(sentence, markup=False)


class Bar:
    """A progress bar with a text behind it; use it in a `with` statement.

    Parameters
    ----------
    title
        What is being done.
    """

    def __init__(self, title: str) -> None:
        self.title = title
        self.live = console.is_terminal
        self.shown = -1e9
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[left]}"),
            TextColumn("{task.fields[text]}", style="dim"),
            console=console,
            transient=True,
        )
        self.task = self.progress.add_task(title, total=1.0, text="", left="")

    def __enter__(self) -> Bar:
        """Show it."""
        if self.live:
            self.progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: Any, trace: TracebackType | None) -> None:
        """Take it away."""
        if self.live:
            self.progress.stop()

    @property
    def due(self) -> bool:
        """Whether it is time to show something new."""
        return time.monotonic() - self.shown >= (_LOOK_EVERY if self.live else _LINE_EVERY)

    def show(self, share: float, seconds_left: float, text: str) -> None:
        """Move the bar to `share` (0 to 1), with the time left and a text."""
        self.shown = time.monotonic()
        left = f"{duration(seconds_left)} left"
        if self.live:
            self.progress.update(self.task, completed=share, left=left, text=text)
        else:
            say(f"{self.title} {100 * share:3.0f} %, {left}{', ' + text if text else ''}")


def described(image: Image) -> str:
    """Axes, size, type and pixel size of an image, in one phrase."""
    size = "×".join(map(str, image.data.shape))
    pixel = image.pixel_size.get("X")
    return f"{image.axes} {size}, {image.data.dtype}" + (
        f", {pixel:.4g} µm a pixel" if pixel else ", pixel size unknown"
    )
