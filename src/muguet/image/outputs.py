"""From inputs to outputs: which files are meant, where their results go, and in which numbers.

A result never replaces an input, and is either whole or absent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from muguet.errors import MuguetError
from muguet.system.atomic import check_writable

SUFFIXES = (".tif", ".tiff")  # .ome.tif and .ome.tiff end so as well

READABLE = ".tif, .tiff or .ome.tif"
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


def check_output(path: Path | str, overwrite: bool = False) -> None:
    """Find out before the work, not after it, whether `path` can be written; creates its folder.

    Raises
    ------
    MuguetError
        If the name is not a TIFF's, the file exists and may not be replaced, or its folder takes no file.
    """
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise MuguetError(f"{path} cannot be written: name an output that ends in {READABLE}")
    check_writable(path, overwrite)


def to_dtype(values: npt.NDArray[Any], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Return `values` as `dtype`: rounded to the nearest and clipped for integers, cast for floats.

    NaN becomes 0 in an integer and stays NaN in a float. Memory beyond the result is a few hundred kilobytes.
    """
    dtype = np.dtype(dtype)
    if dtype.kind not in "iub":
        with np.errstate(over="ignore"):  # float16 ends at 65504; what is beyond becomes inf, as numpy casts
            return values.astype(dtype, copy=False)
    low, high = _range(dtype)
    result = np.empty(values.shape, dtype)
    blocks = np.nditer(
        [values, result],
        flags=["external_loop", "buffered", "zerosize_ok"],
        op_flags=[["readonly"], ["writeonly"]],
        op_dtypes=[np.dtype(np.float64), dtype],
        casting="unsafe",
        buffersize=2**14,
    )
    with blocks:
        for block, target in blocks:
            target[...] = np.clip(np.rint(np.where(np.isnan(block), 0.0, block)), low, high)
    return result


def _range(dtype: np.dtype[Any]) -> tuple[float, float]:
    if dtype.kind == "b":
        return 0.0, 1.0
    info = np.iinfo(dtype)
    high = float(info.max)
    # The largest 64-bit integers are no floats; rounded up they would wrap around.
    return float(info.min), high if int(high) <= info.max else float(np.nextafter(high, 0))
