"""Safetensors files with tensors and a JSON header, written completely or not at all and checked when read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from muguet.errors import MuguetError
from muguet.system.atomic import replacing

FORMAT = 4  # Raised whenever the tensors of a model or a checkpoint change.
OLDEST = {"model": 3, "checkpoint": 4}  # The oldest format that is read, for each kind of file.


def write(
    path: Path, kind: str, tensors: Mapping[str, npt.NDArray[np.generic]], header: Mapping[str, Any]
) -> None:
    """Write a file of this `kind`, first under a temporary name, which is then changed to `path`.

    Raises
    ------
    MuguetError
        If the folder cannot be written to, or the disk is full; no incomplete file is left behind.
    """
    from safetensors.numpy import save

    arrays = {name: np.asarray(value, order="C") for name, value in tensors.items()}
    text = json.dumps({"kind": kind, "format": FORMAT, **header})
    meta = {"muguet": text, "digest": _digest(arrays, text)}
    with replacing(path, kind) as file:
        file.write(save(arrays, meta))


def read(path: Path, kind: str) -> tuple[dict[str, npt.NDArray[np.generic]], dict[str, Any]]:
    """Return the tensors and the header of a file that `write` has written.

    Raises
    ------
    MuguetError
        If there is no such file, or it is damaged, of another program, of another kind, or of a version that cannot be
        read.
    """
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise MuguetError(f"{path} does not exist: a muguet {kind} file was expected")
    try:
        with safe_open(path, framework="numpy") as file:
            meta = file.metadata() or {}
            text, digest = meta["muguet"], meta["digest"]
            header = json.loads(text)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (KeyError, json.JSONDecodeError) as error:
        raise MuguetError(f"{path} was not written by muguet: give a muguet {kind} file") from error
    except (SafetensorError, OSError) as error:
        raise MuguetError(f"{path} is damaged or not a muguet {kind} file: save or train it again") from error
    if header.get("kind") != kind:
        raise MuguetError(f"{path} is a muguet {header.get('kind')} file where a {kind} file was expected")
    if header.get("format", 0) > FORMAT:
        raise MuguetError(f"{path} was written by a newer version ({header.get('version')}): update muguet")
    if header.get("format", 0) < OLDEST[kind]:
        raise MuguetError(
            f"{path} was written by an earlier muguet with other networks, which cannot be read: train it again"
        )
    if digest != _digest(tensors, text):
        raise MuguetError(f"{path} is damaged, its content is not what was written: save or train it again")
    return tensors, header


def _digest(tensors: Mapping[str, npt.NDArray[np.generic]], text: str) -> str:
    """A hash of the whole content, since safetensors itself does not detect changed weights."""
    found = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        found.update(f"{name} {tensors[name].dtype} {tensors[name].shape}".encode())
        found.update(tensors[name].tobytes())
    return found.hexdigest()
