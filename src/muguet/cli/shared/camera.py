"""Corrections of counts on the command line: those of a model or of the options, and what large images do not allow."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from muguet.cli.shared.options import Choices
from muguet.errors import MuguetError

if TYPE_CHECKING:
    from muguet.denoiser import Denoiser


def corrected_as_chosen(denoiser: Denoiser, choices: Choices) -> Denoiser:
    """Return a model that corrects counts as the options ask, or as in its training where they ask for nothing."""
    if choices.lines == "auto" and not choices.maps:
        return denoiser
    chosen, own = choices.correction(), denoiser.correction
    lines = chosen.lines if choices.lines != "auto" else own.lines
    return replace(
        denoiser, correction=replace(own, lines=lines, maps=chosen.maps if choices.maps else own.maps)
    )


def refuse_whole_images(source: Path, denoiser: Denoiser, writes_pattern: bool) -> None:
    """Raise an error if an image that is processed block by block needs what only whole images allow.

    Raises
    ------
    MuguetError
        If there are maps of the camera, or the pattern is to be written.
    """
    if denoiser.correction.maps.given or writes_pattern:
        what = "--pattern" if writes_pattern else "maps of the camera"
        raise MuguetError(
            f"{source} is processed block by block, and {what} need{'s' * writes_pattern} whole images in memory: "
            "allow more by --memory, or process parts of the image"
        )
