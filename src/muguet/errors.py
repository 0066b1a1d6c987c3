"""The error whose message is shown to users as one sentence, without a traceback, and how it names parameters."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_NAMES = (
    "axes|clean|components|device|dimensions|dtype|mask|minutes|net|overwrite|prior|psf|recipe|scene|seed|steps"
    "|symmetries"
)
# A value follows after "=", or after a space if it is in capitals or a number: --recipe=joint, --axes TYX, --steps 0.
_OPTION = re.compile(rf"(?<![\w-])--({_NAMES})(?![\w-])(?:=([\w:.]+)| ([A-Z]{{2,}}|\d+)\b)?")
_options: ContextVar[bool] = ContextVar("options", default=False)


class MuguetError(ValueError):
    """An error that the user can correct: the message states what is wrong, where, and what to do.

    Messages are written with the options of the command line, and read with the arguments of the functions in Python.
    """

    def __str__(self) -> str:
        return spelled(super().__str__())


@contextmanager
def spell_options() -> Iterator[None]:
    """Return a context in which messages name options such as ``--minutes`` instead of arguments such as ``minutes=``.

    The command line enters it.
    """
    token = _options.set(True)
    try:
        yield
    finally:
        _options.reset(token)


def spelled(message: str) -> str:
    """Return a message with the names of its parameters as those who read it give them.

    >>> spelled("--minutes is -1: leave --clean out, or name the axes (--axes TYX)")
    "minutes= is -1: leave clean= out, or name the axes (axes='TYX')"
    """
    return message if _options.get() else _OPTION.sub(_argument, message)


def _argument(found: re.Match[str]) -> str:
    name, value = found[1], found[2] or found[3]
    if name == "overwrite":
        return "overwrite=True"
    if value is None:
        return f"{name}="
    return f"{name}={value if value.isdigit() else repr(value)}"
