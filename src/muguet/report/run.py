"""What was run, for a report: the command, its time and place, and how the model came about."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

from muguet.report.facts import number


@dataclass(frozen=True, eq=False)
class Run:
    """What was run. Of absolute paths only the last name reaches the page: the rest tells of people and places.

    Attributes
    ----------
    command
        The command line, word by word.
    started
        When, as a person reads it.
    seconds
        How long all of it took.
    machine
        Label and value: processor, cores, memory, system. No name of a machine or a person.
    versions
        Of the programs that ran now.
    parts
        What the model is made of.
    training
        How the model came about: `Denoiser.training`.
    """

    command: Sequence[str] = ()
    started: str = ""
    seconds: float | None = None
    machine: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    parts: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)


def run_facts(run: Run) -> dict[str, Any]:
    """All of a run as values; "shown" holds the lines of the page's table."""
    training = dict(run.training)
    training["data"] = [{**each, "name": _name(str(each["name"]))} for each in training.get("data", [])]
    command = [_word(word) for word in run.command]
    return {
        "command": command,
        "started": run.started,
        "seconds": run.seconds,
        "machine": run.machine,
        "versions": run.versions,
        "parts": run.parts,
        "training": training,
        "shown": {label: line for label, line in _lines(run, command, training).items() if line},
    }


def _lines(run: Run, command: Sequence[str], training: Mapping[str, Any]) -> dict[str, str]:
    """What the page says, line by line; empty where it is not known."""
    steps, trained, held_out = (training.get(name) for name in ("steps", "seconds", "held_out"))
    versions = training.get("versions", {})
    return {
        "Command": shlex.join(command),
        "Started": run.started,
        "Time": _duration(run.seconds),
        "Model": ", ".join(_part(name, value) for name, value in run.parts.items() if value is not None),
        "Trained": f"{steps} steps in {_duration(trained)}" if steps and trained is not None else "",
        "On": "; ".join(map(_data, training["data"])),
        "Seed": str(training.get("plan", {}).get("seed", "")),
        "Held out": "" if held_out is None else f"{number(held_out)} nats a pixel",
        "Device": str(training.get("device", "")),
        "Versions": _versions(run.versions),
        "Trained with": _versions(versions) if versions != run.versions else "",
        **run.machine,
    }


def _part(name: str, value: Any) -> str:
    said = {True: "yes", False: "no"}[value] if isinstance(value, bool) else value
    return f"{name.replace('_', ' ')} {said}"


def _word(word: str) -> str:
    """A word of a command line without absolute paths."""
    option, equals, value = word.partition("=")
    return f"{option}={_name(value)}" if equals and option.startswith("-") else _name(word)


def _name(path: str) -> str:
    """A path as it is, or its last part where it is absolute."""
    for kind in (PurePosixPath(path), PureWindowsPath(path)):
        if kind.is_absolute():
            return kind.name
    return path


def _data(each: Mapping[str, Any]) -> str:
    size = "×".join(map(str, each.get("shape", [])))
    known = (each["name"], each.get("axes", ""), size, each.get("dtype", ""))
    return " ".join(str(part) for part in known if part)


def _versions(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
