"""A setting of the C library: freed memory is kept for the next step instead of being returned to the system."""

from __future__ import annotations

import ctypes
import functools

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # These are constants of malloc.h.
_MAX_FREE = 256 * 2**20  # At most this many free bytes are kept at the end of the heap.
# Larger blocks, in bytes, are returned to the system when they are freed. This is the largest value that every version
# of glibc accepts.
_MAX_BLOCK = 32 * 2**20


@functools.cache
def keep_freed_memory() -> None:
    """Set the C library to keep freed memory; this has no effect with a library other than glibc.

    The features of a step have the same size in every step. If glibc returns their memory and requests new pages from
    the system in each step, a step of `muguet.restoration.UNet` takes 25 % longer because of 20,000 page faults.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):  # The system or its C library is another one.
        return
    mallopt(_MMAP_THRESHOLD, _MAX_BLOCK)
    mallopt(_TRIM_THRESHOLD, _MAX_FREE)
