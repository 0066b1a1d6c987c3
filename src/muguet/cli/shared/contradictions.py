"""Options of `muguet denoise` that contradict each other, or would have no effect: refused before the work."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import typer

from muguet.blockwise.share import Share
from muguet.cli.shared.choices import WITHOUT_TRAINING, Choices
from muguet.errors import MuguetError

_TRAINING = tuple(name for name in Choices.__annotations__ if name not in WITHOUT_TRAINING)
_TRAINED = (
    *("model", "symmetries", "uncertainty", "save_model", "report", "time_window", "causal", "z_window"),
    *("pattern", "lines", "gain_map", "offset_map", "variance_map", "part", "workers", "scheduler"),
)
"""The options of `muguet denoise`, besides those of training, that mean nothing for a recipe without training."""


def refuse_training(context: typer.Context) -> None:
    """Raise an error if an option for training was given, because the model is already trained."""
    _refuse(context, _TRAINING, "is an option for training, but --model is already trained")


def refuse_trained(context: typer.Context, recipe: str) -> None:
    """Raise an error if an option was given that a recipe without training does not have."""
    why = f"is an option for recipes that are trained, but {recipe} is not"
    _refuse(context, (*_TRAINING, *_TRAINED), why, allowed=("recipe", "clean"))


def _refuse(context: typer.Context, names: Sequence[str], why: str, allowed: Sequence[str] = ()) -> None:
    """Raise an error if the user gave one of the options `names`, which would have no effect."""
    for name in names:
        source = context.get_parameter_source(name)
        if name not in allowed and source is not None and source.name == "COMMANDLINE":
            raise MuguetError(f"--{name.replace('_', '-')} {why}: leave one of them out")


def check_part(share: Share | None, model: Path | None, overwrite: bool) -> None:
    """Raise an error if a part of a job (None: all) has no model, or would replace the result of the others."""
    if share is not None and model is None:
        raise MuguetError("--part needs --model, so that all parts use the same one: make it by muguet fit")
    if share is not None and overwrite:
        raise MuguetError(
            "--part and --overwrite contradict each other, because a late part would replace the result of all: remove "
            "the old result, or name another output"
        )


def check_values(ome_zarr: str | None, symmetries: int | None) -> None:
    """Raise an error for values that are not possible, before the training rather than after it."""
    if ome_zarr not in (None, "0.4", "0.5"):
        raise MuguetError(f"--ome-zarr {ome_zarr} is no version that can be written: choose 0.4 or 0.5")
    if symmetries is not None:
        from muguet.prediction.symmetry import symmetries as views

        views(max_count=symmetries)
