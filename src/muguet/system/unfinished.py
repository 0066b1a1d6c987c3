"""A folder that is filled in several runs or by several processes at once, and is renamed when it is complete.

The folder `NAME.unfinished` lies beside the output. It holds a subfolder `.muguet` with the description of the work and
a lock. Every process that fills the folder holds the lock together with the others. The one that completes it needs the
lock for itself, which it gets as soon as all others have ended, however they ended.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from muguet.errors import MuguetError
from muguet.system.atomic import sentences
from muguet.system.folders import locked, move_into_place

SUFFIX = ".unfinished"
_OWN = ".muguet"
_JOB, _LOCK = "work.json", "lock"


class Unfinished:
    """The unfinished folder of an output, held by this process; see `unfinished`.

    Attributes
    ----------
    folder
        Where the output is filled.
    own
        A subfolder for files of ours, which is removed at the end.
    was_there
        Whether an earlier run, or another process, created it.
    """

    def __init__(self, target: Path, folder: Path, lock: IO[bytes] | None, was_there: bool) -> None:
        self.target, self.folder, self.was_there = target, folder, was_there
        self.own = own_folder(folder)
        self._lock = lock

    def finish(self, complete: Callable[[], bool]) -> bool:
        """Give the folder its final name if it is complete and no other process fills it; return whether this was done.

        Parameters
        ----------
        complete
            Function that does what is left to do once all processes have ended, and returns False if the folder is not
            complete.

        Raises
        ------
        MuguetError
            If the folder cannot be renamed.
        """
        with sentences(self.target):
            if not self._is_alone() or not complete():
                return False
            for stray in self.folder.rglob(
                "*.partial"
            ):  # Zarr writes these, and killed processes leave them.
                stray.unlink(missing_ok=True)
            shutil.rmtree(self.own)
            try:
                move_into_place(self.folder, self.target)
            except FileNotFoundError:  # Without locks, another process may have been faster.
                if not self.target.exists():
                    raise
        return True

    def discard(self) -> None:
        """Remove the folder if no other process fills it."""
        if self._lock is not None and self._is_alone():
            shutil.rmtree(self.folder, ignore_errors=True)

    def _is_alone(self) -> bool:
        """Return whether no other process holds the folder, and hold it alone then."""
        if self._lock is None:
            return True
        return _lock(self._lock, alone=True)


@contextlib.contextmanager
def unfinished(
    target: Path, work: Mapping[str, Any], create: Callable[[Path], None], may_discard: bool
) -> Iterator[Unfinished]:
    """Hold the unfinished folder of an output, which is created if there is none.

    The folder stays if the block ends before it is finished, so that the same work goes on from there.

    Parameters
    ----------
    target
        The output.
    work
        What is done, in values that JSON can hold: only equal work goes on. In a list, None stands for a value that is
        not known.
    create
        Function that fills a new folder.
    may_discard
        Whether the unfinished folder of other work is removed, if no process uses it.

    Raises
    ------
    MuguetError
        If the folder holds other work and may not be discarded, or the disk does not allow to write.
    """
    target = target.absolute()
    folder = unfinished_of(target)
    with sentences(target):
        held = None
        while held is None:
            created = not folder.exists() and _create(folder, work, create)
            held = _hold(target, folder, work, may_discard, created)
    try:
        yield held
    finally:
        if held._lock is not None:
            held._lock.close()


def unfinished_of(target: Path) -> Path:
    """Return the folder in which an output is filled."""
    return target.with_name(target.name + SUFFIX)


def own_folder(folder: Path) -> Path:
    """Return the subfolder of an unfinished output in which files of ours are."""
    return folder / _OWN


def is_unfinished(path: Path) -> bool:
    """Return whether a path is the unfinished folder of an output."""
    return path.name.endswith(SUFFIX)


def _create(folder: Path, work: Mapping[str, Any], create: Callable[[Path], None]) -> bool:
    """Create the folder complete with its description; return False if another process was faster."""
    temporary = folder.with_name(f".muguet-{secrets.token_hex(4)}.part")
    try:
        temporary.mkdir(parents=True)
        with locked(temporary):
            create(temporary)
            own_folder(temporary).mkdir(exist_ok=True)
            (temporary / _OWN / _JOB).write_text(json.dumps(work))
            (temporary / _OWN / _LOCK).touch()
            try:
                temporary.rename(folder)
            except OSError:
                if folder.exists():
                    return False
                raise
        return True
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _hold(
    target: Path, folder: Path, work: Mapping[str, Any], may_discard: bool, created: bool
) -> Unfinished | None:
    """Hold the folder together with other processes; return None if it was finished or removed meanwhile."""
    try:
        lock = (folder / _OWN / _LOCK).open("r+b")
    except FileNotFoundError:
        if folder.exists() and not (folder / _OWN).exists():
            raise MuguetError(
                f"{folder} is not an unfinished result of muguet: rename it, or name another output"
            ) from None
        return None
    has_locks = _lock(lock, alone=False, wait=True)
    try:
        found = json.loads((folder / _OWN / _JOB).read_text())
    except (OSError, ValueError):  # It was completed while this process waited for the lock.
        lock.close()
        return None
    work = json.loads(json.dumps(work))
    if _agree(found, work):
        if not has_locks:
            lock.close()
        return Unfinished(target, folder, lock if has_locks else None, not created)
    differing = sorted(
        name
        for name in {*found, *work}
        if not isinstance(found, dict) or not _equal(found.get(name), work.get(name))
    )
    alone = has_locks and _lock(lock, alone=True)
    if not may_discard or not alone:
        lock.close()
        use = (
            "is being filled by another command" if has_locks and not alone else "was left by another command"
        )
        raise MuguetError(
            f"{folder} {use} with another choice of {', '.join(differing)}: remove it, or name another output"
        )
    shutil.rmtree(folder)
    lock.close()
    return None


def _agree(one: Any, other: Any) -> bool:
    """Return whether two descriptions are of equal work."""
    return (
        isinstance(one, dict)
        and one.keys() == other.keys()
        and all(_equal(value, other[name]) for name, value in one.items())
    )


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return all(None in (a, b) or a == b for a, b in zip(one, other, strict=True))
    return bool(one == other)


def _lock(file: IO[bytes], alone: bool, wait: bool = False) -> bool:
    """Lock an open file, alone or together with others; return False if this is not possible."""
    try:
        import fcntl
    except ImportError:  # Windows has no such locks.
        return False
    try:
        fcntl.flock(file, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | (0 if wait else fcntl.LOCK_NB))
    except OSError:  # Another process holds it, or the disk has no locks.
        return False
    return True
