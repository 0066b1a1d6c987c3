"""Compare the density of the noise against the signal, measured on pairs and predicted by three components.

    python studies/noise_density.py [--full] [--sets mitochondria w2s_ch1] [--data FOLDER]

Poisson-Gaussian noise of --level decibels on clean images, and real noise of W2S. Densities are multiplied by the known
σ, so that every column of a map has the same area; lines show ± this σ. Writes noise_density.png and .svg, and
noise_density.csv (both densities, per count); prints the overlap of the two densities.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import common
import numpy as np
import pairs
from pairs import Floats, Pair

from muguet.noise import Law

KIND = "Poisson-Gaussian"
COLUMNS, ROWS = 48, 64
SIGNALS = 16  # The density of a column is the mean of the law at this number of signals.
MIN_PIXELS = 1000  # Columns with fewer pixels are not drawn.
ENDS = (0.1, 99.5)  # The columns lie between these percentiles of the signal.
REACH = 3.5  # The rows extend by this number of standard deviations of the brightest column to both sides.


@dataclass(frozen=True, eq=False)
class Maps:
    """Densities ``(rows, columns)`` of y − signal, per count, NaN in columns with few pixels.

    Attributes
    ----------
    pair
        The images and their noise.
    signal, noise
        Edges of the columns and of the rows, in counts.
    pixels
        Number of pixels of each column.
    measured, predicted
        Density measured on the pair, and density of muguet's law averaged over each cell.
    """

    pair: Pair
    signal: Floats
    noise: Floats
    pixels: Floats
    measured: Floats
    predicted: Floats


def main(arguments: Sequence[str] | None = None) -> None:
    options = common.parser(__file__, __doc__, [*pairs.CLEAN, *pairs.REAL], ["mitochondria", "w2s_ch1"])
    options.add_argument("--level", type=float, default=20.0, help="PSNR of the simulated noisy images")
    choices = common.parsed(options, arguments)
    found = []
    for name in choices.sets:
        if name in pairs.CLEAN:
            pair = pairs.simulated(choices.data, name, KIND, choices.level)
        else:
            pair = pairs.real(choices.data, name)
        found.append(maps(pair, common.trained(pair, choices).noise))
    about = common.about(choices)
    common.write_table(
        choices.out / "noise_density.csv", [row for each in found for row in cells(each)], about
    )
    common.save_figure(draw(found), choices.out / "noise_density")
    common.print_table([{"set": each.pair.name, "overlap": overlap(each)} for each in found], about)


def maps(pair: Pair, law: Law) -> Maps:
    """Return both densities in the same cells."""
    recorded, clean = pair.recorded().ravel(), pair.clean.ravel()
    clean, recorded = clean[np.isfinite(recorded)], recorded[np.isfinite(recorded)]
    darkest, brightest = np.percentile(clean, ENDS)
    signal = np.linspace(darkest, brightest, COLUMNS + 1)
    reach = REACH * float(pair.known(signal[-1:])[0])
    noise = np.linspace(-reach, reach, ROWS + 1)
    counted, _, _ = np.histogram2d(recorded - clean, clean, (noise, signal))
    pixels, _ = np.histogram(clean, signal)
    drawn = pixels >= min(MIN_PIXELS, clean.size / COLUMNS**2)
    measured, predicted = np.full((2, ROWS, COLUMNS), np.nan)
    height = np.diff(noise)[:, None]
    measured[:, drawn] = counted[:, drawn] / pixels[drawn] / height
    for column in np.flatnonzero(drawn):
        # Use the signals of the column's own pixels, because σ doubles across the darkest column.
        here = clean[(clean >= signal[column]) & (clean <= signal[column + 1])]
        at = np.quantile(here, (np.arange(SIGNALS) + 0.5) / SIGNALS)[:, None]
        below = law.cdf(at + noise, np.broadcast_to(at, (SIGNALS, ROWS + 1)))
        predicted[:, column] = np.diff(below, axis=1).mean(0) / height[:, 0]
    return Maps(pair, signal, noise, pixels, measured, predicted)


def overlap(found: Maps) -> float:
    """Return ∫ min(p, q) dy of the two densities, averaged over the pixels drawn: 1 for equal densities.

    Random fluctuations keep it below 1, by about 0.01 with the number of pixels of these sets.
    """
    shared = (np.minimum(found.measured, found.predicted) * np.diff(found.noise)[:, None]).sum(0)
    drawn = np.isfinite(shared)
    return float(np.average(shared[drawn], weights=found.pixels[drawn]))


def cells(found: Maps) -> Iterator[dict[str, Any]]:
    """Yield every cell of both maps that is drawn."""
    signal, noise = (0.5 * (edges[1:] + edges[:-1]) for edges in (found.signal, found.noise))
    for row, column in np.argwhere(np.isfinite(found.measured)):
        yield {
            "set": found.pair.name,
            "noise_kind": found.pair.kind,
            "signal": signal[column],
            "pixels": int(found.pixels[column]),
            "noise": noise[row],
            "density_measured": found.measured[row, column],
            "density_predicted": found.predicted[row, column],
        }


# ------------------------------------------------------------------ figure


def draw(found: Sequence[Maps]) -> Any:
    """Draw a row for every set: measured on the left, predicted on the right, in the same colours."""
    from muguet.figures import style

    with style.require_matplotlib().rc_context({**style.STYLE, **common.SMALL}):
        figure = style.canvas(5.4, 1.9 * len(found) + 0.2, None)
        panels = figure.subplots(len(found), 2, squeeze=False)
        for each, row in zip(found, panels, strict=True):
            image = pair_of_maps(each, row)
            figure.colorbar(image, ax=list(row), label="density × σ", shrink=0.9, pad=0.02)
        for axes in panels[-1]:
            axes.set_xlabel("Signal (counts)")
        common.letter(panels.ravel())
        figure.draw_without_rendering()  # computes the layout while the style is active
    return figure


def pair_of_maps(found: Maps, row: Sequence[Any]) -> Any:
    """Draw both maps of a set; return the last one for the colour bar."""
    middle = 0.5 * (found.signal[1:] + found.signal[:-1])
    known = found.pair.known(middle)
    largest = float(np.nanquantile(found.measured * known, 0.995))
    maps = {"measured": found.measured, "predicted": found.predicted}
    for axes, (name, density) in zip(row, maps.items(), strict=True):
        image = axes.pcolormesh(
            found.signal, found.noise, density * known, vmin=0, vmax=largest, cmap="magma", rasterized=True
        )
        axes.plot(middle, known, color="white", lw=0.7, ls=(0, (4, 3)))
        axes.plot(middle, -known, color="white", lw=0.7, ls=(0, (4, 3)))
        axes.set_title(f"{found.pair.title}\n{name}")
    row[0].set_ylabel("y − signal (counts)")
    row[1].tick_params(labelleft=False)
    return image


if __name__ == "__main__":
    common.run(main)
