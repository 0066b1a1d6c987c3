"""Files are written whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from muguet.errors import MuguetError


def check_writable(path: Path, overwrite: bool = False) -> None:
    """Find out before the work, not after it, whether `path` can be written; creates its folder.

    Raises
    ------
    MuguetError
        If it is a folder, if it exists and may not be replaced, or if its folder takes no file.
    """
    if path.is_dir():
        raise MuguetError(f"{path} is a folder: name a file in it")
    if path.exists() and not overwrite:
        raise MuguetError(f"{path} exists: add --overwrite to replace it, or name another output")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        probe = _temporary(path)
        probe.touch(exist_ok=False)
        probe.unlink()
    except OSError as error:
        raise _unwritable(path, error) from error


def _temporary(path: Path) -> Path:
    # Hidden and with a name that no one has: in the same folder, for a file moves whole only within one disk.
    return path.with_name(f".{path.name[:64]}.{secrets.token_hex(4)}.part")


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that becomes `path` when all of it is on the disk, and vanishes if anything goes wrong.

    Raises
    ------
    MuguetError
        For whatever kept the file from being written.
    """
    temporary = _temporary(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("x+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise _unwritable(path, error) from error
    except MemoryError as error:
        raise MuguetError(f"{path} was not written, the memory is full: free some") from error
    except Exception as error:  # writers of files raise nearly anything on what they cannot hold
        raise MuguetError(
            f"{path} was not written, it does not hold this content: {reason(error)}"
        ) from error
    finally:
        # After an interrupt too; after success there is nothing left to remove.
        with contextlib.suppress(OSError):
            temporary.unlink()


def _unwritable(path: Path, error: OSError) -> MuguetError:
    # numpy reports a short write without a number; hardly anything but a full disk or a quota ends one.
    if error.errno in (None, errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return MuguetError(
            f"{path} was not written, the disk is full: free some space or name another folder"
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return MuguetError(f"{path} cannot be written, its folder takes no files: name another folder")
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        return MuguetError(f"{path} cannot be written, a part of its path is a file: name another folder")
    return MuguetError(f"{path} was not written: {reason(error)}")


def reason(error: Exception) -> str:
    """Return what an error of others says, on one line that ends a sentence."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(str(error).split())[:120] or type(error).__name__
