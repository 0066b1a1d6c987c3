"""Temporary files that killed runs left behind: found by their names and removed, unless a run still writes them."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path
from typing import IO

TEMPORARY = re.compile(r"\.(.+\.|muguet-)[0-9a-f]{8}\.part")


def lock(file: IO[bytes]) -> bool:
    """Lock an open file until it is closed; return False if another program holds the lock or the disk has no locks.

    Windows has no such locks, and the result is True: it does not remove a file that a program has opened.
    """
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files in a folder that no program writes any more."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if TEMPORARY.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                _remove(Path(entry.path))


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        with path.open("r+b") as file:
            free = lock(file)
            if free and os.name != "nt":
                path.unlink()
        if free and os.name == "nt":  # An open file cannot be removed there.
            path.unlink()
