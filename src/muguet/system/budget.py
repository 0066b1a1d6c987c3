"""How much memory a command may use: what the user allows, or a share of what is free."""

from __future__ import annotations

import re

from muguet.errors import MuguetError
from muguet.system.memory import available_memory

_SHARE = 0.5  # Images may take this share of the free memory.
_UNITS = {"K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "KI": 2**10, "MI": 2**20, "GI": 2**30, "TI": 2**40}
_FALLBACK = 4 * 10**9  # for systems that do not report their free memory
_PROGRAM = 500 * 10**6  # What Python, PyTorch and the network use beside the images.
MIN_MEMORY = 10**9
"""Less memory than this does not hold the program with a few regions of an image."""


def memory_size(text: str) -> int:
    """Return the bytes in a text such as 2GB, 500 MB or 1.5GiB.

    Raises
    ------
    MuguetError
        If the text is no size, or the size is too small.
    """
    found = re.fullmatch(r"\s*(\d+\.?\d*)\s*([KMGT]I?)B?\s*", text.upper())
    if found is None:
        raise MuguetError(
            f"--memory {text} is no size: give a number with a unit, for example 2GB or 1500MiB"
        )
    size = int(float(found[1]) * _UNITS[found[2]])
    if size < MIN_MEMORY:
        raise MuguetError(f"--memory {text} is too little: give at least {MIN_MEMORY / 10**9:g}GB")
    return size


_fixed: int | None = None


def fix_memory(size: int | None) -> None:
    """Let `memory_for_images` return this number of bytes from now on; None: let it decide again.

    Processes that train together must agree on it.
    """
    global _fixed
    _fixed = size


def memory_for_images(limit: str | None) -> int:
    """Return the memory for images, in bytes, of what the user allows or else of half of the free memory."""
    if _fixed is not None:
        return _fixed
    total = _SHARE * (available_memory() or _FALLBACK) if limit is None else memory_size(limit)
    return int(max(total - _PROGRAM, total / 4))
