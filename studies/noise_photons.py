"""Compare the predicted σ of the noise with the known one, from one photo-electron to a thousand.

    python studies/noise_photons.py [--full] [--photons 1 3 10 …] [--sets phantom nuclei …] [--data FOLDER]

Poisson noise and a read noise of one electron are added to clean images whose brightest pixels (99.9th percentile) have
the given numbers of photo-electrons. The clean images of real cells have noise of their own, which counts as signal
here although it is as fine as the added noise; so each is also used after a blur by a Gaussian of one pixel.
Writes noise_photons.png, .svg and .csv, and prints the table.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import common
import numpy as np
import pairs
import torch
from pairs import Floats, Pair

from muguet.noise import PoissonGaussian, corrupt
from muguet.restoration import gaussian_blur
from muguet.samples import acquisition

GAIN, READ_NOISE = 2.0, 1.0  # counts a photo-electron, photo-electrons
PHOTONS = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
SETS = ("phantom", "nuclei", "nuclei_smoothed", "mitochondria", "mitochondria_smoothed")
SIDE = 512  # Side of the centre that is used, in pixels.
WITHIN = (0.5, 99.5)  # The ratios are computed between these percentiles of the signal.
GOOD = 10.0  # The grey band of the figure is ± this percentage.


def main(arguments: Sequence[str] | None = None) -> None:
    options = common.parser(__file__, __doc__, SETS)
    options.add_argument(
        "--photons",
        nargs="+",
        type=float,
        default=list(PHOTONS),
        help="photo-electrons of the brightest pixels",
    )
    choices = common.parsed(options, arguments)
    rows = [row for name in choices.sets for row in study(name, choices)]
    about = common.about(choices)
    common.write_table(choices.out / "noise_photons.csv", rows, about)
    common.save_figure(draw(rows), choices.out / "noise_photons")
    common.print_table([table_row(row) for row in rows], about)


def study(name: str, choices: Any) -> Iterator[dict[str, Any]]:
    """Yield one row for each number of photo-electrons."""
    image = clean_image(choices.data, name)
    for photons in choices.photons:
        pair = recorded(name, image, photons)
        model = common.trained(pair, choices)
        signal = np.linspace(*np.percentile(pair.clean, WITHIN), 200)
        row: dict[str, Any] = {"set": name, "photons": photons, "noisy_psnr": pair.level}
        for which, law in (("muguet", model.noise), ("nnet", model.learned_laws[0])):
            ratio = law.std(signal) / pair.known(signal)
            row |= {
                f"{which}_lowest": float(ratio.min()),
                f"{which}_median": float(np.median(ratio)),
                f"{which}_highest": float(ratio.max()),
            }
        yield row


def clean_image(data: Path, name: str) -> Floats:
    """Return the centre of a clean image, scaled to 1 at the 99.9th percentile."""
    if name == "phantom":
        image = acquisition((SIDE, SIDE), 1).astype(np.float64) - 100
    else:
        image = pairs.read(data / f"clean_{name.removesuffix('_smoothed')}.tif")[0].astype(np.float64)
    top, left = (max(0, (size - SIDE) // 2) for size in image.shape)
    image = image[top : top + SIDE, left : left + SIDE]
    if name.endswith("_smoothed"):
        image = gaussian_blur(torch.from_numpy(image)[None, None], 1.0)[0, 0].numpy()
    return np.asarray(image / np.percentile(image, 99.9))


def recorded(name: str, image: Floats, photons: float) -> Pair:
    """Return what a camera records of a clean image, in whole counts."""
    law = PoissonGaussian(GAIN, pairs.OFFSET, READ_NOISE)
    clean = pairs.OFFSET + GAIN * photons * image[None]
    drawn = corrupt(law, torch.from_numpy(clean), torch.Generator().manual_seed(1)).numpy()
    noisy = np.clip(np.rint(drawn), 0, 65535).astype(np.uint16)
    return Pair(name, "Poisson-Gaussian", noisy, clean, law.std, photons, pairs.expected_psnr(law, clean))


def table_row(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of the printed table."""
    shown: dict[str, Any] = {"set": row["set"].replace("_", ", "), "photo-electrons": f"{row['photons']:g}"}
    shown["noisy (dB)"] = f"{row['noisy_psnr']:.1f}"
    for which, name in (("muguet", "muguet"), ("nnet", "N-net's own")):
        low, middle, high = (row[f"{which}_{part}"] for part in ("lowest", "median", "highest"))
        shown[f"{name}: σ̂/σ, median [lowest, highest]"] = f"{middle:.3f} [{low:.3f}, {high:.3f}]"
    return shown


def draw(rows: Sequence[dict[str, Any]]) -> Any:
    """Draw σ̂/σ against the light, a panel for each set: the median, and the range from lowest to highest shaded."""
    from muguet.figures import style

    names = list(dict.fromkeys(row["set"] for row in rows))
    with style.require_matplotlib().rc_context({**style.STYLE, **common.SMALL}):
        figure = style.canvas(1.5 * len(names) + 0.4, 2.0, None)
        panels = figure.subplots(1, len(names), sharey=True, squeeze=False)[0]
        for axes, name in zip(panels, names, strict=True):
            chosen = [row for row in rows if row["set"] == name]
            photons = [row["photons"] for row in chosen]
            axes.axhspan(1 - GOOD / 100, 1 + GOOD / 100, color="0.92", lw=0)
            axes.axhline(1, color="0.5", lw=0.6)
            for which, label, colour in (
                ("nnet", "N-net's own", style.SERIES[1]),
                ("muguet", "muguet", style.SERIES[0]),
            ):
                low, middle, high = (
                    [row[f"{which}_{part}"] for row in chosen] for part in ("lowest", "median", "highest")
                )
                axes.fill_between(photons, low, high, color=colour, alpha=0.25, lw=0)
                axes.plot(photons, middle, marker="o", ms=2.5, lw=1.2, color=colour, label=label)
            axes.set(title=name.replace("_", ",\n"), xscale="log", xlabel="Photo-electrons", ylim=(0.7, 1.9))
            axes.set_xticks(photons, [f"{each:g}" for each in photons], minor=False)
            axes.minorticks_off()
        panels[0].set_ylabel("σ predicted / known")
        panels[0].legend(loc="upper left")
        common.letter(panels)
        figure.draw_without_rendering()  # computes the layout while the style is active
    return figure


if __name__ == "__main__":
    common.run(main)
