"""Safetensors files with tensors and a JSON header, written completely or not at all and checked when read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import numpy as np
import numpy.typing as npt

from muguet.errors import MuguetError
from muguet.system.atomic import replacing

FORMAT = 4  # Raised whenever the tensors of a model or a checkpoint change.
OLDEST = {"model": 3, "checkpoint": 4}  # The oldest format that is read, for each kind of file.

DATA_TYPES = frozenset(("BOOL", "U8", "I8", "U16", "I16", "U32", "I32", "U64", "I64", "F16", "F32", "F64"))
"""The data types of safetensors that NumPy has too."""

Header = TypeVar("Header")
Tensors = dict[str, npt.NDArray[np.generic]]


def write(
    path: Path, kind: str, tensors: Mapping[str, npt.NDArray[np.generic]], header: Mapping[str, Any]
) -> None:
    """Write a file of this `kind`, first under a temporary name, which is then changed to `path`.

    Raises
    ------
    MuguetError
        If a number is not finite, the folder cannot be written to, or the disk is full; no incomplete file is left
        behind.
    """
    from safetensors.numpy import save

    arrays = {name: np.asarray(value, order="C") for name, value in tensors.items()}
    try:
        text = json.dumps({"kind": kind, "format": FORMAT, **header}, allow_nan=False)
    except ValueError as error:
        raise MuguetError(_not_finite(path, kind)) from error
    if not all(map(is_finite, arrays.values())):
        raise MuguetError(_not_finite(path, kind))
    meta = {"muguet": text, "digest": _digest(arrays, text)}
    with replacing(path, kind) as file:
        file.write(save(arrays, meta))


def read(path: Path, kind: str, schema: type[Header]) -> tuple[Tensors, Header]:
    """Return the tensors and the header of a file that `write` has written.

    Parameters
    ----------
    path
        The file.
    kind
        "model" or "checkpoint".
    schema
        Type of the header, to which it is converted by msgspec, see `muguet.headers`.

    Raises
    ------
    MuguetError
        If there is no such file, or it is damaged, of another program, of another kind, or of a version that cannot be
        read; if its header does not fit the schema, or a tensor is not finite.
    """
    from safetensors import SafetensorError

    if not path.is_file():
        raise MuguetError(f"{path} does not exist: a muguet {kind} file was expected")
    try:
        text, digest, tensors = _content(path)
        header = _parsed(text)
    except (KeyError, ValueError, RecursionError) as error:
        raise MuguetError(f"{path} was not written by muguet: give a muguet {kind} file") from error
    except (SafetensorError, OSError) as error:
        raise MuguetError(f"{path} is damaged or not a muguet {kind} file: save or train it again") from error
    _check_version(path, kind, header)
    if digest != _digest(tensors, text):
        raise MuguetError(f"{path} is damaged, its content is not what was written: save or train it again")
    for name, value in tensors.items():
        if not is_finite(value):
            refuse(path, kind, f"the tensor {name} holds numbers that are not finite")
    return tensors, _converted(path, kind, header, schema)


def check_tensors(
    path: Path | str,
    kind: str,
    tensors: Mapping[str, npt.NDArray[np.generic]],
    expected: Mapping[str, npt.NDArray[np.generic]],
) -> None:
    """Check that tensors have the names, shapes and data types of those that are expected.

    Parameters
    ----------
    path, kind
        The file and its kind, for the message.
    tensors
        The tensors of the file.
    expected
        Tensors of the shapes and data types that are expected.

    Raises
    ------
    MuguetError
        If a tensor is missing, too many or another one.
    """
    for name, wanted in expected.items():
        if name not in tensors:
            refuse(path, kind, f"the tensor {name} is missing")
        found = tensors[name]
        if (found.shape, found.dtype) != (wanted.shape, wanted.dtype):
            texts = (f"{each.dtype} {each.shape}" for each in (found, wanted))
            refuse(path, kind, f"the tensor {name} is {' and not '.join(texts)}")
    for name in tensors:
        if name not in expected:
            refuse(path, kind, f"the tensor {name} belongs to another {kind}")


def refuse(path: Path | str, kind: str, reason: str) -> NoReturn:
    """Raise the error that a file is not complete or not consistent, with the reason.

    Raises
    ------
    MuguetError
        Always.
    """
    what = {
        "model": "save or train it again",
        "checkpoint": "train again with --overwrite",
        "prior": "give a file of studies/prior.py",
    }[kind]
    raise MuguetError(f"{path} does not hold a complete {kind} ({reason}): {what}")


def is_finite(value: npt.NDArray[np.generic]) -> bool:
    """Return whether all values of an array are finite."""
    return value.dtype.kind != "f" or bool(np.isfinite(value).all())


def _content(path: Path) -> tuple[str, str, Tensors]:
    """The text of the header, the digest and the tensors of a file."""
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:
        meta = file.metadata() or {}
        tensors = {}
        for name in file.keys():  # noqa: SIM118
            if (dtype := file.get_slice(name).get_dtype()) not in DATA_TYPES:
                raise ValueError(f"the tensor {name} has the data type {dtype}")
            # A file is refused when it is opened if it is shorter or longer than its tensors.
            tensors[name] = file.get_tensor(name)
        return meta["muguet"], meta["digest"], tensors


def _parsed(text: str) -> dict[str, Any]:
    """The header as a dictionary; a ValueError if it is none, or has a number that is not finite."""
    header = json.loads(text, parse_constant=_refuse_constant)
    if not isinstance(header, dict):
        raise ValueError("the header is no object")
    return header


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")


def _check_version(path: Path, kind: str, header: Mapping[str, Any]) -> None:
    """Raise an error if a file is of another kind, or of a version that cannot be read."""
    found, version = header.get("kind"), header.get("format")
    if found != kind:
        other = f"a muguet {found}" if found in list(OLDEST) else "another"
        raise MuguetError(f"{path} is {other} file where a {kind} file was expected")
    if not isinstance(version, int):
        refuse(path, kind, "its format is not a whole number")
    if version > FORMAT:
        raise MuguetError(f"{path} was written by a newer version of muguet: update muguet")
    if version < OLDEST[kind]:
        raise MuguetError(
            f"{path} was written by an earlier muguet with other networks, which cannot be read: train it again"
        )


def _converted(path: Path, kind: str, header: dict[str, Any], schema: type[Header]) -> Header:
    from msgspec import ValidationError, convert

    try:
        return convert(header, schema)
    except ValidationError as error:
        refuse(path, kind, f"in its header: {str(error).replace('`', '').replace('$.', '')}")
    except RecursionError:
        refuse(path, kind, "its header is too deep")
    except UnicodeError:
        refuse(path, kind, "a name in its header is no valid text")


def _not_finite(path: Path, kind: str) -> str:
    return (
        f"{path} is not written, because the {kind} holds numbers that are not finite: the training failed, "
        "train again with another --seed, or look for extreme values in the images"
    )


def _digest(tensors: Mapping[str, npt.NDArray[np.generic]], text: str) -> str:
    """A hash of the whole content, since safetensors itself does not detect changed weights."""
    found = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        found.update(f"{name} {tensors[name].dtype} {tensors[name].shape}".encode())
        found.update(tensors[name].tobytes())
    return found.hexdigest()
