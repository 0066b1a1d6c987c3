"""Compare the shape of real noise with one, two and three components: skewness and Kullback–Leibler divergence.

    python studies/noise_shape.py [--full] [--sets w2s_ch0 w2s_ch1 w2s_ch2] [--data FOLDER]

The noise of W2S, all frames of a channel, is measured on pairs, and learned from the noisy images alone as a mixture of
one Gaussian (G1), of two (G2) and of three (G3). Writes noise_shape.png and .svg, noise_shape.csv (skewness and
Kullback–Leibler divergence against the signal), noise_shape_table.csv (their summaries), and prints that table.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import common
import numpy as np
import pairs
from pairs import Floats, Measured, Pair

from muguet.noise import Law, divergence, mean_divergence

COMPONENTS = (1, 2, 3)
CLOSE = 0.15  # A predicted skewness within this distance counts as close.
MIN_PIXELS = 1000  # Skewness is compared in bins with more pixels than this.


@dataclass(frozen=True, eq=False)
class Found:
    """A set, the law measured on it, and the laws that muguet returns and N-net learned, by number of components."""

    pair: Pair
    measured: Measured
    delivered: Mapping[int, Law]
    learned: Mapping[int, Law]
    along: Mapping[int, Floats]  # KL(measured‖delivered) in each bin of the measured law, in nats


def main(arguments: Sequence[str] | None = None) -> None:
    options = common.parser(__file__, __doc__, pairs.REAL)
    choices = common.parsed(options, arguments)
    found = [study(pairs.real(choices.data, name), choices) for name in choices.sets]
    table = [row for each in found for row in summaries(each)]
    about = common.about(choices)
    common.write_table(
        choices.out / "noise_shape.csv", [row for each in found for row in curves(each)], about
    )
    common.write_table(choices.out / "noise_shape_table.csv", table, about)
    common.save_figure(draw(found, table), choices.out / "noise_shape")
    common.print_table([table_row(row) for row in table], about)


def study(pair: Pair, choices: argparse.Namespace) -> Found:
    models = {k: common.trained(pair, choices, k) for k in COMPONENTS}
    measured = pair.measured()
    delivered = {k: model.noise for k, model in models.items()}
    learned = {k: model.learned_laws[0] for k, model in models.items()}
    along = {k: divergence(measured.law, law, measured.points.signal) for k, law in delivered.items()}
    return Found(pair, measured, delivered, learned, along)


def curves(found: Found) -> Iterator[dict[str, Any]]:
    """Yield skewness and KL(measured‖law) in nats at the mean signal of every bin of the measured law."""
    points = found.measured.points
    columns = {
        "signal": points.signal,
        "pixels": points.count,
        "cut": found.measured.cut,
        "skewness_measured": found.measured.law.skewness(points.signal),
    }
    for k in COMPONENTS:
        columns[f"skewness_g{k}"] = found.delivered[k].skewness(points.signal)
        columns[f"kl_g{k}"] = found.along[k]
        columns[f"skewness_nnet_g{k}"] = found.learned[k].skewness(points.signal)
        columns[f"kl_nnet_g{k}"] = divergence(found.measured.law, found.learned[k], points.signal)
    for values in zip(*columns.values(), strict=True):
        yield {"set": found.pair.name, **dict(zip(columns, values, strict=True))}


def summaries(found: Found) -> Iterator[dict[str, Any]]:
    """Yield for each number of components the mean divergence over all pixels and the error of the skewness.

    Skewness is compared in bins of more than 1000 pixels without clipping. The skewness of 1000 pixels has a standard
    error of 0.08 for a Gaussian and a larger one for skewed noise, so the share of close bins is given as well.
    """
    points = found.measured.points
    at = points.signal[(points.count > MIN_PIXELS) & ~found.measured.cut]
    measured = found.measured.law.skewness(at)
    seen = found.pair.clean[np.isfinite(found.pair.unsaturated())]
    for k in COMPONENTS:
        off = np.abs(found.delivered[k].skewness(at) - measured)
        yield {
            "set": found.pair.name,
            "components": k,
            "kl": mean_divergence(found.measured.law, found.delivered[k], seen),
            "kl_nnet": mean_divergence(found.measured.law, found.learned[k], seen),
            "skewness_off_median": float(np.median(off)),
            "skewness_off_worst": float(off.max()),
            "within_0.15": float(np.mean(off <= CLOSE)),
        }


def table_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of the printed table."""
    return {
        "set": row["set"],
        "law": f"G{row['components']}",
        "mean KL (nats)": row["kl"],
        "N-net's own": row["kl_nnet"],
        "skewness off: median": row["skewness_off_median"],
        "worst": row["skewness_off_worst"],
        "bins within 0.15 (%)": 100 * row["within_0.15"],
    }


