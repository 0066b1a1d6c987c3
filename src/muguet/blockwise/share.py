"""One part of several of a job: consecutive blocks, so that neighbours are read and written by one process."""

from __future__ import annotations

import re
from dataclasses import dataclass

from muguet.errors import MuguetError

_MAX_PARTS = 10**6


@dataclass(frozen=True)
class Share:
    """The part `part` of `parts` of a job, counted from 1.

    Raises
    ------
    MuguetError
        If there is no such part.
    """

    part: int = 1
    parts: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.parts <= _MAX_PARTS or not 1 <= self.part <= self.parts:
            raise MuguetError(
                f"there is no part {self.part} of {self.parts}: give two numbers such as 3/16, the first of which is "
                "at least 1 and at most the second"
            )

    @classmethod
    def of(cls, text: str) -> Share:
        """Return the share that a text such as 3/16 names.

        Raises
        ------
        MuguetError
            If the text names none.
        """
        found = re.fullmatch(r"\s*(\d{1,9})\s*/\s*(\d{1,9})\s*", text, re.ASCII)
        if found is None:
            raise MuguetError(f"--part {text} is no part of a job: give two whole numbers, such as 3/16")
        return cls(int(found[1]), int(found[2]))

    def __str__(self) -> str:
        return f"{self.part}/{self.parts}"

    def numbers(self, total: int) -> range:
        """Return the numbers below `total` of this part; each is in one part, and parts differ by at most one."""
        return range(total * (self.part - 1) // self.parts, total * self.part // self.parts)
