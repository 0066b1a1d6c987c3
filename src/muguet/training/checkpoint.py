"""Checkpoints: a session on disk, so that an interrupted run continues and gives the same bits."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from muguet.errors import MuguetError
from muguet.headers import CheckpointHeader
from muguet.system import processes, tensor_file
from muguet.system.limits import MAX_BATCH
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
    """Continue from a checkpoint of the same data, parts and plan, which the first process reads for all.

    Raises
    ------
    MuguetError
        If the file is damaged, or is of a run that differs in more than its length in minutes.
    """
    tensors, header = processes.from_first(lambda: tensor_file.read(path, "checkpoint", CheckpointHeader))
    differing = [name for name, value in _identity(session).items() if header.identity.get(name) != value]
    if differing:
        raise MuguetError(
            f"{path} is of another run, with other {', '.join(_WORDS.get(name, name) for name in differing)}: "
            "repeat that run to continue it, name another output, or add --no-resume to replace it"
        )
    if session.plan.steps is not None and header.schedule.total != session.plan.steps:
        tensor_file.refuse(path, "checkpoint", "its number of steps is another one")
    expected = session.state()[0]
    if "noise_variance" in tensors:
        expected["noise_variance"] = np.zeros((4, session.parts.channels), np.float32)
    tensor_file.check_tensors(path, "checkpoint", tensors, expected)
    if not session.exchange.accepts(msgspec.to_builtins(header.exchange)):
        tensor_file.refuse(path, "checkpoint", "its blocks are not those of these images")
    squares = [value for name, value in tensors.items() if name.endswith(".exp_avg_sq")]
    if any(np.less(value, 0).any() for value in squares):
        tensor_file.refuse(path, "checkpoint", "a mean of squares is below zero")
    try:
        session.restore(tensors, msgspec.to_builtins(header))
    except RuntimeError as error:
        tensor_file.refuse(path, "checkpoint", f"the state of a random generator is not valid: {error}")


def batch(path: Path) -> int | None:
    """Return the number of patches in each step of the run of a checkpoint; None if the file does not show it.

    Raises
    ------
    MuguetError
        If the file is damaged.
    """
    found = tensor_file.read(path, "checkpoint", CheckpointHeader)[1].identity.get("batch")
    if isinstance(found, bool) or not isinstance(found, int):
        return None
    return found if 0 < found <= MAX_BATCH else None


def _identity(session: Session) -> dict[str, Any]:
    """All that must be the same in two runs for one to continue the other; images count by content, not by name."""
    plan = asdict(session.plan)
    for name in ("minutes", "device"):
        plan.pop(name)
    identity = {"images": session.content, **asdict(session.parts), **plan, "device": session.device.type}
    as_read: dict[str, Any] = json.loads(json.dumps(identity))
    return as_read
