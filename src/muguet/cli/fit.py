"""`muguet fit`: train a denoiser and a noise law, and save them in one model file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from muguet.cli.shared.apply import show_law
from muguet.cli.shared.classical import CLASSICAL
from muguet.cli.shared.display import say
from muguet.cli.shared.options import OUTPUT, Choices, Inputs, with_choices
from muguet.cli.shared.train import read_images, start, train
from muguet.errors import MuguetError
from muguet.system.atomic import check_writable


@with_choices
def fit(
    inputs: Inputs,
    *,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Model file to write.", rich_help_panel=OUTPUT)
    ] = Path("model.muguet"),
    choices: Choices,
) -> None:
    """Train a denoiser and a noise law on noisy images, and save them in one model file."""
    from muguet.cli.shared.paths import find

    if choices.recipe in CLASSICAL:
        raise MuguetError(
            f"--recipe {choices.recipe} needs no training, so there is no model to save: use it with muguet denoise"
        )
    sources = find(inputs)
    check_writable(out, choices.overwrite, "model")
    checkpoint = out.with_name(out.name + ".checkpoint")
    session = start(read_images(sources, choices.axes), choices, checkpoint)
    denoiser = train(session, choices, checkpoint)
    denoiser.save(out)
    say(f"{out}: the model. To use it: muguet denoise IN -o OUT --model {out}")
    show_law(denoiser)
    checkpoint.unlink(missing_ok=True)
