"""`muguet fit`: train a denoiser and a noise law, and save them in one model file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from muguet.cli.shared.apply import show_law
from muguet.cli.shared.checkpoints import check_checkpoint, checkpoint_of, remove_checkpoint
from muguet.cli.shared.choices import Choices, with_choices
from muguet.cli.shared.classical import CLASSICAL
from muguet.cli.shared.display import say
from muguet.cli.shared.examples import flat
from muguet.cli.shared.failures import Failures
from muguet.cli.shared.files import Output, check_files
from muguet.cli.shared.options import OUTPUT, Inputs
from muguet.cli.shared.ranks import follow, join, lead, read_together
from muguet.cli.shared.recordings import Recordings, require_room
from muguet.cli.shared.rescue import write_or_rescue
from muguet.cli.shared.results import AsJson, Results
from muguet.cli.shared.streams import Streams
from muguet.cli.shared.train import psf_file, start, train
from muguet.errors import MuguetError


@with_choices
def fit(
    inputs: Inputs,
    *,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Model file to write.", rich_help_panel=OUTPUT)
    ] = Path("model.muguet"),
    choices: Choices,
    as_json: AsJson = False,
) -> None:
    """Train a denoiser and a noise law on noisy images, and save them in one model file."""
    from muguet.cli.shared.paths import find, find_sources

    if not join():
        return follow(choices)
    if choices.recipe in CLASSICAL:
        raise MuguetError(
            f"--recipe {choices.recipe} needs no training, so there is no model to save: use it with muguet denoise"
        )
    sources = [source.path for source in find_sources(inputs, choices.recursive)]
    checkpoint = checkpoint_of([out])
    exists = choices.skip_existing and out.exists()
    outputs = [Output(out, "model"), Output(checkpoint, "checkpoint", "the checkpoint")]
    read_too = (*(find(choices.clean) if choices.clean else ()), psf_file(choices.psf), *choices.maps)
    check_files([*sources, *read_too], outputs, choices.overwrite or exists)
    printed, failures = Results("fit", as_json), Failures(len(sources), choices.strict)
    if exists:
        say(f"{out} exists: there is nothing to do.")
        printed.add_kept([out])
        printed.print(failures)
        return
    check_checkpoint(checkpoint, choices)
    lead(sources, choices)
    streams = Streams(choices)
    require_room(sources, streams)
    images, targets = read_together(sources, choices, failures, streams)
    recordings = Recordings(choices, streams)
    recordings.keep(images)
    session = start(flat(images), flat(targets), choices, checkpoint)
    denoiser = train(session, choices, checkpoint)
    written = failures.note_place(out, write_or_rescue(out, denoiser.save))
    say(f"{written}: the model. To use it: muguet denoise IN -o OUT --model {written}")
    show_law(denoiser)
    remove_checkpoint(checkpoint)
    printed.add_inputs(recordings.digests)
    printed.add_model(denoiser, written)
    printed.print(failures)
    return failures.end()
