"""The first Ctrl-C sets a flag, the second interrupts, and afterwards the handler is restored."""

from __future__ import annotations

import signal
import threading

import pytest

from muguet.system import interruptible


def test_the_first_ctrl_c_sets_the_flag_and_calls_once():
    calls = []
    with interruptible(lambda: calls.append(1)) as interrupt:
        assert not interrupt
        signal.raise_signal(signal.SIGINT)
        assert interrupt
        assert calls == [1]
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        assert calls == [1]


def test_the_handler_is_restored_even_after_an_error():
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(ZeroDivisionError), interruptible():  # noqa: PT012
        assert signal.getsignal(signal.SIGINT) != before
        raise ZeroDivisionError
    assert signal.getsignal(signal.SIGINT) == before


def test_another_thread_changes_nothing():
    before, seen = signal.getsignal(signal.SIGINT), []

    def work():
        with interruptible() as interrupt:
            seen.append((bool(interrupt), signal.getsignal(signal.SIGINT)))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [(False, before)]
