"""What was run to make a report's image: the command, its time and machine, and how the model was trained."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

from muguet.system.text import duration, number


@dataclass(frozen=True, eq=False)
class Run:
    """What was run: the command, its time and machine, and the model with its training.

    The page shows only the last part of absolute paths, since folders can name people and places.

    Attributes
    ----------
    command
        The command line, one item for each word.
    started
        Date and time of the start, as text to be shown.
    seconds
        Wall time of the whole command; None if it is unknown.
    machine
        Labels and values: processor, cores, memory, system. It should name no machine and no person.
    versions
        Versions of the packages that ran the command.
    parts
        The parts that the model is made of (`muguet.recipes.Parts` as a dictionary).
    training
        The course of the training, as `Denoiser.training` holds it.
    provenance
        What made the result, as its file holds it: the model's identifier, the SHA-256 of the input, and which frames
        or planes helped to estimate each other.
    """

    command: Sequence[str] = ()
    started: str = ""
    seconds: float | None = None
    machine: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    parts: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)


def run_facts(run: Run) -> dict[str, Any]:
    """Return everything about a run as plain values; "shown" holds the rows of the page's table."""
    training = dict(run.training)
    training["data"] = [
        {**image, "name": _without_folder(str(image["name"]))} for image in training.get("data", [])
    ]
    command = [_without_folders(word) for word in run.command]
    return {
        "command": command,
        "started": run.started,
        "seconds": run.seconds,
        "machine": run.machine,
        "versions": run.versions,
        "parts": run.parts,
        "training": training,
        "provenance": run.provenance,
        "shown": {label: text for label, text in _rows(run, command, training).items() if text},
    }


def _rows(run: Run, command: Sequence[str], training: Mapping[str, Any]) -> dict[str, str]:
    """Return the label and the text of every row; the text is empty where a value is unknown."""
    steps, seconds, held_out = (training.get(name) for name in ("steps", "seconds", "held_out"))
    versions = training.get("versions", {})
    return {
        "Command": shlex.join(command),
        "Started": run.started,
        "Duration": "" if run.seconds is None else duration(run.seconds),
        "Model": ", ".join(_part(name, value) for name, value in run.parts.items() if value is not None),
        "Identifier of the model": str(run.provenance.get("model", "")),
        "Frames and planes that help": str(run.provenance.get("neighbours", "")),
        "SHA-256 of the input": str(run.provenance.get("input_sha256", "")),
        "Training": f"{steps} steps in {duration(seconds)}" if steps and seconds is not None else "",
        "Outcome": str(training.get("outcome", {}).get("sentence", "")),
        "Trained on": "; ".join(map(_image, training["data"])),
        "Seed": str(training.get("plan", {}).get("seed", "")),
        "Held-out loss": "" if held_out is None else f"{number(held_out)} nats per pixel",
        "Device": str(training.get("device", "")),
        "Versions": _versions(run.versions),
        "Versions at training": _versions(versions) if versions != run.versions else "",
        **run.machine,
    }


def _part(name: str, value: object) -> str:
    text = ("yes" if value else "no") if isinstance(value, bool) else value
    return f"{name.replace('_', ' ')} {text}"


def _without_folders(word: str) -> str:
    """Return a word of a command line, such as ``--report=/home/me/r.html``, without the folders in it."""
    option, equals, value = word.partition("=")
    if equals and option.startswith("-"):
        return f"{option}={_without_folder(value)}"
    return _without_folder(word)


def _without_folder(path: str) -> str:
    """Return the last part of an absolute path of any system; everything else unchanged."""
    for kind in (PurePosixPath(path), PureWindowsPath(path)):
        if kind.is_absolute():
            return kind.name
    return path


def _image(image: Mapping[str, Any]) -> str:
    """Return name, axes, size and data type of an image of the training."""
    size = "×".join(map(str, image.get("shape", [])))
    known = (image["name"], image.get("axes", ""), size, image.get("dtype", ""))
    return " ".join(str(value) for value in known if value)


def _versions(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items())
