"""A temporary file that holds an array larger than memory."""

from __future__ import annotations

import contextlib
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
