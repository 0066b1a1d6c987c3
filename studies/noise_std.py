"""Compare the standard deviation of the noise against the signal, measured and predicted, for common and rare signals.

    python studies/noise_std.py [--full] [--levels 15 20 25] [--sets nuclei w2s_ch1 …] [--data FOLDER]

Three laws of noise on clean images, at the strengths that give a PSNR of --levels decibels, and the three channels of
W2S. Writes noise_std.png and .svg (of the middle level), noise_std.csv (the curves) and noise_std_table.csv (the error
of the predicted σ), and prints that table.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import common
import numpy as np
import pairs
from pairs import Measured, Pair

from muguet.noise import Law

BINS = 64  # The range of the signal is divided into this number of bins to find rare signals.
RARE = 1e-3  # The signals of a bin are rare if it has less than this share of the pixels.
WITHIN = (0.5, 99.5)  # The error is computed between these percentiles of the signal.


@dataclass(frozen=True, eq=False)
class Found:
    """A set and the laws that were found for it."""

    pair: Pair
    measured: Measured
    laws: dict[str, Law]  # the law that muguet returns, and the one that N-net learned


def main(arguments: Sequence[str] | None = None) -> None:
    options = common.parser(__file__, __doc__, [*pairs.CLEAN, *pairs.REAL])
    options.add_argument("--levels", nargs="+", type=float, default=[20.0], help="PSNR of the noisy images")
    choices = common.parsed(options, arguments)
    found = [study(pair, choices) for pair in chosen(choices)]
    table = [{**named(each.pair), **errors(each)} for each in found]
    about = common.about(choices)
    common.write_table(choices.out / "noise_std.csv", [row for each in found for row in curves(each)], about)
    common.write_table(choices.out / "noise_std_table.csv", table, about)
    middle = sorted(choices.levels)[len(choices.levels) // 2]
    shown = [each for each in found if each.pair.level == middle or each.pair.kind == "W2S"]
    common.save_figure(draw(shown), choices.out / "noise_std")
    common.print_table([table_row(row) for row in table], about)


def chosen(choices: argparse.Namespace) -> Iterator[Pair]:
    """Yield the sets one after the other, because they need not all fit into memory."""
    for level in choices.levels:
        for kind in pairs.LAWS:
            for name in choices.sets:
                if name in pairs.CLEAN:
                    yield pairs.simulated(choices.data, name, kind, level)
    for name in choices.sets:
        if name in pairs.REAL:
            yield pairs.real(choices.data, name)


def study(pair: Pair, choices: argparse.Namespace) -> Found:
    model = common.trained(pair, choices)
    return Found(pair, pair.measured(), {"muguet": model.noise, "nnet": model.learned_laws[0]})


def named(pair: Pair) -> dict[str, Any]:
    return {"set": pair.name, "noise": pair.kind, "level_db": pair.level, "parameter": pair.parameter}


def curves(found: Found) -> Iterator[dict[str, Any]]:
    """Yield σ at the mean signal of every bin of the measured law, which has a thousand pixels or more."""
    points = found.measured.points
    columns = {
        "signal": points.signal,
        "pixels": points.count,
        "cut": found.measured.cut,
        "sigma_measured": np.sqrt(points.variance),
        "sigma_known": found.pair.known(points.signal),
        **{f"sigma_{name}": law.std(points.signal) for name, law in found.laws.items()},
    }
    for values in zip(*columns.values(), strict=True):
        yield {**named(found.pair), **dict(zip(columns, values, strict=True))}


def errors(found: Found) -> dict[str, float]:
    """Return the median and largest |σ̂/σ − 1| over the range that contains 99 % of the pixels, and over rare signals.

    The range is divided into 200 equal steps, so its bright end counts as much as its dark end, where most pixels
    are. Rare signals are those in bins (64 of equal width, between the darkest and the brightest pixel) with
    fewer than 0.1 % of the pixels.
    """
    clean = found.pair.clean
    darkest, brightest = np.percentile(clean, WITHIN)
    usual = np.linspace(darkest, brightest, 200)
    counts, edges = np.histogram(clean, BINS)
    rare = (0.5 * (edges[1:] + edges[:-1]))[(counts > 0) & (counts < RARE * clean.size)]
    result = {}
    for name, law in found.laws.items():
        for which, signals in (("", usual), ("_rare", rare)):
            error = np.abs(law.std(signals) / found.pair.known(signals) - 1)
            result[f"{name}{which}_median"] = float(np.median(error)) if error.size else np.nan
            result[f"{name}{which}_worst"] = float(error.max()) if error.size else np.nan
    return result


def table_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of the printed table, with errors in per cent."""
    shown = {"set": row["set"], "noise": row["noise"]}
    if not math.isnan(row["level_db"]):
        shown["noise"] += f", {row['level_db']:g} dB"
    for law, name in (("muguet", "muguet"), ("nnet", "N-net's own")):
        shown |= {
            f"{name}: median, worst (%)": percent(row[f"{law}_median"], row[f"{law}_worst"]),
            f"{name}: rare signals (%)": percent(row[f"{law}_rare_median"], row[f"{law}_rare_worst"]),
        }
    return shown


