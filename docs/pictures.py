"""Draw the pictures of the gallery and of the explanations: simulated images, and two that scikit-image ships as CC0.

    python docs/pictures.py                     all, into docs/images
    python docs/pictures.py light movie         only these
    python docs/pictures.py report --browser chromium    a screenshot of a report, by a browser that runs headless

All results but that of the report are first results (`minutes=0`), so that the pictures are drawn in minutes. Seed 0.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import muguet
from muguet.figures import contrast, most_varied_part, save, style
from muguet.formats import write
from muguet.image import Image
from muguet.noise import PoissonGaussian
from muguet.quality import psnr
from muguet.restoration import best_blur
from muguet.samples import GAIN, OFFSET, acquisition

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HERE = Path(__file__).parent
CAMERA = PoissonGaussian(gain=GAIN, offset=OFFSET, read_noise=1.5)
WINDOW = "1180,1016"  # of the browser, in pixels
Panel = tuple[str, np.ndarray, str]  # the title of a column, pixels, and words below them


def light() -> Figure:
    """One scene at three levels of light: noisy, the best blur, muguet, clean."""
    clean = acquisition((256, 256), seed=5)
    rows = []
    for share, words in ((0.05, "5 photo-electrons"), (0.3, "30"), (3.0, "300")):
        truth = OFFSET + share * (clean - OFFSET)
        noisy = recorded(truth)
        blurred, _ = best_blur(noisy, truth)
        estimate = muguet.denoise(noisy, "YX", minutes=0)
        panels = [("recorded", noisy), ("best Gaussian blur", blurred), ("muguet", estimate)]
        found = [(title, image, f"{psnr(image, truth):.1f} dB") for title, image in panels]
        rows.append((words, [*found, ("clean", truth, "")]))
    return grid(rows)


def movie() -> Figure:
    """A frame of a movie: recorded, by itself, with the frames beside it, clean."""
    sys.path.insert(0, str(HERE.parent / "benchmarks"))
    from movies import movie as simulated

    truth = OFFSET + GAIN * simulated(10)["signal"]
    noisy = np.stack([recorded(frame, seed) for seed, frame in enumerate(truth)])
    model = muguet.fit(noisy, "TYX", minutes=0)
    alone = model(noisy, "TYX", time_window=0, symmetries=1)
    together = model(noisy, "TYX", symmetries=1)
    middle = len(truth) // 2
    panels = [
        ("recorded", noisy),
        ("each frame by itself", alone),
        ("with 4 frames before and after", together),
    ]
    found = [
        (title, images[middle], f"{psnr(images[middle], truth[middle]):.1f} dB") for title, images in panels
    ]
    return grid([("", [*found, ("clean", truth[middle], "")])])


def photographs() -> Figure:
    """Images of scikit-image (CC0), with the noise of a camera."""
    from skimage import data

    rows = []
    for name, image in (("cell", data.cell()), ("retina", data.microaneurysms())):
        side = min(*image.shape, 256)
        image = image[most_varied_part(image, (side, side))].astype(float)
        truth = OFFSET + GAIN * 40 * (image - image.min()) / np.ptp(image)
        noisy = recorded(truth)
        blurred, _ = best_blur(noisy, truth)
        estimate = muguet.denoise(noisy, "YX", minutes=0)
        panels = [("with noise", noisy), ("best Gaussian blur", blurred), ("muguet", estimate)]
        found = [(title, image, f"{psnr(image, truth):.1f} dB") for title, image in panels]
        rows.append((name, [*found, ("original", truth, "")]))
    return grid(rows)


def errors() -> Figure:
    """What was removed, the error that was predicted, and the error that was made."""
    truth = acquisition((256, 256), seed=5)
    noisy = recorded(truth)
    estimate, error = muguet.denoise(noisy, "YX", minutes=0, return_std=True)
    removed = (noisy - estimate) / CAMERA.std(truth)
    made = np.abs(estimate - truth)
    high = float(np.percentile(made, 99))
    return grid(
        [
            (
                "",
                [
                    ("muguet", estimate, "counts"),
                    ("removed", removed, "in standard deviations of the noise"),
                    ("predicted error", error, f"0 to {high:.0f} counts"),
                    ("error that was made", made, f"0 to {high:.0f} counts"),
                ],
            )
        ],
        [contrast(estimate), (-3, 3), (0, high), (0, high)],
    )


def awkward() -> Figure:
    """Padding, hot pixels and a dead column: recorded, and denoised."""
    truth = acquisition((256, 256), seed=5)
    noisy = recorded(truth)
    rng = np.random.default_rng(1)
    noisy[tuple(rng.integers(0, 256, (2, 60)))] += rng.integers(300, 2000, 60).astype(np.uint16)
    noisy[:, 100] = 100
    noisy[-40:], noisy[:, -25:] = 0, 0
    estimate = muguet.denoise(noisy, "YX", minutes=0)
    return grid([("", [("recorded", noisy, ""), ("muguet", estimate, "")])], [contrast(truth)] * 2)


def method() -> Figure:
    """How a training step works: pixels are hidden, estimated from their neighbours, and compared with the law."""
    truth = acquisition((512, 512), seed=5)[96:108, 150:162]
    noisy = recorded(truth)
    hidden = np.zeros(noisy.shape, bool)
    hidden[1::3, 1::3] = True
    low, high = contrast(noisy)
    with style.require_matplotlib().rc_context(style.STYLE):
        figure = style.canvas(9.2, 2.5, None)
        panels = figure.subplots(1, 4)
        shown = [noisy, np.where(hidden, np.nan, noisy), np.where(hidden, truth, np.nan)]
        titles = ["1. the recording y", "2. some pixels are hidden", "3. D-net estimates them: b"]
        for axes, image, title in zip(panels, shown, titles, strict=False):
            axes.imshow(image, cmap="gray", vmin=low, vmax=high)
            axes.set_facecolor("#E69F00" if title.startswith("2") else "#EEEEEE")
            axes.set_title(title)
            axes.set_xticks([])
            axes.set_yticks([])
        signal, law = float(np.median(truth[hidden])), panels[3]
        counts = np.linspace(signal - 4 * CAMERA.std(signal), signal + 5 * CAMERA.std(signal), 300)
        law.plot(counts, np.exp(CAMERA.log_prob(counts, np.full(300, signal))), color=style.LEARNED)
        law.axvline(signal, color=style.HISTOGRAM)
        value = signal + 1.3 * float(CAMERA.std(signal))
        law.plot([value], [float(np.exp(CAMERA.log_prob(value, signal)))], "o", color=style.TRUE)
        law.annotate(" recorded y", (value, float(np.exp(CAMERA.log_prob(value, signal)))))
        law.annotate("b ", (signal, 0), ha="right", va="bottom")
        law.set_title("4. N-net: p(y | b), the loss is −log p")
        law.set_yticks([])
        law.set_ylim(bottom=0)
        law.set_xlabel("counts")
        figure.draw_without_rendering()
    return figure


def report(browser: str, path: Path) -> None:
    """Make a report on a simulated image, and save a picture of the top of the page."""
    with tempfile.TemporaryDirectory() as folder:
        noisy = Path(folder) / "cells.tif"
        write(noisy, Image(recorded(acquisition()), "YX", {"Y": 0.108, "X": 0.108}))
        page = Path(folder) / "report.html"
        command = [sys.executable, "-m", "muguet", "denoise", str(noisy), "--report", str(page)]
        subprocess.run([*command, "--steps", "300", "--quiet"], check=True)
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
        flags += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
        flags += [f"--user-data-dir={folder}/profile", f"--window-size={WINDOW}", "--hide-scrollbars"]
        subprocess.run([browser, *flags, f"--screenshot={path.resolve()}", page.as_uri()], check=True)


def recorded(clean: np.ndarray, seed: int = 0) -> np.ndarray:
    """Return what a camera records of a clean image."""
    return np.clip(np.rint(CAMERA.sample(clean, seed)), 0, 65535).astype(np.uint16)


def grid(
    rows: Sequence[tuple[str, Sequence[Panel]]], limits: Sequence[tuple[float, float]] | None = None
) -> Figure:
    """Draw rows of panels; by default all panels of a row have the contrast of the last one."""
    columns = len(rows[0][1])
    with style.require_matplotlib().rc_context(style.STYLE):
        figure = style.canvas(2.3 * columns, 2.5 * len(rows), None)
        lines = figure.subplots(len(rows), columns, squeeze=False)
        for number, (name, panels) in enumerate(rows):
            for column, (title, image, below) in enumerate(panels):
                axes = lines[number, column]
                low, high = limits[column] if limits else contrast(panels[-1][1])
                axes.imshow(image, cmap="gray", vmin=low, vmax=high, interpolation="nearest")
                axes.set_title(title if number == 0 else "", loc="center")
                axes.set_xlabel(below)
                axes.set_ylabel(name if column == 0 else "")
                axes.set_xticks([])
                axes.set_yticks([])
        figure.draw_without_rendering()
    return figure


FIGURES: dict[str, tuple[str, Callable[[], Any]]] = {
    "light": ("gallery-light.png", light),
    "movie": ("gallery-movie.png", movie),
    "photographs": ("gallery-photographs.png", photographs),
    "errors": ("gallery-errors.png", errors),
    "awkward": ("gallery-awkward.png", awkward),
    "method": ("method.png", method),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join([*FIGURES, "report"]))
    parser.add_argument("--out", type=Path, default=HERE / "images", help="the folder of the pictures")
    parser.add_argument("--browser", default="chromium", help="the browser for the report")
    choices = parser.parse_args()
    choices.out.mkdir(parents=True, exist_ok=True)
    for name in choices.names or [*FIGURES, "report"]:
        if name == "report":
            report(choices.browser, choices.out / "report.png")
        else:
            file, draw = FIGURES[name]
            save(draw(), choices.out / file)


if __name__ == "__main__":
    main()
