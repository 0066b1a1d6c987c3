"""Corrections of counts on the command line: those of a model or of the options."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from muguet.cli.shared.choices import Choices

if TYPE_CHECKING:
    from muguet.denoiser.denoiser import Denoiser


def corrected_as_chosen(denoiser: Denoiser, choices: Choices) -> Denoiser:
    """Return a model that corrects counts as the options ask, or as in its training where they ask for nothing."""
    if choices.lines == "auto" and not choices.maps:
        return denoiser
    chosen, own = choices.correction(), denoiser.correction
    lines = chosen.lines if choices.lines != "auto" else own.lines
    return replace(
        denoiser, correction=replace(own, lines=lines, maps=chosen.maps if choices.maps else own.maps)
    )