def percent(*shares: float) -> str:
    return "–" if math.isnan(shares[0]) else ", ".join(f"{100 * share:.1f}" for share in shares)


# ------------------------------------------------------------------ figure


def draw(found: Sequence[Found]) -> Any:
    """Draw a column for every kind of noise and a row for every image: σ above the histogram of the signal."""
    from muguet.figures import style

    kinds = list(dict.fromkeys(each.pair.kind for each in found))
    columns = [[each for each in found if each.pair.kind == kind] for kind in kinds]
    rows = max(map(len, columns))
    with style.require_matplotlib().rc_context({**style.STYLE, **common.SMALL}):
        figure = style.canvas(1.85 * len(kinds), 1.95 * rows + 0.3, None)
        grid = figure.add_gridspec(2 * rows, len(kinds), height_ratios=[2.4, 1.0] * rows)
        panels = []
        for row in range(rows):
            for column, sets in enumerate(columns):
                if row < len(sets):
                    above = figure.add_subplot(grid[2 * row, column])
                    below = figure.add_subplot(grid[2 * row + 1, column], sharex=above)
                    cell(sets[row], above, below)
                    above.set_title(f"{kinds[column]}\n" * (row == 0) + sets[row].pair.short)
                    outer(above, below, column == 0, row == len(sets) - 1)
                    panels.append(above)
        common.letter(panels)
        handles, labels = panels[-1].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=len(labels))
        figure.draw_without_rendering()  # computes the layout while the style is active
    return figure


def cell(found: Found, above: Any, below: Any) -> None:
    """Draw the panels of one image with one kind of noise."""
    from muguet.figures import style

    clean = found.pair.clean
    signal = np.linspace(clean.min(), clean.max(), 256)
    points = found.measured.points
    common.draw_measured(above, found.measured, np.sqrt(points.variance))
    above.plot(signal, found.pair.known(signal), color=style.HISTOGRAM, lw=2.6, zorder=1, label="known")
    looks = {
        "muguet": ("muguet", style.SERIES[0], "-"),
        "nnet": ("N-net's own", style.SERIES[1], (0, (4, 2))),
    }
    for name, (label, colour, dash) in looks.items():
        above.plot(signal, found.laws[name].std(signal), color=colour, ls=dash, lw=1.2, label=label)
    above.set_ylim(0, 1.3 * float(found.pair.known(signal).max()))
    above.tick_params(labelbottom=False)
    style.draw_histogram(below, clean, (float(clean.min()), float(clean.max())), False)


def outer(above: Any, below: Any, left: bool, bottom: bool) -> None:
    """Label the axes only at the outer edges of the figure."""
    above.set_ylabel("σ (counts)" if left else "")
    below.set_ylabel("Pixels" if left else "")
    below.set_xlabel("Signal (counts)" if bottom else "")


if __name__ == "__main__":
    common.run(main)
