"""Temporary files and folders that killed runs left behind: found by their names and removed, unless in use."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
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
    """Remove the temporary files and folders in a folder that no program writes any more."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if TEMPORARY.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                _remove(Path(entry.path))
            elif TEMPORARY.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False):
                _remove_folder(Path(entry.path))


def _remove_folder(path: Path) -> None:
    """Remove a folder that no program has locked; Windows has no such locks, so that folders stay there."""
    try:
        import fcntl
    except ImportError:
        return
    with contextlib.suppress(OSError):
        handle = os.open(path, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path, ignore_errors=True)
        finally:
            os.close(handle)


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        with path.open("r+b") as file:
            free = lock(file)
            if free and os.name != "nt":
                path.unlink()
        if free and os.name == "nt":  # An open file cannot be removed there.
            path.unlink()
