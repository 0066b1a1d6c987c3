"""One thread that takes turns over the work of all pages, so that each of them advances."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Failed = Callable[[Exception], None]


@dataclass(eq=False)
class Work:
    """Work that is done step by step.

    Attributes
    ----------
    steps
        An iterator that does one step each time.
    failed
        Called with an error, which ends this work alone.
    cancelled
        Whether to leave the rest out.
    """

    steps: Iterator[object]
    failed: Failed
    cancelled: bool = False


class Turns:
    """A thread that does a step of each work in turn.

    One thread is as fast as several, because each step uses all cores; and no two computations ever meet.
    """

    def __init__(self) -> None:
        self._waiting: deque[Work] = deque()
        self._changed = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="muguet app", daemon=True)
        self._thread.start()

    def add(self, steps: Iterator[object], failed: Failed) -> Work:
        """Take up work; its first step is done next, as a page waits for it."""
        work = Work(steps, failed)
        with self._changed:
            self._waiting.appendleft(work)
            self._changed.notify()
        return work

    def end(self, seconds: float = 10.0) -> None:
        """End the thread after the step that it is at, and wait for it at most so long."""
        with self._changed:
            self._ended = True
            self._waiting.clear()
            self._changed.notify()
        self._thread.join(seconds)

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._ended:
                    self._changed.wait()
                if self._ended:
                    return
                work = self._waiting.popleft()
            if self._advance(work):
                with self._changed:
                    if not self._ended:
                        self._waiting.append(work)

    def _advance(self, work: Work) -> bool:
        """Do a step, and return whether there are more."""
        if work.cancelled:
            return False
        try:
            next(work.steps)
        except StopIteration:
            return False
        except Exception as error:
            work.failed(error)
            return False
        return True
