"""What `muguet noise` prints: tables and sentences, JSON, a figure."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from muguet.cli.shared.display import output, print_json
from muguet.noise.origin import Origin
from muguet.system.terminal import printable

if TYPE_CHECKING:
    from rich.console import Console

    from muguet.noise.camera.readout import Interval, Readout
    from muguet.noise.law import Law

Floats = npt.NDArray[np.float64]

_ROWS = 9  # Signals of a table.
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


@dataclass(eq=False)
class Entry:
    """The noise law of one file, and what is printed about it.

    Attributes
    ----------
    name
        The file's name.
    origin
        How the law was obtained.
    readout
        The camera, read off the law; None where it is not known.
    signal_range
        Darkest and brightest signal of the table, in counts.
    law
        The law; None where only a photon-transfer curve is known.
    components
        Gaussians of a learned law.
    learned
        N-net's own law, if `law` was calibrated.
    signals
        The signal of every pixel that was measured, in counts; empty for a learned law.
    mean_divergence
        KL(measured‖learned) averaged over the pixels, in nats.
    divergence
        KL(measured‖learned) at each point of the measured photon-transfer curve, in nats.
    notes
        Sentences on what the law can and cannot show.
    """

    name: str
    origin: Origin
    readout: Readout | None
    signal_range: tuple[float, float]
    law: Law | None = None
    components: int | None = None
    learned: Law | None = None
    signals: Floats = field(default_factory=lambda: np.empty(0))
    mean_divergence: float | None = None
    divergence: Floats | None = None
    notes: tuple[str, ...] = ()

    @property
    def curve_name(self) -> str:
        """The name of a law in the legend of a figure: what is not the usual case is added."""
        origin = "" if self.origin is Origin.CALIBRATED else f", {self.origin.words}"
        return f"{self.name}{self.components_text}{origin}"

    @property
    def components_text(self) -> str:
        """The number of components in words, after a comma; empty if there are none."""
        return f", {self.components} component{'s' * (self.components > 1)}" if self.components else ""


def show(laws: list[Entry], measured: Entry | None, channel: int, as_json: bool) -> None:
    """Print all laws: as tables and sentences, or as one JSON object."""
    if as_json:
        facts = {
            "channel": channel,
            "laws": [_facts(law, measured) for law in laws],
            "measured": None if measured is None else _facts(measured, measured),
        }
        print_json(facts)
        return
    console = output(soft_wrap=True)
    for n, entry in enumerate(laws + ([] if measured is None else [measured])):
        if n:
            console.print()
        _show_entry(console, entry, measured)
    compared = [law for law in laws if law.mean_divergence is not None]
    if compared:
        console.print("\n[bold]Mean KL divergence measured‖learned[/bold], in nats a pixel")
        width = max(len(printable(law.name)) for law in compared)
        for law in compared:
            console.print(
                f"{printable(law.name):<{width}}  {law.components} comp.  {law.mean_divergence:8.5f}",
                markup=False,
            )


def _columns(entry: Entry, measured: Entry | None) -> dict[str, Floats]:
    """Return the table of an entry, with the measured law and its divergence beside a learned one."""
    from muguet.noise.measured import MeasuredLaw
    from muguet.noise.table import law_table, table_signals, within

    signals = table_signals(*entry.signal_range, _ROWS)
    if entry.law is None:
        assert entry.readout is not None
        return law_table(entry.readout.points, signals)
    other = measured.law if measured is not None and measured is not entry else None
    if not isinstance(other, MeasuredLaw):
        return law_table(entry.law, signals, learned=entry.learned)
    columns = law_table(entry.law, signals, learned=entry.learned, measured=other)
    if entry.divergence is not None:
        nats = np.interp(signals, other.points().signal, entry.divergence)
        columns["divergence"] = np.where(within(other, signals), nats, np.nan)
    return columns


def _show_entry(console: Console, entry: Entry, measured: Entry | None) -> None:
    from rich.markup import escape
    from rich.table import Table

    from muguet.noise.camera.interpretation import interpret

    console.print(
        f"[bold]{escape(printable(entry.name))}[/bold]  {entry.origin.words}{entry.components_text}"
    )
    columns = _columns(entry, measured)
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
    sentences = entry.notes
    if (readout := entry.readout) is not None:
        for name, interval, unit in (
            (
                "gain",
                readout.gain,
                f"counts per photo-electron, for an excess-noise factor of {readout.excess:g}",
            ),
            (
                "offset",
                readout.offset,
                "counts, given" if readout.separated else "counts, if there is no read noise",
            ),
            ("read noise", readout.read_noise, "photo-electrons"),
        ):
            console.print(f"{name:<10}  {_with_bounds(interval)} {unit}", markup=False)
        sentences = (*interpret(readout), *sentences)
    for sentence in sentences:
        console.print(sentence, markup=False)


def _aligned(values: Floats, decimals: int | None = None) -> list[str]:
    """Return numbers with the same decimals: enough for three or four digits of the largest."""
    if decimals is None:
        largest = float(np.nanmax(np.abs(values), initial=0.0))
        decimals = int(np.clip(3 - np.floor(np.log10(largest)), 0, 12)) if largest > 0 else 0
    rounded = np.round(values, decimals) + 0.0  # no −0.00
    return ["–" if np.isnan(value) else f"{value:.{decimals}f}".replace("-", "−") for value in rounded]


def _with_bounds(interval: Interval) -> str:
    value, low, high = (
        f"{v:.4g}".replace("-", "−").replace("inf", "∞")
        for v in (interval.value, interval.low, interval.high)
    )
    return f"{value} [{low}, {high}]" if interval.known else value


def _facts(entry: Entry, measured: Entry | None) -> dict[str, Any]:
    """Return an entry as values for JSON."""
    from muguet.noise.camera.interpretation import interpret

    readout = entry.readout
    names = ("gain", "offset", "read_noise", "zero", "third_ratio")
    divergence = None
    if entry.divergence is not None and measured is not None and measured.readout is not None:
        divergence = {"signal": measured.readout.points.signal, "nats": entry.divergence}
    return {
        "name": entry.name,
        "kind": entry.origin.value,
        "origin": entry.origin.words,
        "components": entry.components,
        "signal_range": entry.signal_range,
        "table": _columns(entry, measured),
        "readout": None
        if readout is None
        else {
            **{name: getattr(readout, name) for name in names},
            "excess": readout.excess,
            "separated": readout.separated,
            "linear": readout.linear,
            "departures": readout.departures,
            "step": readout.step,
        },
        "points": None if readout is None else asdict(readout.points),
        "verdict": () if readout is None else interpret(readout),
        "notes": entry.notes,
        "mean_divergence": entry.mean_divergence,
        "divergence": divergence,
    }


def draw(laws: list[Entry], measured: Entry | None, out: Path) -> None:
    """Draw the laws, and what was measured, into a file."""
    from muguet.figures.noise import Curve, noise_figure
    from muguet.figures.style import save
    from muguet.noise.measured import MeasuredLaw

    curves = [
        Curve(law.curve_name, law.law, law.signal_range, law.divergence)
        for law in laws
        if law.law is not None
    ]
    if measured is None:
        save(noise_figure(curves, None, None, None), out)
        return
    assert measured.readout is not None
    source = measured.law if isinstance(measured.law, MeasuredLaw) else measured.readout.points
    save(noise_figure(curves, source, measured.signals, None if laws else measured.name), out)
