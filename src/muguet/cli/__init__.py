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
    """Run the command line; an error of the user is shown as one sentence, with exit code 2."""
    try:
        app()
    except MuguetError as error:
        _exit_with(str(error))
    except MemoryError:
        _exit_with(
            "there is not enough memory for these images: "
            "give fewer images at a time, or use --model to skip the training"
        )
    except KeyboardInterrupt:
        sys.exit(130)


def _exit_with(sentence: str) -> None:
    print(f"muguet: {sentence}", file=sys.stderr)
    sys.exit(2)
