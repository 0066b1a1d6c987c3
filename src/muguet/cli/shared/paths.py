"""Find the input files of a command, and choose the files for its results.

A result never replaces an input.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from muguet.errors import MuguetError
from muguet.formats.identify import start_of
from muguet.formats.registry import READABLE, SUFFIXES, is_image, without_members

_ENDING = re.compile(r"(\.ome)?\.(tiff?|btf|tf2|tf8)$", re.IGNORECASE)
_RESULT_SUFFIX = "_denoised"
_OTHER_FORMATS = frozenset(
    (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".czi", ".nd2", ".lif", ".npy", ".zarr", ".h5")
)


def find(inputs: Iterable[Path | str]) -> list[Path]:
    """Return the image files in `inputs`: the files among them, and the TIFF files directly in the folders.

    The files of a folder are sorted by name. Hidden files are left out, and so are results of earlier runs whose
    source is in the same folder. A file that is given twice is returned once, and so is a set of files that hold one
    recording: by the first of them.

    Raises
    ------
    MuguetError
        If a path does not exist, a folder has no images, or there is no input.
    """
    found: dict[Path, Path] = {}
    for path in map(Path, inputs):
        if path.is_dir():
            files = _without_results(sorted(file for file in path.iterdir() if _is_image(file)))
            if not files:
                raise MuguetError(f"the folder {path} holds no image: its images must end in {READABLE}")
        elif path.exists():
            files = [path]
        else:
            raise MuguetError(f"{path} does not exist: check the name")
        for file in files:
            found.setdefault(file.resolve(), file)
    if not found:
        raise MuguetError("there is no input: give at least one image or folder")
    return without_members(found.values())


def destination(inputs: Iterable[Path], out: Path | str | None = None) -> list[Path]:
    """Return the output path for each input; it is never one of the inputs.

    If there is one input and `out` ends like an image (.tif, for example), `out` is the output file. Otherwise `out`
    is a folder, and the results have the names of the inputs. Without `out`, the result of ``cells.tif`` is
    ``cells_denoised.tif`` in the same folder.

    Raises
    ------
    MuguetError
        If two results would have the same path, or a result would replace an input.
    """
    sources = [Path(source) for source in inputs]
    results = _named_results(sources, Path(out)) if out is not None else [_beside(path) for path in sources]
    _refuse_clashes(sources, results)
    return results


def _named_results(sources: list[Path], out: Path) -> list[Path]:
    if out.is_dir():
        return [out / _as_tiff(source.name) for source in sources]
    if out.suffix.lower() in SUFFIXES:
        if len(sources) != 1:
            raise MuguetError(
                f"{out} is one file, but there are {len(sources)} inputs: give a folder as the output"
            )
        return [out]
    if out.suffix.lower() in _OTHER_FORMATS:
        raise MuguetError(f"{out} cannot be written: choose a name that ends in {READABLE}")
    return [out / _as_tiff(source.name) for source in sources]


def _refuse_clashes(sources: list[Path], results: list[Path]) -> None:
    raw = {source.resolve() for source in sources}
    taken: dict[str, Path] = {}
    for source, result in zip(sources, results, strict=True):
        # Compare without case, because on many disks names that differ only in case are the same file.
        rival = taken.setdefault(str(result.resolve()).casefold(), source)
        if rival is not source:
            raise MuguetError(
                f"the results of {rival} and {source} would both be written to {result}: rename one of the inputs"
            )
        if result.resolve() in raw or (result.exists() and any(result.samefile(other) for other in raw)):
            raise MuguetError(
                f"{result} is an input, and inputs are never overwritten: choose another output"
            )


def _beside(source: Path) -> Path:
    stem = _stem(source)
    return source.with_name(f"{stem}{_RESULT_SUFFIX}{source.name[len(stem) :] or '.tif'}")


def _as_tiff(name: str) -> str:
    """Return the name of a result for an input of this name: cells.lsm becomes cells.lsm.tif, cells.tif stays."""
    return name if _ENDING.search(name) else f"{name}.tif"


def _without_results(files: list[Path]) -> list[Path]:
    """Return the files without those named ``*_denoised`` whose source, with any ending, is among the files."""
    stems = {_stem(file) for file in files}
    return [
        file
        for file in files
        if not (_stem(file).endswith(_RESULT_SUFFIX) and _stem(file).removesuffix(_RESULT_SUFFIX) in stems)
    ]


def _stem(path: Path) -> str:
    """Return the name without the ending of a TIFF, such as .tif or .ome.tif; other endings belong to the name."""
    ending = _ENDING.search(path.name)
    return path.name[: ending.start()] if ending else path.name


def _is_image(path: Path) -> bool:
    """Return True for files that have the ending of an image, or begin like one; hidden files are left out."""
    named = path.is_file() and not path.name.startswith(".")
    return named and (path.suffix.lower() in SUFFIXES or is_image(path))


def is_model(path: Path) -> bool:
    """Return True if a file is named or begins like a model: with the length of a JSON header, and the header."""
    return path.suffix.lower() == ".muguet" or start_of(path)[8:9] == b"{"
