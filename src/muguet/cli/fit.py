"""`muguet fit`: learn a denoiser and a noise law, and keep them in one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from muguet.cli.shared.apply import tell_law
from muguet.cli.shared.classical import CLASSICAL
from muguet.cli.shared.display import say
from muguet.cli.shared.options import OUTPUT, Choices, Inputs, with_choices
from muguet.cli.shared.train import read_images, train
from muguet.errors import MuguetError
from muguet.system.atomic import check_writable


@with_choices
def fit(
    inputs: Inputs,
    *,
    out: Annotated[Path, typer.Option("--out", "-o", help="The model file.", rich_help_panel=OUTPUT)] = Path(
        "model.muguet"
    ),
    choices: Choices,
) -> None:
    """Learn a denoiser and the law of the noise from noisy images, and keep them in one file."""
    from muguet.cli.shared.paths import find

    if choices.recipe in CLASSICAL:
        raise MuguetError(
            f"--recipe {choices.recipe} learns nothing that could be kept: use it with muguet denoise"
        )
    sources = find(inputs)
    check_writable(out, choices.overwrite)
    checkpoint = out.with_name(out.name + ".checkpoint")
    denoiser = train(read_images(sources, choices.axes), choices, checkpoint)
    denoiser.save(out)
    say(f"{out}: the model. Use it with muguet denoise IN -o OUT --model {out}")
    tell_law(denoiser)
    checkpoint.unlink(missing_ok=True)
