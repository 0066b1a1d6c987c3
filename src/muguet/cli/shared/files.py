"""All inputs and outputs of a command, checked in one place before the work: no output ever replaces an input."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from muguet.cli.shared.display import settings
from muguet.errors import MuguetError
from muguet.system.atomic import check_writable
from muguet.system.extras import check_installed
from muguet.system.leftovers import remove_leftovers

_PAGES_AND_FIGURES = (".html", ".htm", ".png", ".svg", ".pdf")


@dataclass(frozen=True)
class Output:
    """A file that a command will write.

    Attributes
    ----------
    path
        The file.
    kind
        What is written: image, model, report, figure, checkpoint, first or log, see `muguet.system.kinds`.
    option
        The option that names the file, for messages.
    source
        The input whose result it is; None if it belongs to all inputs.
    may_replace
        Whether it may replace an existing file of its kind even without --overwrite.
    shared
        Whether other commands may write to it at the same time.
    """

    path: Path
    kind: str
    option: str = "--out"
    source: Path | None = None
    may_replace: bool = False
    shared: bool = False

    def __str__(self) -> str:
        return f"{self.option} {self.path}"


def check_files(
    inputs: Iterable[Path | None], outputs: Sequence[Output] = (), overwrite: bool = False
) -> None:
    """Check every file of a command before the work, and open its log.

    Parameters
    ----------
    inputs
        Every file that the command reads; None stands for an option that was not given.
    outputs
        Every file that it writes; the log is added.
    overwrite
        Whether outputs may replace existing files of their kind.

    Raises
    ------
    MuguetError
        If an input is missing or is not a file on a disk; if an output is an input, under any name or link, or another
        output; if an output cannot be written; or if another command is writing it.
    """
    from muguet.formats.network import address_of
    from muguet.formats.ome_zarr.store import is_zarr
    from muguet.formats.registry import members

    log = settings.log
    read = [path for path in inputs if path is not None]
    for path in read:
        if address_of(path) is not None:
            continue
        if not path.exists():
            raise MuguetError(f"{path} does not exist: check the name")
        if path.is_dir() and not is_zarr(path):
            raise MuguetError(f"{path} is a folder: give a file in it")
        if not path.is_file() and not path.is_dir():
            raise MuguetError(f"{path} is a device or a pipe: give a file")
    read = [member for path in read for member in members(path)]  # All files of a recording are inputs.
    try:
        refuse_clashes(read, [*outputs, *([] if log is None else [Output(log.path, "log", "--log")])])
    except MuguetError:
        if log is not None and any(
            same_file(log.path, other) for other in (*read, *(o.path for o in outputs))
        ):
            log.discard()
        raise
    for output in outputs:
        _check_output(output, overwrite or output.may_replace)
    for folder in {output.path.parent for output in outputs}:
        remove_leftovers(folder)
    settings.claims.take(output.path for output in outputs if not output.shared)
    if log is not None:
        log.open()


def refuse_clashes(inputs: Sequence[Path], outputs: Sequence[Output]) -> None:
    """Raise an error if an output is an input or another output, under whatever name or link."""
    raw: dict[object, Path] = {}
    for path in inputs:
        raw.update(dict.fromkeys(_identities(path), path))
    for output in outputs:
        if output.path.name == "-":
            raise MuguetError(f"{output} is not supported, because only files are written: name a file")
        if not raw.keys().isdisjoint(_identities(output.path)):
            raise MuguetError(
                f"{output.path} is an input, and inputs are never overwritten: choose another output"
            )
        inside = next((path for path in inputs if path.is_dir() and _is_in(output.path, path)), None)
        if inside is not None:
            raise MuguetError(f"{output.path} lies in the input {inside}: choose another output")
    _refuse_equal(outputs)


def _is_in(path: Path, folder: Path) -> bool:
    """Return True if a path lies in a folder, under whatever links."""
    return Path(os.path.realpath(folder)) in Path(os.path.realpath(path)).parents


def _refuse_equal(outputs: Sequence[Output]) -> None:
    """Raise an error if two outputs are one file, or one is the folder of another."""
    taken: dict[object, Output] = {}
    for output in outputs:
        for key in _identities(output.path, fold=True):
            rival = taken.setdefault(key, output)
            if rival is output:
                continue
            if rival.source and output.source and rival.source != output.source:
                raise MuguetError(
                    f"the results of {rival.source} and {output.source} would both be written to {output.path}: "
                    "rename one of the inputs, or add --recursive to keep their folders"
                )
            raise MuguetError(f"{rival} and {output} are one file: name two")
    single = [output for output in outputs if output.source is None]
    places = {os.path.realpath(output.path): output for output in single}
    for output in outputs:
        for folder in Path(os.path.realpath(output.path)).parents:
            if str(folder) in places:
                raise MuguetError(f"{places[str(folder)]} is the folder of {output.path}: name another file")


def _identities(path: Path, fold: bool = False) -> set[object]:
    """Return what identifies a file: its path without links, and its number on the disk if it exists.

    With `fold`, names that differ only in case or in how accents are stored are equal, as they are on many disks.
    """
    name = os.path.realpath(path)
    if fold:
        name = unicodedata.normalize("NFC", name).casefold()
    found: set[object] = {name}
    try:
        status = path.stat()
    except (OSError, ValueError):
        return found
    if status.st_ino:
        found.add((status.st_dev, status.st_ino))
    return found


def _check_output(output: Output, overwrite: bool) -> None:
    """Raise an error if an output cannot be written, or its name is that of another kind of file."""
    from muguet.formats.registry import SUFFIXES, check_output

    path = output.path
    match output.kind:
        case "image":
            check_output(path, overwrite)
        case "report":
            check_installed("figures", ("matplotlib", "jinja2"), "a report")  # before PyTorch is imported
            from muguet.report import check_report

            check_report(path, overwrite)
        case "figure":
            from muguet.figures.style import check_format, require_matplotlib

            check_format(path)
            check_writable(path, overwrite, "figure")
            require_matplotlib()
        case (
            "checkpoint" | "first"
        ):  # Whether an interrupted run goes on is decided where the training starts.
            check_writable(path, True, output.kind)
        case "model":
            if path.suffix.lower() in (*SUFFIXES, *_PAGES_AND_FIGURES):
                raise MuguetError(f"{path} is a name of an image or a page: choose one that ends in .muguet")
            check_writable(path, overwrite, "model")
        case "zoo":
            check_writable(path, overwrite, "zoo")


def same_file(one: Path, other: Path) -> bool:
    """Return whether two paths are one file on some disk, under whatever names or links."""
    return not _identities(one, fold=True).isdisjoint(_identities(other, fold=True))
