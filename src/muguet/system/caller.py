"""Warnings that point at the line of the user's program that called this package."""

from __future__ import annotations

import sys
import warnings

from muguet.errors import spelled

_PACKAGE = __name__.partition(".")[0]


def warn_caller(message: str) -> None:
    """Show a warning at the line that called the package, as `skip_file_prefixes` of Python 3.12 does.

    Parameters
    ----------
    message
        The sentence, with options of the command line, see `muguet.errors.spelled`.
    """
    level, frame = 1, sys._getframe(0)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == _PACKAGE:
        level, frame = level + 1, frame.f_back
    warnings.warn(spelled(message), stacklevel=level)
