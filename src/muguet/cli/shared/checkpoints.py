"""The checkpoint of a command: its name, and whether an interrupted run is continued."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

from muguet.cli.shared.choices import Choices
from muguet.errors import MuguetError


def checkpoint_of(results: Sequence[Path]) -> Path:
    """Return the checkpoint of a command that writes these files: another one for every other set of files.

    That of one result is named after it. That of several is in the deepest folder that holds them all, and its name
    holds a hash of their names, so that commands that write to one folder at the same time do not share it.
    """
    if len(results) == 1:
        return results[0].with_name(f"{results[0].name}.checkpoint")
    folder = os.path.commonpath([result.absolute().parent for result in results])
    names = sorted(os.path.relpath(result, folder) for result in results)
    code = hashlib.sha256("\0".join(names).encode(errors="surrogateescape")).hexdigest()[:8]
    return Path(folder) / f"muguet-{code}.checkpoint"


def check_checkpoint(checkpoint: Path, choices: Choices) -> None:
    """Raise an error if there is no run to be continued although the user asks for it, before any image is read."""
    if choices.resume and not checkpoint.exists():
        raise MuguetError(
            f"there is no checkpoint {checkpoint}, hence nothing to --resume: leave --resume out"
        )


def continues(checkpoint: Path, choices: Choices) -> bool:
    """Return whether a run goes on from a checkpoint: if there is one, unless the user chose to train anew."""
    return choices.resume is not False and checkpoint.exists()


def remove_checkpoint(checkpoint: Path) -> None:
    """Remove the checkpoint of a command whose results are written; it stays where this is not possible."""
    with contextlib.suppress(OSError):
        checkpoint.unlink(missing_ok=True)
