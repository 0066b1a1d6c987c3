"""Files that a command is going to write: another command with the same output finds out at its start."""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from muguet.errors import MuguetError
from muguet.system.leftovers import TEMPORARY, lock

_TRIES = 4  # Two commands that start at the same moment both step back, and try again after different times.


class Claims:
    """The outputs of a running command, listed in a hidden file of each of their folders.

    The file is locked while the command runs. The lock ends with the process, however it ends, and the next command
    that writes to the folder removes the file as it removes other temporary files (`muguet.system.leftovers`).
    """

    def __init__(self) -> None:
        self._files: list[tuple[Path, IO[bytes]]] = []

    def take(self, paths: Iterable[Path]) -> None:
        """Claim files.

        Raises
        ------
        MuguetError
            If another command has claimed one of them.
        """
        if os.name == "nt":  # There, files are not locked in this way: two commands find out when they write.
            return
        folders: dict[Path, set[str]] = {}
        for path in paths:
            real = Path(os.path.realpath(path))
            folders.setdefault(real.parent, set()).add(real.name)
        for attempt in range(_TRIES):
            for folder, names in folders.items():
                self._list(folder, names)
            clash = next(
                filter(None, (self._clash(folder, names) for folder, names in folders.items())), None
            )
            if clash is None:
                return
            self.release()
            if attempt == _TRIES - 1:
                raise MuguetError(
                    f"{clash} is being written by another muguet command: wait for its end, or name another output"
                )
            time.sleep(0.02 + secrets.randbelow(100) / 1000)

    def release(self) -> None:
        """Give up all claims."""
        while self._files:
            path, file = self._files.pop()
            with contextlib.suppress(OSError):
                path.unlink()
            file.close()

    def _list(self, folder: Path, names: set[str]) -> None:
        """Write the names of claimed files to a locked file; nothing on a disk that takes none."""
        code = secrets.token_hex(4)
        hidden = folder / f".muguet-{code}.claim"
        with contextlib.suppress(OSError):
            file = hidden.open("x+b")
            if not lock(file):  # The disk has no locks.
                file.close()
                hidden.unlink()
                return
            file.write("\0".join(sorted(names)).encode(errors="surrogateescape"))
            file.flush()
            # Only now is it found by others, complete and locked.
            path = hidden.rename(folder / f".muguet-{code}.part")
            self._files.append((path, file))

    def _clash(self, folder: Path, names: set[str]) -> Path | None:
        """Return a file that another command has claimed too."""
        own = {path for path, _ in self._files}
        with contextlib.suppress(OSError):
            for path in folder.iterdir():
                if path in own or not TEMPORARY.fullmatch(path.name):
                    continue
                with contextlib.suppress(OSError), path.open("r+b") as file:
                    if lock(file):
                        continue  # No command holds it any more.
                    claimed = file.read(2**20).decode(errors="surrogateescape").split("\0")
                    if both := names.intersection(claimed):
                        return folder / min(both)
        return None
