"""The command line: muguet denoise | fit | info | noise | check | judge | simulate | export | app."""

from __future__ import annotations

import os
import sys
import traceback
import warnings
from typing import Annotated, TextIO

import typer

from muguet.cli.app import app as open_page
from muguet.cli.check import check
from muguet.cli.denoise import denoise
from muguet.cli.export import export
from muguet.cli.fit import fit
from muguet.cli.info import info
from muguet.cli.judge import judge
from muguet.cli.noise import noise
from muguet.cli.shared.display import detail, settings, warn
from muguet.cli.shared.messages import choose_messages, with_messages
from muguet.cli.simulate import simulate
from muguet.errors import MuguetError, spell_options
from muguet.system import processes
from muguet.system.atomic import reason
from muguet.system.memory import out_of_memory
from muguet.system.terminal import prepare_streams, silence
from muguet.version import __version__

app = typer.Typer(
    name="muguet",
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="""Denoise microscope images from noisy images alone, and learn the law of their noise.

    Two networks are trained together on the images that you want to denoise: one predicts the
    clean signal, the other the distribution of the noise at each signal (the noise law).
    You need no clean images and no camera calibration, and there is nothing to tune.

    [bold]Denoise one image[/bold], in about five minutes on a laptop:

        muguet denoise cells.tif -o denoised.tif

    [bold]Train one model and use it again[/bold] for images of the same kind:

        muguet fit experiment/ -o model.muguet --minutes 20

        muguet denoise new/ -o denoised/ --model model.muguet

    Axes, pixel sizes and the data type of the result are those of the input.
    Ctrl-C stops the training early; the best model so far is then used.

    [bold]Exit codes[/bold]: 0 success; 1 a verdict of muguet check as bad as --fail-on; 2 an error; 3 some inputs
    could not be used, the others are done; 130 stopped by a second Ctrl-C.
    """,
)
for _command in (denoise, fit, info, noise, check, judge, simulate, export, open_page):
    app.command()(
        with_messages(_command, computes=_command is not info, shows_progress=_command in (denoise, fit))
    )

_UsageError: type[Exception] = typer.BadParameter.__mro__[
    2
]  # Every error of the options that Typer finds itself.


@app.callback(invoke_without_command=True)
def _options(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True)
    ] = False,
) -> None:
    if version:
        print(f"muguet {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        context.get_help()
        raise typer.Exit(2)
    if context.invoked_subcommand not in ("denoise", "fit") and not processes.launched_first():
        raise typer.Exit  # The first of several processes does what only one can do.


def main() -> None:
    """Run the command line and exit; an error of the user is shown as one sentence, with exit code 2."""
    prepare_streams()
    choose_messages()
    with warnings.catch_warnings(), spell_options():
        warnings.showwarning = _show_warning
        code = _run()
        try:
            if settings.log is not None:
                settings.log.open()
        except MuguetError as error:
            code = _failed(str(error))
    try:
        sys.stdout.flush()
    except (OSError, ValueError) as error:
        silence(sys.stdout)
        code = _failed(f"standard output cannot be written: {reason(error)}")
    sys.exit(code)


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Show a warning of Python as one line, without the place in the program."""
    warn(f"Warning: {message}")


def _run() -> int:
    """Run the command, and return its exit code."""
    try:
        code = app(standalone_mode=False)
    except MuguetError as error:
        return _failed(str(error), error)
    except _UsageError as error:
        return _failed(_sentence(error), error)
    except (MemoryError, RuntimeError) as error:
        sentence = out_of_memory(error)
        if sentence is None:
            raise
        return _failed(sentence, error)
    except OSError as error:
        name = "standard output" if error.filename is None else os.fsdecode(error.filename)
        return _failed(f"{name} cannot be used: {reason(error)}", error)
    except KeyboardInterrupt:
        return 130
    return code if isinstance(code, int) else 0


def _sentence(error: Exception) -> str:
    """Return an error of the options as one sentence that names the help of the command."""
    text = " ".join(getattr(error, "format_message", lambda: str(error))().split()).rstrip(".")
    context = getattr(error, "ctx", None)
    return f"{text[:1].lower()}{text[1:]}: see {context.command_path if context else 'muguet'} --help"


def _failed(sentence: str, error: BaseException | None = None) -> int:
    """Show why the command failed, and return its exit code; --verbose also shows where in the program."""
    trace = "".join(traceback.format_exception(error)) if error else ""
    for line in trace.splitlines():
        detail(line)
    where = f" (process {processes.rank()})" if settings.silent else ""
    settings.silent = False  # An error of this process alone.
    warn(f"muguet{where}: {sentence}")
    return 2
