"""Files that are mapped into memory: a temporary one for an array larger than memory, and the release of pages."""

from __future__ import annotations

import contextlib
import mmap
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from muguet.system.atomic import unwritable
from muguet.system.leftovers import lock


@contextlib.contextmanager
def mapped_file(folder: Path, shape: Sequence[int], dtype: npt.DTypeLike) -> Iterator[npt.NDArray[Any]]:
    """Yield an array of zeros in a temporary file of a folder, mapped into memory; the file is removed afterwards.

    Raises
    ------
    MuguetError
        If the file cannot be created, for example because the disk is full.
    """
    path = folder / f".muguet-{secrets.token_hex(4)}.part"
    try:
        with path.open("x+b") as file:
            lock(file)
            yield np.memmap(file, dtype=np.dtype(dtype), mode="w+", shape=tuple(shape))
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        path.unlink(missing_ok=True)


def release(array: npt.NDArray[Any]) -> None:
    """Release the pages of a mapped file that were read, which otherwise count as memory of the program.

    They stay in the cache of the system, as far as there is room. Nothing is done where the system cannot do this.
    """
    mapped = getattr(array, "_mmap", None)
    if isinstance(mapped, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)
