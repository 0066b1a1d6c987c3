"""The options that every command has: for its messages, and for its threads."""

from __future__ import annotations

import platform
from collections.abc import Callable
from enum import StrEnum
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from muguet.cli.shared.display import detail, settings
from muguet.cli.shared.log import Log
from muguet.errors import MuguetError
from muguet.system.threads import choose_threads
from muguet.version import __version__

_MESSAGES = "Messages"

Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Show only warnings and errors.", rich_help_panel=_MESSAGES)
]
Verbose = Annotated[
    bool,
    typer.Option("--verbose", "-v", help="Show details too, for bug reports.", rich_help_panel=_MESSAGES),
]
LogFile = Annotated[
    Path | None,
    typer.Option(
        "--log",
        help="Append every message, with its time, to this text file.",
        rich_help_panel=_MESSAGES,
        show_default=False,
    ),
]


class ProgressKind(StrEnum):
    """How progress is shown."""

    auto = "auto"
    json = "json"


Progress = Annotated[
    ProgressKind,
    typer.Option(
        help="auto: a bar in a terminal, otherwise a line every few seconds. json: a JSON object on each line, for "
        "programs.",
        rich_help_panel=_MESSAGES,
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(
        min=1, max=1024, help="Number of threads for the computation.", show_default="one for each core"
    ),
]
_OPTIONS: dict[str, tuple[Any, Any]] = {
    "quiet": (Quiet, False),
    "verbose": (Verbose, False),
    "log": (LogFile, None),
}
_PROGRESS: dict[str, tuple[Any, Any]] = {"progress": (Progress, ProgressKind.auto)}
_THREADS: dict[str, tuple[Any, Any]] = {"threads": (Threads, None)}


def with_messages(
    command: Callable[..., None], computes: bool = True, shows_progress: bool = False
) -> Callable[..., None]:
    """Return the command with the options that every command has.

    Parameters
    ----------
    command
        The command.
    computes
        Whether it also has the option --threads.
    shows_progress
        Whether it also has the option --progress.
    """
    options = _OPTIONS | (_PROGRESS if shows_progress else {}) | (_THREADS if computes else {})
    types = get_type_hints(command, include_extras=True)
    parameters = [
        parameter.replace(kind=Parameter.KEYWORD_ONLY, annotation=types[name])
        for name, parameter in signature(command).parameters.items()
    ]
    parameters += [
        Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=kind)
        for name, (kind, default) in options.items()
    ]

    @wraps(command)
    def expanded(**values: Any) -> None:
        chosen = {name: values.pop(name) for name in options}
        choose_threads(chosen.pop("threads", None))
        choose_messages(**chosen)
        try:
            command(**values)
        finally:
            settings.claims.release()

    # Typer reads the defaults and the order from the signature, and the help from the annotations.
    expanded.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    expanded.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return expanded


def choose_messages(
    quiet: bool = False,
    verbose: bool = False,
    log: Path | None = None,
    progress: ProgressKind = ProgressKind.auto,
) -> None:
    """Set which messages are shown, and where they are logged.

    Raises
    ------
    MuguetError
        If the options contradict each other, or the log is a file of another kind.
    """
    settings.quiet, settings.verbose, settings.log = False, False, None
    if quiet and verbose:
        raise MuguetError("--quiet and --verbose contradict each other: leave one of them out")
    settings.quiet, settings.verbose = quiet, verbose
    settings.json_progress = progress is ProgressKind.json
    settings.log = None if log is None else Log(log)
    if verbose or log is not None:  # The description of the system takes time.
        detail(f"muguet {__version__}, Python {platform.python_version()}, {platform.platform()}")
