"""Inputs that cannot be used: the others are done, and those are named at the end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from muguet.cli.shared.display import detail, say, warn
from muguet.errors import MuguetError
from muguet.system.atomic import UnwritableError, reason

SOME_FAILED = 3
"""The exit code of a command that could not use some of its inputs, and did all others."""


class Failures:
    """The inputs of a command that could not be used, with the reasons.

    Parameters
    ----------
    number
        Number of inputs.
    strict
        Whether the first error ends the command. It always does if there is only one input.
    """

    def __init__(self, number: int, strict: bool = False) -> None:
        self.number = number
        self.strict = strict or number < 2
        self.reasons: dict[Path, str] = {}
        self.moved: dict[Path, Path] = {}

    @contextmanager
    def tolerate(self, path: Path) -> Iterator[None]:
        """Return a context in which an error is kept as the reason why an input was left out.

        An output that cannot be written because the disk is full or takes no files still ends the command.
        """
        try:
            yield
        except UnwritableError:
            raise
        except (MuguetError, OSError) as error:
            if self.strict:
                raise
            self.add(path, str(error) if isinstance(error, MuguetError) else f"{path}: {reason(error)}")

    def add(self, path: Path, sentence: str) -> None:
        """Keep the reason why an input was left out."""
        sentence = sentence if str(path) in sentence else f"{path}: {sentence}"
        say(f"Left out: {sentence}")
        self.reasons[path] = sentence

    def note_place(self, wanted: Path, written: Path) -> Path:
        """Keep that a file had to be written elsewhere, if it was, and return where it is."""
        if written != wanted:
            self.moved[wanted] = written
        return written

    def require_some(self) -> None:
        """Raise an error if no input is left."""
        if len(self.reasons) < self.number:
            return
        first, *others = self.reasons.values()
        for sentence in others:
            detail(sentence)
        raise MuguetError(f"{first} (the other {len(others)} inputs cannot be used either)")

    def end(self) -> None:
        """Name the inputs that were left out, and end the command with `SOME_FAILED` if there are any.

        Raises
        ------
        MuguetError
            If a file had to be written elsewhere.
        """
        if self.moved:
            places = ", ".join(f"{wanted} is now {written}" for wanted, written in self.moved.items())
            raise MuguetError(f"not everything could be written where it should be: {places}")
        if not self.reasons:
            return
        self.require_some()
        were = "was" if len(self.reasons) == 1 else "were"
        warn(f"muguet: {len(self.reasons)} of {self.number} inputs {were} left out, and the others are done:")
        for sentence in self.reasons.values():
            warn(f"  {sentence}")
        raise typer.Exit(SOME_FAILED)
