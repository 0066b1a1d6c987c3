"""A session on disk, so that a run that was killed continues to the same bits."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from muguet.errors import MuguetError
from muguet.system import tensor_file
from muguet.training.evidence import Evidence
from muguet.training.session import Session

PROGRESS = ("step", "seconds", "aside", "measuring", "total", "decay_from")  # of the schedule


def save(session: Session, path: Path) -> None:
    """Write a checkpoint, atomically."""
    tensors: dict[str, npt.NDArray[Any]] = {
        "generator.host": session.host.get_state().numpy(),
        "generator.chance": session.chance.get_state().cpu().numpy(),
        "loss_sum": session.loss_sum.cpu().numpy(),
    }
    for name, module in (("method", session.method), ("averaged", session.averaged)):
        tensors |= {
            f"{name}.{key}": value.detach().cpu().numpy() for key, value in module.state_dict().items()
        }
    if session.evidence is not None:
        tensors["evidence"] = session.evidence.coefficients.cpu().numpy()
    for index, state in enumerate(session.optimiser.state):
        tensors |= {f"optimiser.{index}.{key}": value.cpu().numpy() for key, value in state.items()}
    header = {
        "identity": _identity(session),
        "schedule": {name: getattr(session.schedule, name) for name in PROGRESS},
        "history": session.history,
    }
    tensor_file.write(path, "checkpoint", tensors, header)


def restore(session: Session, path: Path) -> None:
    """Continue from a checkpoint of the same data, parts and plan.

    Raises
    ------
    MuguetError
        If it is damaged, or of a run that differs in more than its length in minutes.
    """
    tensors, header = tensor_file.read(path, "checkpoint")
    differing = [k for k, v in _identity(session).items() if header.get("identity", {}).get(k) != v]
    if differing:
        raise MuguetError(
            f"{path} is of another run (other {', '.join(differing)}): "
            "repeat that run's options, or start anew with --overwrite"
        )
    try:
        _continue(session, tensors, header)
    except (KeyError, ValueError, RuntimeError) as error:
        raise MuguetError(
            f"{path} does not hold a complete checkpoint: train anew with --overwrite"
        ) from error


def _continue(session: Session, tensors: Mapping[str, npt.NDArray[Any]], header: Mapping[str, Any]) -> None:
    for name, module in (("method", session.method), ("averaged", session.averaged)):
        module.load_state_dict(_under(tensors, f"{name}."))
    moments = _under(tensors, "optimiser.")
    for index, state in enumerate(session.optimiser.state):
        for key, value in state.items():
            value.copy_(moments[f"{index}.{key}"])
    session.host.set_state(torch.from_numpy(tensors["generator.host"]))
    session.chance.set_state(torch.from_numpy(tensors["generator.chance"]))
    session.loss_sum.copy_(torch.from_numpy(tensors["loss_sum"]))
    session.history = header["history"]
    for name in PROGRESS:
        setattr(session.schedule, name, header["schedule"][name])
    if "evidence" in tensors:
        session.evidence = Evidence(torch.from_numpy(tensors["evidence"]).to(session.device))


def _identity(session: Session) -> dict[str, Any]:
    """What two runs must share for one to continue the other."""
    plan = asdict(session.plan)
    plan.pop("minutes")
    identity = {
        "parts": asdict(session.parts),
        "plan": plan,
        "data": list(session.summary),
        "scalings": [scaling.as_dict() for scaling in session.scalings],
        "kind of device": session.device.type,
    }
    told: dict[str, Any] = json.loads(json.dumps(identity))  # as it is read from a file
    return told


def _under(tensors: Mapping[str, npt.NDArray[np.generic]], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): torch.from_numpy(v) for k, v in tensors.items() if k.startswith(prefix)}
