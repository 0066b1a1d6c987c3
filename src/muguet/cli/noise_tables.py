"""What `muguet noise` tells: tables and sentences, JSON, a figure."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from muguet.cli.noise_measured import Found, Measurement

if TYPE_CHECKING:
    from muguet.noise.camera.readout import Interval

Floats = npt.NDArray[np.float64]

_ROWS = 9  # of a table
_TAILS = (0.025, 0.975)


def _rows(found: Found, measured: Measurement | None) -> dict[str, Floats]:
    """The table: columns over signals that lie closer where it is dark, as σ rises fastest there."""
    low, high = found.signal_range
    signal: Floats = low + (high - low) * np.linspace(0, 1, _ROWS) ** 2
    if found.law is None:
        points = found.readout.points
        return {"signal": signal, "std": np.sqrt(np.interp(signal, points.signal, points.variance))}
    law = found.law
    columns = {
        "signal": signal,
        "std": law.std(signal),
        "skewness": law.skewness(signal),
        **{f"q{p}": law.quantile(signal, p) - signal for p in _TAILS},
    }
    if found.learned is not None:
        columns["learned_std"] = found.learned.std(signal)
    if measured is not None and measured.found is not found and measured.found.law is not None:
        first, last = measured.found.signal_range
        seen = (signal >= first) & (signal <= last)
        other = measured.found.law
        columns["measured_std"] = np.where(seen, other.std(signal), np.nan)
        columns["measured_skewness"] = np.where(seen, other.skewness(signal), np.nan)
        at = other.points().signal  # type: ignore[operator]
        columns["divergence"] = np.where(seen, np.interp(signal, at, _given(found.along)), np.nan)
    return {name: np.asarray(values, np.float64) for name, values in columns.items()}


def _given(values: Floats | None) -> Floats:
    assert values is not None
    return values


def tell(laws: list[Found], measured: Measurement | None, channel: int, as_json: bool) -> None:
    """Print everything: for people, or one JSON object for programs."""
    if as_json:
        told = {
            "channel": channel,
            "laws": [_facts(law, measured) for law in laws],
            "measured": None if measured is None else _facts(measured.found, measured),
        }
        print(json.dumps(_plain(told), indent=1, allow_nan=False))
        return
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    everything = laws + ([] if measured is None else [measured.found])
    for n, found in enumerate(everything):
        if n:
            console.print()
        _show(console, found, measured)
    apart = [law for law in laws if law.divergence is not None]
    if apart:
        console.print("\n[bold]Mean KL divergence measured‖learned[/bold], in nats a pixel")
        wide = max(len(law.name) for law in apart)
        for law in apart:
            console.print(f"{law.name:<{wide}}  {law.components} comp.  {law.divergence:8.5f}", markup=False)


_KINDS = {
    "learned": "learned",
    "pair": "measured against the clean image",
    "repeats": "measured on repeats",
    "alone": "photon-transfer curve of the image alone",
}
_HEADS = {
    "signal": "signal",
    "std": "σ",
    "learned_std": "N-net σ",
    "measured_std": "meas. σ",
    "skewness": "skew",
    "measured_skewness": "meas.",
    "q0.025": "2.5 %",
    "q0.975": "97.5 %",
    "divergence": "KL",
}


def _show(console: Any, found: Found, measured: Measurement | None) -> None:
    from rich.markup import escape
    from rich.table import Table

    from muguet.noise.camera.sentences import interpret

    of = f", {found.components} component{'s' * (found.components > 1)}" if found.components else ""
    console.print(f"[bold]{escape(found.name)}[/bold]  {_KINDS[found.kind]}{of}")
    columns = _rows(found, measured)
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="dim")
    shown = [name for name in _HEADS if name in columns]
    for name in shown:
        table.add_column(_HEADS[name], justify="right", no_wrap=True)
    texts = [
        _aligned(columns[name], 2 if "skew" in name else 4 if name == "divergence" else None)
        for name in shown
    ]
    for row in zip(*texts, strict=True):
        table.add_row(*row)
    console.print(table)
    readout = found.readout
    excess = f", for an excess-noise factor of {readout.excess:g}"
    for name, interval, unit in (
        ("gain", readout.gain, f"ADU per electron{excess}"),
        ("offset", readout.offset, "ADU, given" if readout.separated else "ADU, if there is no read noise"),
        ("read noise", readout.read_noise, "electrons"),
    ):
        console.print(f"{name:<10}  {_bounded(interval)} {unit}", markup=False)
    for sentence in (*interpret(readout), *found.notes):
        console.print(sentence, markup=False)


def _aligned(values: Floats, decimals: int | None = None) -> list[str]:
    """Numbers with the same decimals: enough for three or four digits of the largest."""
    if decimals is None:
        largest = float(np.nanmax(np.abs(values), initial=0.0))
        decimals = int(np.clip(3 - np.floor(np.log10(largest)), 0, 12)) if largest > 0 else 0
    rounded = np.round(values, decimals) + 0.0  # no −0.00
    return ["–" if np.isnan(value) else f"{value:.{decimals}f}".replace("-", "−") for value in rounded]


def _bounded(interval: Interval) -> str:
    value, low, high = (
        f"{v:.4g}".replace("-", "−").replace("inf", "∞")
        for v in (interval.value, interval.low, interval.high)
    )
    return f"{value} [{low}, {high}]"


def _facts(found: Found, measured: Measurement | None) -> dict[str, Any]:
    """All that is known, for programs."""
    from muguet.noise.camera.sentences import interpret

    readout = found.readout
    intervals = {
        name: getattr(readout, name) for name in ("gain", "offset", "read_noise", "zero", "third_ratio")
    }
    return {
        "name": found.name,
        "kind": found.kind,
        "components": found.components,
        "signal_range": list(found.signal_range),
        "table": _rows(found, measured),
        "readout": {
            **{name: None if each is None else asdict(each) for name, each in intervals.items()},
            "excess": readout.excess,
            "separated": readout.separated,
            "linear": list(readout.linear),
            "departures": [asdict(departure) for departure in readout.departures],
            "step": readout.step,
        },
        "points": asdict(readout.points),
        "verdict": list(interpret(readout)),
        "notes": found.notes,
        "mean_divergence": found.divergence,
        "divergence": None
        if found.along is None or measured is None
        else {"signal": measured.found.readout.points.signal, "nats": found.along},
    }


def _plain(value: Any) -> Any:
    """What JSON can hold: lists for arrays, null for what is not a number or infinite."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    return value


def draw(laws: list[Found], measured: Measurement | None, out: Path) -> None:
    """Draw the laws, and what was measured, into a file."""
    from muguet.figures.noise import Curve, noise_figure
    from muguet.figures.style import save

    curves = [
        Curve(
            f"{law.name}, {law.components} component{'s' * ((law.components or 0) > 1)}",
            law.law,
            law.signal_range,
            law.along,
        )
        for law in laws
        if law.law is not None
    ]
    figure = noise_figure(
        curves,
        None if measured is None else measured.source,
        None if measured is None else measured.signals,
        measured.found.name if measured is not None and not laws else None,
    )
    save(figure, out)
