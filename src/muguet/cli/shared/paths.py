"""From inputs to outputs: which files are meant, and where their results go.

A result never replaces an input, and is either whole or absent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from muguet.errors import MuguetError
from muguet.formats.registry import READABLE, SUFFIXES

_ENDING = re.compile(r"(\.ome)?\.tiff?$", re.IGNORECASE)
_RESULT = "_denoised"
_OTHER_FORMATS = frozenset(
    (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".czi", ".nd2", ".lif", ".npy", ".zarr", ".h5")
)


def find(inputs: Iterable[Path | str]) -> list[Path]:
    """Return the image files that `inputs` name: files as they are, folders as the TIFF files right in them.

    A folder's files are sorted by name; hidden ones are left out, and so are results of earlier runs that lie
    beside their source. A file named twice comes once.

    Raises
    ------
    MuguetError
        For a path that does not exist, a folder without images, or no input at all.
    """
    found: dict[Path, Path] = {}
    for path in map(Path, inputs):
        if path.is_dir():
            files = _without_results(sorted(file for file in path.iterdir() if _is_image(file)))
            if not files:
                raise MuguetError(f"the folder {path} holds no image: expected files that end in {READABLE}")
        elif path.exists():
            files = [path]
        else:
            raise MuguetError(f"{path} does not exist: check the name")
        for file in files:
            found.setdefault(file.resolve(), file)
    if not found:
        raise MuguetError("no input: name at least one image or folder")
    return list(found.values())


def destination(inputs: Iterable[Path], out: Path | str | None = None) -> list[Path]:
    """Return where the result of each input goes, never onto an input.

    One input and a name that ends as an image's does: that file. Otherwise `out` is a folder, and the
    results have the inputs' names. Without `out`, ``cells.tif`` becomes ``cells_denoised.tif`` beside it.

    Raises
    ------
    MuguetError
        If two results would have one name, or one would replace an input.
    """
    sources = [Path(source) for source in inputs]
    results = _named_results(sources, Path(out)) if out is not None else [_beside(path) for path in sources]
    _refuse_clashes(sources, results)
    return results


def _named_results(sources: list[Path], out: Path) -> list[Path]:
    if out.is_dir():
        return [out / source.name for source in sources]
    if out.suffix.lower() in SUFFIXES:
        if len(sources) != 1:
            raise MuguetError(
                f"{out} is one file but there are {len(sources)} inputs: name a folder as the output"
            )
        return [out]
    if out.suffix.lower() in _OTHER_FORMATS:
        raise MuguetError(f"{out} cannot be written: name an output that ends in {READABLE}")
    return [out / source.name for source in sources]


def _refuse_clashes(sources: list[Path], results: list[Path]) -> None:
    raw = {source.resolve() for source in sources}
    taken: dict[str, Path] = {}
    for source, result in zip(sources, results, strict=True):
        # Compared without case: on many disks two names that differ in case only are one file.
        rival = taken.setdefault(str(result.resolve()).casefold(), source)
        if rival is not source:
            raise MuguetError(f"{rival} and {source} would both be written to {result}: rename one of them")
        if result.resolve() in raw or (result.exists() and any(result.samefile(other) for other in raw)):
            raise MuguetError(f"{result} is an input and is never overwritten: name another output")


def _beside(source: Path) -> Path:
    stem = _stem(source)
    return source.with_name(f"{stem}{_RESULT}{source.name[len(stem) :]}")


def _without_results(files: list[Path]) -> list[Path]:
    """Leave out what ends in ``_denoised`` and has its source, of whichever ending, among the files."""
    stems = {_stem(file) for file in files}
    return [
        file
        for file in files
        if not (_stem(file).endswith(_RESULT) and _stem(file).removesuffix(_RESULT) in stems)
    ]


def _stem(path: Path) -> str:
    """Return the name without .tif, .tiff, .ome.tif or .ome.tiff."""
    ending = _ENDING.search(path.name)
    return path.name[: ending.start()] if ending else path.stem


def _is_image(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
