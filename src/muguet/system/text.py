"""Values as text: JSON, durations and command lines."""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from html import escape
from typing import Any

import numpy as np

from muguet.system.terminal import printable


def json_safe(value: Any) -> Any:
    """Return a value that JSON can represent: arrays as lists, dataclasses as objects, NaN and infinity as null."""
    if is_dataclass(value) and not isinstance(value, type):
        return json_safe(asdict(value))
    if isinstance(value, Mapping):
        return {str(name): json_safe(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [json_safe(each) for each in value]
    if isinstance(value, np.ndarray | np.generic):
        return json_safe(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value


def to_json(value: Any) -> str:
    """Return a value as JSON text with one number per line, see `json_safe`."""
    return json.dumps(json_safe(value), indent=1, allow_nan=False, ensure_ascii=False)


def html_table(rows: Mapping[str, str]) -> str:
    """Return names and values as a table in HTML, in which no text is taken for HTML."""
    cells = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in rows.items()
    )
    return f"<table>{cells}</table>"


def shell_line(words: Sequence[str]) -> str:
    """Return a command line as one can type it, in one printable line."""
    return printable(" ".join(shlex.quote(word) for word in words))


def duration(seconds: float) -> str:
    """Return a duration as text, such as 8 s, 4 min 05 s or 2 h 10 min."""
    whole = max(round(seconds), 0)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def number(value: float | str | None, decimals: int | None = None) -> str:
    """Return a number as the page writes it; a dash for None.

    Parameters
    ----------
    value
        A number, or the word "inf" or "-inf".
    decimals
        Digits after the point; None: four significant digits, and whole numbers from 10 000 on.
    """
    if value is None:
        return "–"
    value = float(value)
    if decimals is not None:
        text = f"{value:.{decimals}f}"
    else:
        text = f"{value:.0f}" if 1e4 <= abs(value) < 1e7 else f"{value:.4g}"
    return text.replace("-", "−").replace("inf", "∞")
