"""Functions that run in threads while the interface goes on, and whose results come back to its thread."""

from __future__ import annotations

import contextlib
import gc
import sys
from collections.abc import Callable, Sequence
from typing import Any

from napari.qt.threading import create_worker
from qtpy.QtCore import QObject, Signal

Then = Callable[[Any], None]

_SWITCH = 0.001  # Seconds for which a thread may hold the interpreter while the interface waits for it.
_SWITCH_BEFORE = sys.getswitchinterval()


class Background(QObject):
    """Threads in the background, and the signals by which they reach the interface.

    It outlives a closed panel, whose connections end with it, so that no thread calls what is no longer there.

    Parameters
    ----------
    on_error
        Called in the thread of the interface with an error of a function.
    """

    pixels = Signal(object)
    """A view has new pixels."""

    call = Signal(object, object)
    """A function is to be called with a value in the thread of the interface."""

    def __init__(self, on_error: Then) -> None:
        super().__init__()
        self.on_error = on_error

    def tell_pixels(self, view: object) -> None:
        """Emit `pixels` from any thread.

        This method keeps the object alive as long as a thread may call it. A signal by itself does not: a thread that
        emitted it after the panel is gone would end the whole program. Where Qt has deleted it nevertheless, as at the
        end of the program, nobody looks at pixels.
        """
        with contextlib.suppress(RuntimeError):
            self.pixels.emit(view)

    def compute(self, function: Callable[..., Any], then: Then, *arguments: Any) -> None:
        """Call a function in a thread, and then another one with its result."""
        self._start(function, arguments, {"returned": lambda value: self.call.emit(then, value)})

    def iterate(
        self, function: Callable[..., Any], arguments: Sequence[Any], then: Then, at_end: Callable[[], None]
    ) -> None:
        """Iterate over a generator in a thread; call a function with each value, and another one at the end."""
        connected: dict[str, Callable[..., None]] = {
            "yielded": lambda value: self.call.emit(then, value),
            "finished": lambda: self.call.emit(lambda _: at_end(), None),
        }
        self._start(function, arguments, connected)

    def _start(
        self,
        function: Callable[..., Any],
        arguments: Sequence[Any],
        connected: dict[str, Callable[..., None]],
    ) -> None:
        connected["errored"] = lambda error: self.call.emit(self.on_error, error)
        create_worker(function, *arguments, _ignore_errors=True, _connect=connected)


def share_time(busy: bool) -> None:
    """Let the interface run more often while threads in the background are busy, or as often as before."""
    sys.setswitchinterval(_SWITCH if busy else _SWITCH_BEFORE)


def without_collections(function: Callable[[], None]) -> Callable[[], None]:
    """Return a function that imports much, so that no collection of garbage follows it.

    A collection among all objects of napari and PyTorch blocks the interface for half a second. The objects that there
    are now are left out of collections until `collect_all` is called.
    """

    def imported() -> None:
        gc.freeze()
        function()
        gc.freeze()

    return imported


def collect_all(event: Any = None) -> None:
    """Let collections of garbage consider all objects again, as when a layer was removed, whose memory is needed."""
    gc.unfreeze()
