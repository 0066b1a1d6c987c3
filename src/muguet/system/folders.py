"""Folders that are written completely or not at all: Zarr stores, which replace only stores of Zarr."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from muguet.errors import MuguetError
from muguet.system.atomic import sentences, unwritable

_MARKS = ("zarr.json", ".zgroup", ".zarray")


def check_writable_folder(path: Path, overwrite: bool = False) -> None:
    """Raise an error if a Zarr store cannot be written at `path`, so that it is known before the work.

    Raises
    ------
    MuguetError
        If something exists there and `overwrite` is False, it is not a Zarr store, or its folder cannot be written to.
    """
    if path.exists() or path.is_symlink():
        _refuse_other_folder(path)
        if not overwrite:
            raise MuguetError(f"{path} exists: add --overwrite to replace it, or name another output")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        probe = path.with_name(f".muguet-{secrets.token_hex(4)}.part")
        probe.mkdir()
        probe.rmdir()
    except OSError as error:
        raise unwritable(path, error) from error


def _refuse_other_folder(path: Path) -> None:
    """Raise an error if what exists at a path is no Zarr store, or something else than the folder itself."""
    if path.is_symlink():
        raise MuguetError(
            f"{path} is a link, and only folders of Zarr may be replaced here: name another output"
        )
    if not path.is_dir() or not any((path / mark).is_file() for mark in _MARKS):
        kind = "a folder that is no Zarr store" if path.is_dir() else "a file"
        raise MuguetError(
            f"{path} is {kind}, and only a Zarr store may be replaced here: name another output"
        )


@contextlib.contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Create a temporary folder that is renamed to `path` once it is complete, and removed if an error occurs.

    Raises
    ------
    MuguetError
        If what exists at `path` is no Zarr store, or the folder cannot be written, for any reason.
    """
    target = path.absolute()
    temporary = target.with_name(f".muguet-{secrets.token_hex(4)}.part")
    try:
        with sentences(path):
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.exists():
                _refuse_other_folder(target)
            temporary.mkdir()
            with locked(temporary):
                yield temporary
                move_into_place(temporary, target)
    finally:
        # This also runs after an interrupt. After success, the temporary folder no longer exists.
        shutil.rmtree(temporary, ignore_errors=True)


def move_into_place(folder: Path, target: Path) -> None:
    """Rename a complete Zarr store to its final name, and remove the store that it replaces.

    Raises
    ------
    MuguetError
        If what exists there is no Zarr store.
    OSError
        If it cannot be renamed.
    """
    old = None
    if target.exists():
        _refuse_other_folder(target)
        old = target.with_name(f".muguet-{secrets.token_hex(4)}.part")
        target.rename(old)
    folder.rename(target)
    if old is not None:
        shutil.rmtree(old, ignore_errors=True)


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Lock a folder, so that other programs see that it is not left over from a killed run."""
    try:
        import fcntl
    except ImportError:  # Windows has no such locks, and leftover folders stay there.
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # Some network disks have no locks.
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)
