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
from muguet.system import tensor_file
from muguet.training.session import Session


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
    tensors, header = tensor_file.read(path, "checkpoint", CheckpointHeader)
    differing = [k for k, v in _identity(session).items() if header.identity.get(k) != v]
    if differing:
        raise MuguetError(
            f"{path} is of another run (its {', '.join(differing)} differ): "
            "repeat the options of that run, or start again with --overwrite"
        )
    if session.plan.steps is not None and header.schedule.total != session.plan.steps:
        tensor_file.refuse(path, "checkpoint", "its number of steps is another one")
    expected = session.state()[0]
    if "noise_variance" in tensors:
        expected["noise_variance"] = np.zeros((4, session.parts.channels), np.float32)
    tensor_file.check_tensors(path, "checkpoint", tensors, expected)
    squares = [value for name, value in tensors.items() if name.endswith(".exp_avg_sq")]
    if any(np.less(value, 0).any() for value in squares):
        tensor_file.refuse(path, "checkpoint", "a mean of squares is below zero")
    try:
        session.restore(tensors, msgspec.to_builtins(header))
    except RuntimeError as error:
        tensor_file.refuse(path, "checkpoint", f"the state of a random generator is not valid: {error}")


def _identity(session: Session) -> dict[str, Any]:
    """All that must be the same in two runs for one to continue the other."""
    plan = asdict(session.plan)
    plan.pop("minutes")
    identity = {
        "parts": asdict(session.parts),
        "plan": plan,
        "data": list(session.summary),
        "scalings": [scaling.as_dict() for scaling in session.scalings],
        "kind of device": session.device.type,
    }
    as_read: dict[str, Any] = json.loads(json.dumps(identity))
    return as_read
