"""Ctrl-C once is a wish to stop, Ctrl-C twice an order."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupt:
    """Whether Ctrl-C was pressed; true once it was."""

    def __init__(self) -> None:
        self.asked = False

    def __bool__(self) -> bool:
        return self.asked


@contextmanager
def interruptible(told: Callable[[], None] = lambda: None) -> Iterator[Interrupt]:
    """Within it the first Ctrl-C sets the flag and calls `told`; the second raises KeyboardInterrupt.

    A step under way is so never cut in two. Outside the main thread signals cannot be caught, and nothing
    changes there.
    """
    interrupt = Interrupt()

    def handler(number: int, frame: FrameType | None) -> None:
        if interrupt.asked:
            raise KeyboardInterrupt
        interrupt.asked = True
        told()

    if threading.current_thread() is not threading.main_thread():
        yield interrupt
        return
    before = signal.signal(signal.SIGINT, handler)
    try:
        yield interrupt
    finally:
        # None stands for a handler that was not set from Python, which cannot be put back.
        signal.signal(signal.SIGINT, signal.SIG_DFL if before is None else before)
