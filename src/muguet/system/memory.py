"""Memory that is kept for the next step, not given back to the system and asked for again."""

from __future__ import annotations

import ctypes
import functools

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # names of malloc.h
_KEPT = 256 * 2**20  # bytes at the end of the heap
_LARGEST = (
    32 * 2**20
)  # of a block within the heap, the most that every version takes; larger ones are given back


@functools.cache
def keep_freed_memory() -> None:
    """Let the C library keep what a step frees; where it is not glibc, nothing happens.

    The features of a step are as large as those of the step before. Where glibc gives them back and gets new pages from
    the system for each, a step of the reference's U-Net takes a quarter longer, for its 20,000 page faults.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):  # another system, or another library
        return
    mallopt(_MMAP_THRESHOLD, _LARGEST)
    mallopt(_TRIM_THRESHOLD, _KEPT)
