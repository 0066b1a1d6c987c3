"""Interrupts: Ctrl-C asks a loop to stop after its current step, a second Ctrl-C stops it at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupt:
    """A flag that is true once Ctrl-C has been pressed."""

    def __init__(self) -> None:
        self.asked = False

    def __bool__(self) -> bool:
        return self.asked


@contextmanager
def interruptible(on_interrupt: Callable[[], None] = lambda: None) -> Iterator[Interrupt]:
    """Return a context in which the first Ctrl-C sets a flag and the second raises KeyboardInterrupt.

    The loop in the context checks the flag between two steps, so that no step is left incomplete. Python handles
    signals in the main thread only: in other threads this has no effect.

    Parameters
    ----------
    on_interrupt
        Function that is called at the first Ctrl-C.
    """
    interrupt = Interrupt()

    def handler(number: int, frame: FrameType | None) -> None:
        if interrupt.asked:
            raise KeyboardInterrupt
        interrupt.asked = True
        on_interrupt()

    if threading.current_thread() is not threading.main_thread():
        yield interrupt
        return
    before = signal.signal(signal.SIGINT, handler)
    try:
        yield interrupt
    finally:
        # None stands for a handler that was not set from Python, which cannot be restored.
        signal.signal(signal.SIGINT, signal.SIG_DFL if before is None else before)
