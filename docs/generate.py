"""Write the reference pages that are made of the program itself: the commands with their options, and Python."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from enum import Enum
from functools import cache
from pathlib import Path
from textwrap import dedent
from types import ModuleType
from typing import Any

from typer.main import get_command

import muguet
from muguet.cli import app

COMMANDS = "commands.md"
PYTHON = "python"

_TITLES = {
    "blockwise": "images larger than memory",
    "export": "packages of the Model Zoo",
    "figures": "figures",
    "formats": "files",
    "image": "images",
    "neighbours": "movies and stacks",
    "noise": "noise laws and cameras",
    "prediction": "functions of images of any size",
    "quality": "did it work?",
    "recipes": "methods",
    "report": "the report",
    "restoration": "networks and blurs",
    "samples": "simulated images",
    "training": "training",
}


def write_all(folder: Path) -> None:
    """Write all generated pages of a folder; a page that has not changed is left as it is."""
    pages = {COMMANDS: commands_page(), **{f"{PYTHON}/{name}": text for name, text in python_pages().items()}}
    for name, text in pages.items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")


def commands_page() -> str:
    """Return the page of all commands: their help, and a table of the options of each group."""
    parts = [
        "# Commands and options",
        "This page is made from the help texts of the program: `muguet COMMAND --help` shows the same. "
        "[The command line](command-line.md) describes what all commands have in common.",
    ]
    for name, command in sorted(commands().items()):
        parts += [f"## muguet {name}", _prose(command.help), f"```text\n{_usage(name, command)}\n```"]
        for panel, parameters in _panels(command).items():
            title = "argument" if panel == "Arguments" else "option"
            rows = "\n".join(_row(each) for each in parameters)
            parts.append(f"**{panel}**\n\n| {title} | meaning |\n|---|---|\n{rows}")
    return "\n\n".join(parts) + "\n"


def commands() -> dict[str, Any]:
    """Return the commands of the program by name."""
    return dict(get_command(app).commands)  # type: ignore[attr-defined]


def option_names(command: Any) -> set[str]:
    """Return the names of the options of a command, such as --out and -o."""
    named = {name for each in command.params for name in (*each.opts, *each.secondary_opts)}
    return {name for name in named if name.startswith("-")} | {"--help", "-h"}


def python_pages() -> dict[str, str]:
    """Return the pages of the Python reference by file name, one for each public package."""
    front = {"Denoiser": "\n   :inherited-members:", "Method": ""}
    functions = ["fit", "denoise", "load", "denoise_blocks"]
    sections = [f".. autofunction:: muguet.{name}" for name in functions]
    sections += [f".. autoclass:: muguet.{name}\n   :members:{more}" for name, more in front.items()]
    sections.append(".. autoexception:: muguet.MuguetError")
    pages = {"muguet.rst": f"{_heading('muguet: the front door')}\n\n" + "\n\n".join(sections) + "\n"}
    for name in sorted(name for name, _ in _packages()):
        title = f"muguet.{name}: {_TITLES[name]}" if name in _TITLES else f"muguet.{name}"
        pages[f"{name}.rst"] = f"{_heading(title)}\n\n.. automodule:: muguet.{name}\n   :members:\n"
    return pages


@cache
def public_names() -> dict[str, str]:
    """Return the public name of every public class and function by the path of its definition."""
    names = {}
    for package, module in (*_packages(), ("", muguet)):
        for name in _all(module):
            value = getattr(module, name)
            if inspect.isclass(value) or inspect.isfunction(value):
                path = f"{value.__module__}.{value.__qualname__}"
                names[path] = ".".join(filter(None, ("muguet", package, name)))
    return names


def public_name(path: str) -> str | None:
    """Return the public name of an object with the path of its definition, or None if it has none."""
    return public_names().get(path)


def _packages() -> Iterator[tuple[str, ModuleType]]:
    for name in muguet.__all__:
        value = getattr(muguet, name)
        if isinstance(value, ModuleType):
            yield name, importlib.import_module(value.__name__)


def _all(module: ModuleType) -> list[str]:
    names: list[str] = getattr(module, "__all__", [])
    return names


def _heading(title: str) -> str:
    return f"{title}\n{'=' * len(title)}"


def _prose(text: str | None) -> str:
    return dedent(text or "").replace("[bold]", "**").replace("[/bold]", "**").strip()


def _usage(name: str, command: Any) -> str:
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    words = [_word(each) + ("..." if each.nargs == -1 else "") for each in arguments]
    return " ".join([f"muguet {name} [OPTIONS]", *words])


def _panels(command: Any) -> dict[str, list[Any]]:
    """Return the arguments and options of a command by the group in which the help shows them."""
    panels: dict[str, list[Any]] = {}
    for each in command.params:
        usual = "Arguments" if each.param_type_name == "argument" else "Options"
        panels.setdefault(each.rich_help_panel or usual, []).append(each)
    order = ["Arguments", "Output", "Training"]
    return dict(sorted(panels.items(), key=lambda item: order.index(item[0]) if item[0] in order else 9))


def _row(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        names = f"`{_word(parameter)}`"
    else:
        value = "" if parameter.is_flag else f" {_word(parameter)}"
        names = ", ".join(f"`{name}{value}`" for name in (*parameter.opts, *parameter.secondary_opts))
    words = " ".join((parameter.help or "").split()) + _default(parameter)
    return "| " + " | ".join(text.replace("|", r"\|") for text in (names, words)) + " |"


def _word(parameter: Any) -> str:
    """Return the word that stands for a value: the choices if there are few, otherwise the name."""
    values = getattr(getattr(parameter, "type_descriptor", None), "annotation", None)
    if parameter.metavar is None and inspect.isclass(values) and issubclass(values, Enum):
        return "|".join(str(each.value) for each in values)
    return str(parameter.metavar or parameter.name.upper().replace("_", "-"))


def _default(parameter: Any) -> str:
    """Return the default as the help shows it."""
    shown, value = getattr(parameter, "show_default", None), parameter.default
    if isinstance(shown, str):
        return f" Default: {shown}."
    if shown is False or value is None or isinstance(value, bool) or callable(value):
        return ""
    return f" Default: {getattr(value, 'value', value)}."
