"""Tables of a report: the noise law, the camera, and what was run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from muguet.report.facts import number
from muguet.report.page import Chart, charts

_LAW_HEADS = {
    "signal": "signal",
    "std": "σ",
    "own_std": "N-net σ",
    "measured_std": "high-pass σ",
    "skewness": "skew\u00adness",
    "low": "2.5\u00a0%",
    "high": "97.5\u00a0%",
}
_READ = {"gain": "Gain", "offset": "Offset", "read_noise": "Read noise"}


def law_table(columns: Mapping[str, Sequence[float | None]]) -> str:
    """The law at a few signals."""
    shown = [name for name in _LAW_HEADS if name in columns]
    head = "".join(f'<th scope="col">{_LAW_HEADS[name]}</th>' for name in shown)
    rows = "".join(
        "<tr>"
        + "".join(f"<td>{_cell(name, value)}</td>" for name, value in zip(shown, row, strict=True))
        + "</tr>\n"
        for row in zip(*(columns[name] for name in shown), strict=True)
    )
    caption = "In camera counts"
    if "low" in columns:
        caption += "; 95 % of the noise lies between the last two columns"
    return (
        f'<div><p class="quiet">{caption}.</p>\n<div class="scroll"><table>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>{rows}</tbody></table></div></div>"
    )


def _cell(column: str, value: float | None) -> str:
    if column == "skewness" and value is not None:
        return f"{value:.2f}".replace("-", "−")  # more digits mean nothing
    return number(value)


def readout_table(readout: Mapping[str, Any]) -> str:
    """Gain, offset and read noise with their intervals, and what they mean."""
    units = {
        "gain": f"counts a photo-electron, for an excess-noise factor of {number(readout['excess'])}",
        "offset": "counts, given" if readout["separated"] else "counts, if there is no read noise",
        "read_noise": "photo-electrons",
    }
    rows = "".join(
        f'<tr><th scope="row">{label}<span class="unit">{units[name]}</span></th>'
        f"<td>{number(readout[name]['value'])}</td>"
        f"<td>{number(readout[name]['low'])} to {number(readout[name]['high'])}</td></tr>\n"
        for name, label in _READ.items()
    )
    sentences = "".join(f"<li>{escape(sentence)}</li>\n" for sentence in readout["verdict"])
    return (
        '<div class="scroll"><table><thead><tr><td></td><th scope="col">value</th>'
        '<th scope="col">95 % interval</th></tr></thead>\n'
        f'<tbody>{rows}</tbody></table></div>\n<ul class="sentences">\n{sentences}</ul>'
    )


def run_table(shown: Mapping[str, str], training: Sequence[Chart]) -> str:
    """What was run, one row a fact, beside how the training went."""
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>'
        + (f"<code>{escape(value)}</code>" if name == "Command" else escape(value))
        + "</td></tr>\n"
        for name, value in shown.items()
    )
    return f'<div class="ran">{charts(training)}\n<table class="run"><tbody>{rows}</tbody></table></div>'
