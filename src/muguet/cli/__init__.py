"""The command line: muguet denoise | fit | info | noise | check | judge | simulate."""

from __future__ import annotations

import sys

import typer

from muguet.cli.check import check
from muguet.cli.denoise import denoise
from muguet.cli.fit import fit
from muguet.cli.info import info
from muguet.cli.judge import judge
from muguet.cli.noise import noise
from muguet.cli.simulate import simulate
from muguet.errors import MuguetError

app = typer.Typer(
    name="muguet",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="""Denoise microscope images from noisy images alone, and learn the law of their noise.

    Two networks learn together, on the very images that are to be denoised: one predicts the clean signal,
    the other the law of the noise given that signal. No clean images, no calibration, nothing to tune.

    [bold]The usual case[/bold], five minutes on a laptop:

        muguet denoise cells.tif -o denoised.tif

    [bold]Train once, use often[/bold], on images of the same kind:

        muguet fit experiment/ -o model.muguet --minutes 20

        muguet denoise new/ -o denoised/ --model model.muguet

    Axes and pixel sizes are read from the file and written back, and the result has the input's data type.
    Ctrl-C stops the training and goes on with the best so far.
    """,
)
app.command()(denoise)
app.command()(fit)
app.command()(info)
app.command()(noise)
app.command()(check)
app.command()(judge)
app.command()(simulate)


def main() -> None:
    """Run the command line; a user's mistake is one sentence and exit code 2."""
    try:
        app()
    except MuguetError as error:
        _complain(str(error))
    except MemoryError:
        _complain(
            "there is not enough memory for these images: give fewer at a time, or --model to skip training"
        )
    except KeyboardInterrupt:
        sys.exit(130)


def _complain(sentence: str) -> None:
    print(f"muguet: {sentence}", file=sys.stderr)
    sys.exit(2)
