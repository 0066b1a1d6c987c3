"""Messages and progress on standard error: a bar in a terminal, and otherwise a line every few seconds."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from muguet.system.text import duration

if TYPE_CHECKING:
    from muguet.image.image import Image

_SECONDS_PER_LINE = 5.0  # Without a terminal, progress is printed as a line at this interval.
_SECONDS_PER_UPDATE = 0.25  # The bar is updated no more often, because reading the loss waits for the device.

console = Console(stderr=True, highlight=False, soft_wrap=True)


def say(sentence: str) -> None:
    """Print one line for the user on standard error."""
    console.print(sentence, markup=False)


class Bar:
    """A progress bar followed by a text; use it in a `with` statement.

    Parameters
    ----------
    title
        The task, as shown before the bar.
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
        return time.monotonic() - self.shown >= (_SECONDS_PER_UPDATE if self.live else _SECONDS_PER_LINE)

    def show(self, fraction: float, seconds_left: float, text: str) -> None:
        """Move the bar to `fraction` (0 to 1), and show the time left and a text."""
        self.shown = time.monotonic()
        left = f"{duration(seconds_left)} left"
        if self.live:
            self.progress.update(self.task, completed=fraction, left=left, text=text)
        else:
            say(f"{self.title} {100 * fraction:3.0f} %, {left}{', ' + text if text else ''}")


def described(image: Image) -> str:
    """Return a phrase with the axes, shape, data type and pixel size of an image."""
    size = "×".join(map(str, image.data.shape))
    pixel = image.pixel_size.get("X")
    return f"{image.axes} {size}, {image.data.dtype}" + (
        f", {pixel:.4g} µm per pixel" if pixel else ", pixel size unknown"
    )
