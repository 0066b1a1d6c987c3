"""The checks of a result as HTML for a text widget."""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from muguet.interactive.checks import Judged
    from muguet.quality import Check

_COLOURS = {"good": "#009E73", "doubtful": "#E69F00", "bad": "#D55E00"}
_SIGNS = {"good": "✓", "doubtful": "?", "bad": "✗"}


def as_html(judged: Mapping[str, Judged]) -> str:
    """Return the checks of each channel, by the name of the channel, as HTML for a text widget."""
    parts = []
    for name, each in judged.items():
        if len(judged) > 1:
            parts.append(f"<h3>{escape(name)}</h3>")
        parts += [_check(check) for check in each.quality.checks]
        parts.append(_blur(each))
    return "".join(parts)


def _check(check: Check) -> str:
    sign, colour = _SIGNS[check.verdict], _COLOURS[check.verdict]
    return (
        f'<p><b style="color:{colour}">{sign} {escape(check.name)}</b><br>{escape(check.sentence)}'
        f"<br><small>{escape(_figures(check.figures))}</small></p>"
    )


def _figures(figures: Mapping[str, float]) -> str:
    return " · ".join(
        f"{name.replace('_', ' ')} {value:.3g}" for name, value in figures.items() if math.isfinite(value)
    )


def _blur(judged: Judged) -> str:
    if judged.blur is None:
        return ""
    text = judged.blur.sentence
    if judged.of_blur is not None:
        text += f" What it does to the image: {judged.of_blur.sentence}"
    return f"<p><b>The blur beside it</b><br>{escape(text)}</p>"
