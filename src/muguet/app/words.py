"""Texts and tables of the page."""

from __future__ import annotations

import logging
import math
import traceback
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from muguet.errors import MuguetError
from muguet.system.atomic import reason
from muguet.system.memory import out_of_memory
from muguet.system.text import number

if TYPE_CHECKING:
    from muguet.image.image import Image
    from muguet.interactive.checks import Judged

_logger = logging.getLogger("muguet.app")
_COLUMNS = {
    "signal": "signal",
    "std": "σ",
    "skewness": "skewness",
    "low": "2.5 %",
    "high": "97.5 %",
}


def size_text(shape: Sequence[int]) -> str:
    """Return the size of a plane in words, width first, as in 640×480."""
    return "×".join(str(size) for size in reversed(shape))


def about(image: Image) -> str:
    """Return what an image is, in a few words."""
    size = "×".join(map(str, image.data.shape))
    pixel = image.pixel_size.get("X")
    scale = "pixel size unknown" if pixel is None else f"{1000 * pixel:.4g} nm per pixel"
    return f"{image.axes} {size}, {image.data.dtype}, {scale}"


def law_table(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Return the table of a noise law: its heads, and rows of numbers as text."""
    names = [name for name in _COLUMNS if name in columns]
    rows = [
        [number(float(columns[name][row]), 2 if name == "skewness" else None) for name in names]
        for row in range(len(columns["signal"]))
    ]
    return {"heads": [_COLUMNS[name] for name in names], "rows": rows}


def checks(judged: Judged) -> dict[str, Any]:
    """Return the checks with their figures as text."""
    found = [
        {
            "name": check.name,
            "verdict": check.verdict,
            "sentence": check.sentence,
            "figures": [
                [name.replace("_", " "), number(value)]
                for name, value in check.figures.items()
                if math.isfinite(value)
            ],
        }
        for check in judged.quality.checks
    ]
    blur = "" if judged.of_blur is None else f"What this blur does to the image: {judged.of_blur.sentence}"
    return {"verdict": judged.quality.verdict, "list": found, "blur": blur}


def logged(error: Exception) -> str:
    """Return an error as one sentence; a fault of the program is shown in the terminal, too."""
    if not isinstance(error, MuguetError | OSError | MemoryError):
        _logger.error("%s", "".join(traceback.format_exception(error)))
    return sentence_of(error)


def sentence_of(error: BaseException) -> str:
    """Return an error as one sentence for the page."""
    full = out_of_memory(error)
    if full is not None:
        return full
    if isinstance(error, MuguetError):
        return str(error)
    if isinstance(error, OSError):
        return f"a file cannot be used: {reason(error)}"
    return f"muguet failed on this image ({type(error).__name__}): the terminal in which it runs shows where"
