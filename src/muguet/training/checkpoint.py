"""Checkpoints: a session on disk, so that an interrupted run continues and gives the same bits."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from muguet.errors import MuguetError
from muguet.system import tensor_file
from muguet.training.session import Session

_WORDS = {"reach": "mask", "quarter_turns": "shapes of images", "psf": "point-spread function"}
"""What users call that which two runs may differ in, where it has another name in the code."""


def save(session: Session, path: Path) -> None:
    """Write a checkpoint: the whole file, or nothing if an error occurs.

    Raises
    ------
    MuguetError
        If the file cannot be written.
    """
    tensors, header = session.state()
    tensor_file.write(path, "checkpoint", tensors, {"identity": _identity(session), **header})


def restore(session: Session, path: Path) -> None:
    """Continue from a checkpoint of the same data, parts and plan.

    Raises
    ------
    MuguetError
        If the file is damaged, or is of a run that differs in more than its length in minutes.
    """
    tensors, header = tensor_file.read(path, "checkpoint")
    found = header.get("identity", {})
    differing = [name for name, value in _identity(session).items() if found.get(name) != value]
    if differing:
        raise MuguetError(
            f"{path} is of another run, with other {', '.join(_WORDS.get(name, name) for name in differing)}: "
            "repeat that run to continue it, name another output, or add --no-resume to replace it"
        )
    try:
        session.restore(tensors, header)
    except (KeyError, ValueError, RuntimeError) as error:
        raise MuguetError(
            f"{path} does not hold a complete checkpoint: add --no-resume to train anew"
        ) from error


def _identity(session: Session) -> dict[str, Any]:
    """All that must be the same in two runs for one to continue the other; images count by content, not by name."""
    plan = asdict(session.plan)
    for name in ("minutes", "device"):
        plan.pop(name)
    identity = {"images": session.content, **asdict(session.parts), **plan, "device": session.device.type}
    as_read: dict[str, Any] = json.loads(json.dumps(identity))
    return as_read
