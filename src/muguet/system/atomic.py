"""Files that are written completely or not at all, and that replace only files of their own kind."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from muguet.errors import MuguetError
from muguet.system.kinds import KINDS, kind_of
from muguet.system.leftovers import lock, remove_leftovers


class UnwritableError(MuguetError):
    """A file cannot be written, and neither can others in its folder: the disk is full or takes no files."""


def check_writable(path: Path, overwrite: bool = False, kind: str | None = None) -> None:
    """Raise an error if `path` cannot be written, so that it is known before the work; create its folder.

    Parameters
    ----------
    path
        The file that will be written.
    overwrite
        Whether it may replace an existing file.
    kind
        What will be written, a key of `muguet.system.kinds.KINDS`: only a file of this kind is replaced, or an
        empty one. None: a file of any kind is replaced.

    Raises
    ------
    MuguetError
        If the path is a folder, exists and `overwrite` is False, exists with another kind of content, or its folder
        cannot be written to.
    """
    try:
        if path.is_dir():
            raise MuguetError(f"{path} is a folder: name a file in it")
        if path.exists():
            if not overwrite:
                raise MuguetError(f"{path} exists: add --overwrite to replace it, or name another output")
            _refuse_other_kind(path, kind)
        target = _target(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        probe = _temporary(target)
        probe.touch(exist_ok=False)
        probe.unlink()
    except OSError as error:
        raise unwritable(path, error) from error


def _refuse_other_kind(path: Path, kind: str | None) -> None:
    """Raise an error if an existing file is not of the kind that would replace it."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise MuguetError(f"{path} is a device or a pipe: name a file")
    if kind is None:
        return
    found = kind_of(path)
    if found not in (kind, "empty"):
        content = KINDS[found] if found else "a file of another program"
        raise MuguetError(
            f"{path} is {content}, and only {KINDS[kind]} may be replaced here: name another output"
        )


def _target(path: Path) -> Path:
    """Return the file that a path stands for: a link is kept, and the file that it points to is replaced."""
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def _temporary(path: Path) -> Path:
    # A hidden file with a unique name, in the same folder, since only a file on the same disk is renamed at once.
    return path.with_name(f".muguet-{secrets.token_hex(4)}.part")


@contextlib.contextmanager
def replacing(path: Path, kind: str | None = None) -> Iterator[IO[bytes]]:
    """Open a temporary file that is renamed to `path` once it is on the disk, and removed if an error occurs.

    A file that is replaced passes on its permissions. If the path is a link, the file that it points to is replaced.

    Parameters
    ----------
    path
        The file to write; missing folders are created.
    kind
        What is written, see `check_writable`.

    Raises
    ------
    MuguetError
        If an existing file is of another kind, or the file cannot be written, for any reason.
    """
    temporary = None
    try:
        with sentences(path):
            target = _target(path)
            mode = None
            if target.exists():
                _refuse_other_kind(target, kind)
                mode = stat.S_IMODE(target.stat().st_mode)
            target.parent.mkdir(parents=True, exist_ok=True)
            remove_leftovers(target.parent)
            temporary = _temporary(target)
            with _open(temporary) as file:
                yield file
                file.flush()
                if mode is not None:
                    with contextlib.suppress(OSError):  # Some network disks have no permissions.
                        temporary.chmod(mode)
                os.fsync(file.fileno())
            temporary.replace(target)
    finally:
        # This also runs after an interrupt. After success, the temporary file no longer exists.
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink()


@contextlib.contextmanager
def sentences(path: Path) -> Iterator[None]:
    """Turn the errors of writing a file or a folder into sentences.

    Raises
    ------
    MuguetError
        If the block raises an error.
    """
    try:
        yield
    except MuguetError:
        raise
    except OSError as error:
        raise unwritable(path, error) from error
    except MemoryError as error:
        raise MuguetError(f"{path} was not written, the memory is full: close other programs") from error
    except (
        Exception
    ) as error:  # Libraries raise many kinds of errors for content that a format does not support.
        raise MuguetError(
            f"{path} was not written, its format does not hold this content: {reason(error)}"
        ) from error


def _open(temporary: Path) -> IO[bytes]:
    """Open a new temporary file and lock it, so that other programs see that it is not left over from a killed run."""
    while True:
        file = temporary.open("x+b")
        lock(file)
        if temporary.exists():
            return file
        file.close()  # Another program removed it as a leftover in the moment before the lock.


def unwritable(path: Path, error: OSError) -> MuguetError:
    """Return the error for a path that the system refuses to write."""
    # numpy reports an incomplete write without an error number; its usual cause is a full disk or a quota.
    if error.errno in (None, errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return UnwritableError(
            f"{path} was not written, the disk is full: free some space or name another folder"
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return UnwritableError(f"{path} cannot be written, its folder takes no files: name another folder")
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        return MuguetError(f"{path} cannot be written, a part of its path is a file: name another folder")
    if error.errno == errno.ENAMETOOLONG:
        return MuguetError(f"the name {path} is too long for this disk: choose a shorter one")
    return MuguetError(f"{path} was not written: {reason(error)}")


def reason(error: Exception) -> str:
    """Return the message of an error of another library as one line."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(str(error).split())[:120] or type(error).__name__
