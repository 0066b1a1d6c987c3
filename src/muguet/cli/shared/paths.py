"""Find the input files of a command, and choose the files for its results."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from muguet.cli.shared.display import say
from muguet.cli.shared.files import Output, refuse_clashes
from muguet.errors import MuguetError
from muguet.formats.identify import start_of
from muguet.formats.kinds import TIFF_SUFFIXES
from muguet.formats.names import ending, result_name, stem
from muguet.formats.network import address_of
from muguet.formats.ome_zarr.store import is_zarr
from muguet.formats.registry import READABLE, SUFFIXES, is_image, without_members
from muguet.system.unfinished import is_unfinished

_RESULT_SUFFIX = "_denoised"
_OTHER_FORMATS = frozenset(
    (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".czi", ".nd2", ".lif", ".ims", ".npy", ".nii", ".h5")
)


@dataclass(frozen=True)
class Source:
    """An input file.

    Attributes
    ----------
    path
        The file.
    name
        The path of its result in an output folder: the name of the file, or with its folders.
    """

    path: Path
    name: Path


def find(inputs: Iterable[Path | str]) -> list[Path]:
    """Return the image files in `inputs`, see `find_sources`."""
    return [source.path for source in find_sources(inputs)]


def find_sources(
    inputs: Iterable[Path | str], recursive: bool = False, out: Path | None = None
) -> list[Source]:
    """Return the image files in `inputs`: the files among them, and the TIFF files in the folders.

    The files of a folder are sorted by name. Hidden files are left out, and so are results of earlier runs: files
    named ``*_denoised`` whose source is in the same folder, and those in the output folder. A file that is given twice
    is returned once, and so is a set of files that hold one recording: by the first of them.

    Parameters
    ----------
    inputs
        Files, folders, and patterns such as ``*.tif`` or ``**/*.tif`` that the shell has not expanded.
    recursive
        Whether the folders in folders are searched too. The names of the results then include the folders below the
        one folder that was given, or below the deepest folder that holds all inputs.
    out
        The output folder, or None.

    Raises
    ------
    MuguetError
        If a path does not exist, a folder has no images, a pattern matches nothing, or there is no input.
    """
    found: dict[str, Path] = {}
    given = list(map(Path, inputs))
    for path in given:
        for file in _files(path, recursive, out):
            found.setdefault(os.path.realpath(file), file)
    if not found:
        raise MuguetError("there is no input: give at least one image or folder")
    files = without_members(found.values())
    if not recursive:
        return [Source(file, Path(file.name)) for file in files]
    base = given[0] if len(given) == 1 and given[0].is_dir() else _common_folder(files)
    return [Source(file, Path(os.path.relpath(file, base))) for file in files]


def _files(path: Path, recursive: bool, out: Path | None) -> list[Path]:
    """Return the image files that one argument stands for."""
    if path.is_dir() and not is_zarr(path):
        return _in_folder(path, recursive, out)
    if path.exists() or address_of(path) is not None:
        return [path]
    if not glob.has_magic(str(path)):
        raise MuguetError(f"{path} does not exist: check the name")
    matches = [Path(match) for match in sorted(glob.glob(str(path), recursive=True))]  # noqa: PTH207
    files = _without_results(
        [match for match in matches if match.is_file() or (is_zarr(match) and not is_unfinished(match))]
    )
    folders = [match for match in matches if match.is_dir() and not is_zarr(match) and "**" not in path.parts]
    files += [file for folder in folders for file in _in_folder(folder, recursive, out)]
    if not files:
        raise MuguetError(f"no file matches {path}: check the pattern")
    return files


def _in_folder(folder: Path, recursive: bool, out: Path | None) -> list[Path]:
    """Return the images of a folder, and with `recursive` those of the folders in it."""
    avoid = None if out is None else os.path.realpath(out)
    if avoid == os.path.realpath(folder):
        avoid = None
    files = [file for each in (_tree(folder, avoid) if recursive else [folder]) for file in _images(each)]
    if not files:
        raise MuguetError(f"the folder {folder} holds no image: its images must end in {READABLE}")
    return files


def _tree(folder: Path, avoid: str | None) -> Iterator[Path]:
    """Yield a folder and the folders in it, sorted by name; not hidden ones, nor `avoid`, and each only once."""
    seen: set[str] = set()
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        real = os.path.realpath(here)
        if real in seen or real == avoid:
            continue
        seen.add(real)
        yield here
        inner = [each for each in here.iterdir() if each.is_dir() and not each.name.startswith(".")]
        waiting += sorted((each for each in inner if not is_zarr(each)), reverse=True)


def _images(folder: Path) -> list[Path]:
    return _without_results(sorted(file for file in folder.iterdir() if _is_image(file)))


def _common_folder(files: Iterable[Path]) -> str:
    """Return the deepest folder that holds all files."""
    folders = [os.path.dirname(os.path.abspath(file)) for file in files]  # noqa: PTH100, PTH120
    try:
        return os.path.commonpath(folders)
    except ValueError as error:
        raise MuguetError(
            "the inputs are on several disks: denoise those of each disk by themselves"
        ) from error


def destination(inputs: Iterable[Path | Source], out: Path | str | None = None) -> list[Path]:
    """Return the output path for each input; it is never one of the inputs.

    If there is one input and `out` ends like an image (.tif, for example), `out` is the output file. Otherwise `out`
    is a folder, and the results have the names of the inputs. Without `out`, the result of ``cells.tif`` is
    ``cells_denoised.tif`` in the same folder.

    Raises
    ------
    MuguetError
        If two results would have the same path, or a result would replace an input.
    """
    sources = [each if isinstance(each, Source) else Source(each, Path(each.name)) for each in inputs]
    results = _results(sources, None if out is None else Path(out))
    paths = [source.path for source in sources]
    refuse_clashes(
        paths,
        [Output(result, "image", "--out", path) for path, result in zip(paths, results, strict=True)],
    )
    return results


def without_existing(
    sources: list[Path],
    results: list[Path],
    errors: Mapping[Path, Path],
    unfinished: set[Path] | None,
) -> dict[Path, Path]:
    """Return the result of each source, without those that need not be made.

    Parameters
    ----------
    sources, results
        The inputs and their results.
    errors
        A second result of each source, or of none.
    unfinished
        Existing results that must be made again. None: all results are made.

    Raises
    ------
    MuguetError
        If a result to be skipped is not an image.
    """
    missing = {}
    for source, result in zip(sources, results, strict=True):
        made = [result, *([errors[source]] if source in errors else [])]
        if unfinished is None or result in unfinished or not all(path.exists() for path in made):
            missing[source] = result
            continue
        for path in made:
            if not is_image(path):
                raise MuguetError(f"{path} exists and is not an image: remove it, or name another output")
    if len(missing) < len(results):
        say(f"{len(results) - len(missing)} of {len(results)} results exist and are kept.")
    return missing


def _results(sources: list[Source], out: Path | None) -> list[Path]:
    if out is None:
        return [_beside(source.path) for source in sources]
    if str(out) == "-":
        raise MuguetError(
            "--out - is not supported, because results are not written to standard output: name a file"
        )
    if out.is_dir() and not is_zarr(out):
        return [out / result_name(str(source.name), source.path) for source in sources]
    if out.suffix.lower() in SUFFIXES:
        if len(sources) != 1:
            raise MuguetError(
                f"{out} is one file, but there are {len(sources)} inputs: give a folder as the output"
            )
        return [out]
    if out.suffix.lower() in _OTHER_FORMATS:
        raise MuguetError(f"{out} cannot be written: choose a name that ends in {READABLE}")
    return [out / result_name(str(source.name), source.path) for source in sources]


def _beside(source: Path) -> Path:
    """Return the path of a result beside its input; that of an input on a network lies in the current folder."""
    name = f"{stem(source.name)}{_RESULT_SUFFIX}{ending(source)}"
    return Path(name) if address_of(source) is not None else source.with_name(name)


def _without_results(files: list[Path]) -> list[Path]:
    """Return the files without those named ``*_denoised`` whose source, with any ending, is among the files."""
    stems = {(file.parent, stem(file.name)) for file in files}
    return [
        file
        for file in files
        if not (
            stem(file.name).endswith(_RESULT_SUFFIX)
            and (file.parent, stem(file.name).removesuffix(_RESULT_SUFFIX)) in stems
        )
    ]


def _is_image(path: Path) -> bool:
    """Return True for what has the ending of a TIFF or begins like an image, and stores of Zarr; not hidden ones."""
    if path.name.startswith(".") or is_unfinished(path):
        return False
    return is_zarr(path) or (path.is_file() and (path.suffix.lower() in TIFF_SUFFIXES or is_image(path)))


def is_model(path: Path) -> bool:
    """Return True if a file is named or begins like a model: with the length of a JSON header, and the header."""
    if path.is_dir() or address_of(path) is not None:
        return False
    return path.suffix.lower() == ".muguet" or start_of(path)[8:9] == b"{"
