"""Which files the page may read: those that were dropped on it, and those that the command was started with."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from muguet.errors import MuguetError

_MAX_LISTED = 200  # The page proposes at most this many files of the folders.
_MAX_SEARCHED = 20_000  # Names that are looked at for this; large folders would take long.
_ENDINGS = (".tif", ".tiff", ".czi", ".nd2", ".lif", ".ims", ".mrc", ".h5", ".nii", ".gz", ".npy", ".zarr")


class Access:
    """The files and folders that may be read.

    Parameters
    ----------
    paths
        Files, and folders with all files below them.

    Raises
    ------
    MuguetError
        If one of them does not exist.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        self.roots: list[Path] = []
        for path in paths:
            if not path.exists():
                raise MuguetError(f"{path} does not exist: check the name")
            self.roots.append(path.resolve())

    def find(self, text: str) -> Path:
        """Return the file that a text names.

        Raises
        ------
        MuguetError
            If the file may not be read, or does not exist; the message is the same in both cases.
        """
        if not text.strip() or "\0" in text:
            raise MuguetError("no file is named: type the path of an image")
        try:
            path = Path(text.strip()).resolve()
        except (OSError, RuntimeError, ValueError) as error:
            raise MuguetError("this is no path of a file: check the name") from error
        if not self.allows(path):
            raise MuguetError(
                "this file is in none of the files and folders that muguet app was started with: drop it on the page, "
                "or start muguet app with its folder"
            )
        if not path.exists():
            raise MuguetError(f"{path} does not exist: check the name")
        return path

    def allows(self, path: Path) -> bool:
        """Whether a file may be read, after all links have been followed."""
        real = path.resolve()
        return any(real == root or root in real.parents for root in self.roots)

    def require(self, paths: Iterable[Path], beside: Path) -> None:
        """Check the files that are read together with an image; those in its own folder `beside` may be read, too.

        Raises
        ------
        MuguetError
            If one of them may not be read.
        """
        for path in paths:
            if not self.allows(path) and path.resolve().parent != beside.resolve():
                raise MuguetError(
                    "the file names another file, in a folder that may not be read: start muguet app with the folder "
                    "that holds both"
                )

    def proposals(self) -> list[str]:
        """Return the paths of images that may be read, for the page to propose."""
        return [str(path) for path in islice(self._images(), _MAX_LISTED)]

    def _images(self) -> Iterator[Path]:
        searched = 0
        for root in self.roots:
            if root.is_file() or root.suffix == ".zarr":
                yield root
                continue
            for folder, folders, names in os.walk(root):
                folders.sort()
                stores = [each for each in folders if each.endswith(".zarr")]
                folders[:] = [each for each in folders if each not in stores and not each.startswith(".")]
                searched += len(names)
                if searched > _MAX_SEARCHED:
                    return
                for name in sorted([*names, *stores]):
                    if name.lower().endswith(_ENDINGS):
                        yield Path(folder, name)
