"""Files that are written completely or not at all."""

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
    """Raise an error if `path` cannot be written, so that it is known before the work; create its folder.

    Raises
    ------
    MuguetError
        If the path is a folder, exists and `overwrite` is False, or its folder cannot be written to.
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
    # A hidden file with a unique name, in the same folder, since only a file on the same disk is renamed at once.
    return path.with_name(f".{path.name[:64]}.{secrets.token_hex(4)}.part")


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Open a temporary file that is renamed to `path` once it is on the disk, and removed if an error occurs.

    Raises
    ------
    MuguetError
        If the file cannot be written, for any reason.
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
        raise MuguetError(f"{path} was not written, the memory is full: close other programs") from error
    except (
        Exception
    ) as error:  # Libraries raise many kinds of errors for content that a format does not support.
        raise MuguetError(
            f"{path} was not written, its format does not hold this content: {reason(error)}"
        ) from error
    finally:
        # This also runs after an interrupt. After success, the temporary file no longer exists.
        with contextlib.suppress(OSError):
            temporary.unlink()


def _unwritable(path: Path, error: OSError) -> MuguetError:
    # numpy reports an incomplete write without an error number; its usual cause is a full disk or a quota.
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
    """Return the message of an error of another library as one line."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(str(error).split())[:120] or type(error).__name__