# ------------------------------------------------------------------ figure


def draw(found: Sequence[Found], table: Sequence[Mapping[str, Any]]) -> Any:
    """Draw a column for every set, skewness above divergence, and the mean divergences on the right."""
    from muguet.figures import style

    with style.require_matplotlib().rc_context({**style.STYLE, **common.SMALL}):
        figure = style.canvas(1.75 * (len(found) + 1), 3.3, None)
        grid = figure.add_gridspec(2, len(found) + 1)
        above = [figure.add_subplot(grid[0, n]) for n in range(len(found))]
        below = [figure.add_subplot(grid[1, n], sharex=above[n]) for n in range(len(found))]
        for each, upper, lower in zip(found, above, below, strict=True):
            draw_skewness(each, upper)
            draw_divergence(each, lower)
        bars = figure.add_subplot(grid[:, -1])
        draw_means(table, bars)
        above[0].set_ylabel("Skewness")
        below[0].set_ylabel("KL (nats)")
        common.letter([*above, *below, bars])
        figure.legend(*above[0].get_legend_handles_labels(), loc="outside upper center", ncols=4)
        figure.draw_without_rendering()  # computes the layout while the style is active
    return figure


def looks(k: int) -> dict[str, Any]:
    from muguet.figures import style

    dashes = {1: (0, (2, 1)), 2: (0, (5, 1.5)), 3: "-"}
    return {"color": style.SERIES[3 - k], "linestyle": dashes[k], "linewidth": 1.2, "label": f"G{k}"}


def draw_skewness(found: Found, axes: Any) -> None:
    points = found.measured.points
    signal = np.geomspace(points.signal[0], points.signal[-1], 256)
    skewness = found.measured.law.skewness(points.signal)
    common.draw_measured(axes, found.measured, skewness)
    for k, law in found.delivered.items():
        axes.plot(signal, law.skewness(signal), **looks(k))
    axes.set_xscale("log")
    axes.tick_params(labelbottom=False)
    axes.set_title(found.pair.title)


def draw_divergence(found: Found, axes: Any) -> None:
    """Draw divergences on a logarithmic axis; values below 0.0001 nats are drawn at its lower edge."""
    at = found.measured.points.signal
    for k, values in found.along.items():
        axes.plot(at, np.maximum(values, 1e-4), **looks(k))
    axes.set_yscale("log")
    axes.set_xlabel("Signal (counts)")
    common.plain_numbers(axes.xaxis)


def draw_means(table: Sequence[Mapping[str, Any]], axes: Any) -> None:
    """Draw a bar for every set and number of components, with a line across it for N-net's own law."""
    from muguet.figures import style

    names = list(dict.fromkeys(row["set"] for row in table))
    width = 0.8 / len(COMPONENTS)
    for n, k in enumerate(COMPONENTS):
        rows = [row for row in table if row["components"] == k]
        places = np.arange(len(names)) + (n - 1) * width
        axes.bar(places, [row["kl"] for row in rows], width, color=looks(k)["color"])
        own = [row["kl_nnet"] for row in rows]
        ends = places - 0.45 * width, places + 0.45 * width
        axes.hlines(own, *ends, color=style.INK, lw=1.0, label="N-net's own" if n == 0 else None)
        for place, row in zip(places, rows, strict=True):
            top = place, max(row["kl"], row["kl_nnet"])
            axes.annotate(f"G{k}", top, (0, 2), "data", "offset points", ha="center", fontsize=6)
    axes.legend(loc="upper right", handlelength=1.2)
    axes.set_ylim(top=1.15 * axes.get_ylim()[1])
    axes.set_xticks(np.arange(len(names)), [name.removeprefix("w2s_") for name in names])
    axes.tick_params(axis="x", length=0)
    axes.set_ylabel("Mean KL (nats)")


if __name__ == "__main__":
    common.run(main)
