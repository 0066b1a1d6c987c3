"""Results that cannot be written where they should be are written elsewhere, so that no work is lost."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from muguet.cli.shared.display import warn
from muguet.errors import MuguetError


def write_or_rescue(path: Path, write: Callable[[Path], None]) -> Path:
    """Write a file; if this fails, write it to the current folder or to one for temporary files, and show where.

    Parameters
    ----------
    path
        The file.
    write
        Writes to a given path, completely or not at all.

    Returns
    -------
    Path
        The file that was written.

    Raises
    ------
    MuguetError
        The first error, if no folder takes the file.
    """
    try:
        write(path)
    except MuguetError as error:
        for other in _elsewhere(path):
            try:
                write(other)
            except (MuguetError, OSError):
                continue
            warn(f"Warning: {error}. It was written to {other} instead.")
            return other
        raise
    return path


def _elsewhere(path: Path) -> Iterator[Path]:
    """Yield other places for a file, where none of this name exists."""
    here = Path.cwd() / path.name
    if not here.exists() and here.parent.resolve() != path.parent.resolve():
        yield here
    try:
        yield Path(tempfile.mkdtemp(prefix="muguet-")) / path.name
    except OSError:
        return
