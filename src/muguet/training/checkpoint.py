"""Checkpoints: a session on disk, so that an interrupted run continues and gives the same bits."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from muguet.errors import MuguetError
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
    tensors, header = tensor_file.read(path, "checkpoint")
    differing = [k for k, v in _identity(session).items() if header.get("identity", {}).get(k) != v]
    if differing:
        raise MuguetError(
            f"{path} is of another run (its {', '.join(differing)} differ): "
            "repeat the options of that run, or start again with --overwrite"
        )
    try:
        session.restore(tensors, header)
    except (KeyError, ValueError, RuntimeError) as error:
        raise MuguetError(
            f"{path} does not hold a complete checkpoint: train again with --overwrite"
        ) from error


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
