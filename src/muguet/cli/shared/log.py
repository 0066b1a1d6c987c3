"""The log of a command: every message with its time, appended to a text file."""

from __future__ import annotations

import contextlib
import os
import sys
from datetime import datetime
from pathlib import Path

from muguet.errors import MuguetError
from muguet.system.atomic import reason
from muguet.system.kinds import KINDS, LOG_START, kind_of
from muguet.system.text import shell_line
from muguet.version import __version__


class Log:
    """Lines that are kept in memory until the file may be opened, and then appended to it one by one.

    The file is opened only after the inputs and outputs of the command were checked, so that it replaces none of them.

    Parameters
    ----------
    path
        The file: a new one, or a log to be continued.

    Raises
    ------
    MuguetError
        If the file exists and is no log of muguet, or cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._is_open = self._discarded = False
        command = shell_line(["muguet", *sys.argv[1:]])
        self._waiting = [f"{LOG_START}, version {__version__}, process {os.getpid()}: {command}"]
        if str(path) == "-":
            raise MuguetError("--log - is not supported: name a file")
        try:
            if path.is_dir() or (path.exists() and not path.is_file()):
                raise MuguetError(f"--log {path} is not a file: name one")
            kind = kind_of(path) if path.exists() else "empty"
        except OSError as error:
            raise MuguetError(f"--log {path} cannot be written: {reason(error)}") from error
        if kind not in ("log", "empty"):
            content = KINDS[kind] if kind else "a file of another program"
            raise MuguetError(f"--log {path} is {content}, to which no log is appended: name another file")

    def add(self, line: str) -> None:
        """Append one line with the time; errors of the disk are ignored, because they must not end the work."""
        self._waiting.append(f"{datetime.now().isoformat(' ', 'seconds')}  {line}")
        if self._is_open:
            with contextlib.suppress(OSError):
                self._write()

    def open(self) -> None:
        """Write the lines so far, and every later one at once.

        Raises
        ------
        MuguetError
            If the file cannot be written.
        """
        if self._is_open or self._discarded:
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._write()
        except OSError as error:
            raise MuguetError(f"--log {self.path} cannot be written: {reason(error)}") from error
        self._is_open = True

    def discard(self) -> None:
        """Write nothing at all, because the file turned out to be an input or another output of the command."""
        self._discarded = True

    def _write(self) -> None:
        if self._waiting:
            with self.path.open("a", encoding="utf-8", errors="backslashreplace") as file:
                file.write("\n".join(self._waiting) + "\n")
            self._waiting.clear()
