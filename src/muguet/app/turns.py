"""One thread that takes turns over the work of all pages: first what a page waits for, then the trainings."""

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
    awaited
        Returns whether a page waits for this work; all such work is done before any other.
    cancelled
        Whether to leave the rest out.
    """

    steps: Iterator[object]
    failed: Failed
    awaited: Callable[[], bool]
    cancelled: bool = False


class Turns:
    """A thread that does a step of each work in turn.

    Work that a page waits for, such as a first result or another plane, comes before work that only improves what is
    shown. One thread is as fast as several, because each step uses all cores; and no two computations ever meet.
    """

    def __init__(self) -> None:
        self._awaited: deque[Work] = deque()
        self._others: deque[Work] = deque()
        self._changed = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="muguet app", daemon=True)
        self._thread.start()

    def add(
        self, steps: Iterator[object], failed: Failed, awaited: Callable[[], bool] = lambda: True
    ) -> Work:
        """Take up work; its first step is done next."""
        work = Work(steps, failed, awaited)
        with self._changed:
            self._awaited.appendleft(work)
            self._changed.notify()
        return work

    def end(self, seconds: float = 10.0) -> None:
        """End the thread after the step that it is at, and wait for it at most so long."""
        with self._changed:
            self._ended = True
            self._awaited.clear()
            self._others.clear()
            self._changed.notify()
        self._thread.join(seconds)

    def _run(self) -> None:
        while True:
            with self._changed:
                while not (self._awaited or self._others or self._ended):
                    self._changed.wait()
                if self._ended:
                    return
                work = (self._awaited or self._others).popleft()
            if self._advance(work):
                with self._changed:
                    if not self._ended:
                        (self._awaited if work.awaited() else self._others).append(work)

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
