"""Memory: how much is free, what to do if there is too little, and freed memory that is kept for the next step."""

from __future__ import annotations

import contextlib
import ctypes
import functools
from pathlib import Path

from muguet.errors import MuguetError

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # These are constants of malloc.h.
_MAX_FREE = 256 * 2**20  # At most this many free bytes are kept at the end of the heap.
# Larger blocks, in bytes, are returned to the system when they are freed. This is the largest value that every version
# of glibc accepts.
_MAX_BLOCK = 32 * 2**20
_GROUPS = (  # Limit and use of the memory of a container, in the two versions of Linux's control groups.
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)
_ADVICE = "give fewer or smaller images at a time, set a limit with --memory, or close other programs"


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


def available_memory() -> int | None:
    """Return the bytes that a program can still use, within the limit of its container; None if this is unknown."""
    found: list[int] = []
    with contextlib.suppress(OSError, ValueError, IndexError):
        lines = Path("/proc/meminfo").read_text().splitlines()
        found += [1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")]
    for limit, used in _GROUPS:
        with contextlib.suppress(OSError, ValueError):  # Without a limit, the file holds a word.
            found.append(int(Path(limit).read_text()) - int(Path(used).read_text()))
    return max(min(found), 0) if found else None


def require_memory(needed: float, what: str) -> None:
    """Raise an error if there is not enough memory, so that this is found out before the work.

    Parameters
    ----------
    needed
        The bytes that the work takes at least.
    what
        What takes them, as the beginning of the message.

    Raises
    ------
    MuguetError
        If fewer bytes are free; nothing if it is unknown how many are.
    """
    free = available_memory()
    if free is not None and needed > free:
        raise MuguetError(
            f"{what} take about {_size(needed)} of memory, and {_size(free)} are free: {_ADVICE}"
        )


def out_of_memory(error: BaseException) -> str | None:
    """Return what to do if an error of Python, NumPy or PyTorch means that the memory is full; None for others.

    PyTorch raises a RuntimeError on the CPU, and one of its subclasses on a GPU.
    """
    if isinstance(error, MemoryError):
        return f"the memory is full: {_ADVICE}"
    if not isinstance(error, RuntimeError):
        return None
    text = str(error)
    if type(error).__name__ == "OutOfMemoryError" or "CUDA out of memory" in text:
        return "the memory of the GPU is full: close other programs that use it, or add --device cpu"
    if "can't allocate memory" in text or "not enough memory" in text:
        return f"the memory is full: {_ADVICE}"
    return None


def _size(number: float) -> str:
    return f"{number / 2**30:.3g} GiB" if number >= 2**29 else f"{number / 2**20:.3g} MiB"
