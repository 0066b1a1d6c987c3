"""Denoise one microscope image and learn its noise law, from that image alone.

    python examples/demo.py                       with a simulated image, whose clean image is known
    python examples/demo.py cells.tif             with your own image
    python examples/demo.py cells.tif --out result --minutes 5

The output folder then contains denoised.tif, model.muguet and overview.png.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from muguet import Denoiser, MuguetError, training
from muguet.figures import overview, save
from muguet.formats import check_output, read, write
from muguet.image import Image, to_dtype
from muguet.noise import PoissonGaussian
from muguet.quality import psnr
from muguet.restoration import best_blur
from muguet.samples import acquisition
from muguet.training import Sample, collect

CAMERA = PoissonGaussian(gain=2.0, offset=100.0, read_noise=1.5)
PIXEL_SIZE = 0.108  # µm, for a 60x objective and camera pixels of 6.5 µm
SECONDS_BETWEEN_LINES = 10.0


def main() -> int:
    options = parse()
    try:
        run(options)
    except MuguetError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("demo: stopped before the results were complete", file=sys.stderr)
        return 130
    return 0


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("image", nargs="?", type=Path, help="TIFF image; without one, an image is simulated")
    parser.add_argument("--out", type=Path, default=Path("demo"), help="output folder (default: demo)")
    parser.add_argument(
        "--minutes",
        type=float,
        help="maximum training time in minutes (default: 2; for the simulated image 1.25)",
    )
    parser.add_argument(
        "--axes", help="axes, if those in the file are wrong: one letter of TCZYXS for each, e.g. TYX"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the random numbers (default: 0)")
    return parser.parse_args()


def run(options: argparse.Namespace) -> None:
    clean = None
    if options.image is None:
        clean = acquisition(seed=options.seed)
        noisy = simulate(clean, options.seed)
        write(options.out / "noisy.tif", noisy, overwrite=True)
        print(f"simulated an image of {describe(noisy)}")
    else:
        noisy = read(options.image, options.axes)
        print(f"read {options.image}: {describe(noisy)}")
    for note in noisy.notes:
        print(note)
    check_output(options.out / "denoised.tif", overwrite=True)

    model = fit(noisy, options.minutes or (1.25 if clean is not None else 2.0), options.seed)
    started = time.monotonic()
    denoised = model(noisy.data, noisy.axes)
    print(f"denoised in {time.monotonic() - started:.1f} s")
    print(model.training["outcome"]["sentence"])

    result = replace(noisy, data=to_dtype(denoised, noisy.data.dtype), notes=())
    write(options.out / "denoised.tif", result, overwrite=True)
    model.save(options.out / "model.muguet")
    draw(model, noisy, denoised, clean, options.out / "overview.png")
    if clean is not None:
        compare(model, noisy.data, denoised, clean)
    print(f"{options.out}/: denoised.tif, model.muguet, overview.png")


def simulate(clean: np.ndarray, seed: int) -> Image:
    """Return what a 16-bit camera records of a clean image."""
    recorded = to_dtype(CAMERA.sample(clean, seed), np.uint16)
    return Image(recorded, "YX", {"Y": PIXEL_SIZE, "X": PIXEL_SIZE})


def describe(image: Image) -> str:
    size = image.pixel_size.get("X")
    scale = f", {size:g} µm per pixel" if size else ""
    return f"{' × '.join(map(str, image.data.shape))} ({image.axes}), {image.data.dtype}{scale}"


def fit(image: Image, minutes: float, seed: int) -> Denoiser:
    """Train on one image and print the progress every few seconds; `muguet.fit` does the same silently."""
    data = collect([Sample(image.data, image.axes)])
    for note in data.notes:
        print(note)
    session = training.Session(data, plan=training.Plan(minutes=minutes, seed=seed))
    printed = time.monotonic()
    held_out = None
    for progress in training.steps(session):
        held_out = held_out if progress.held_out is None else progress.held_out
        if time.monotonic() - printed >= SECONDS_BETWEEN_LINES:
            printed = time.monotonic()
            score = "" if held_out is None else f", held-out loss {held_out:.4f}"
            print(
                f"step {progress.step} of {progress.total}{score}, {progress.seconds_left:.0f} s left",
                flush=True,
            )
    print(f"trained {session.step} steps in {session.seconds:.0f} s")
    return session.denoiser()


def draw(model: Denoiser, noisy: Image, denoised: np.ndarray, clean: np.ndarray | None, path: Path) -> None:
    """Save an overview figure of the first plane of the first channel."""
    layout = model.layout(noisy.data.shape, noisy.axes)
    page = overview(
        layout.split(noisy.data)[0, 0],
        layout.split(denoised)[0, 0],
        model.laws[0],
        model.training["signal_range"][0],
        true_std=None if clean is None else CAMERA.std,
        clean=clean,
        pixel_size=noisy.pixel_size.get("X"),
        title=noisy.path.name if noisy.path else "Simulated acquisition",
    )
    save(page, path)


def compare(model: Denoiser, noisy: np.ndarray, denoised: np.ndarray, clean: np.ndarray) -> None:
    """Print the errors of the result and of the learned noise, which only a simulation allows."""
    before, after = psnr(noisy, clean), psnr(denoised, clean)
    blurred, sigma = best_blur(noisy, clean)
    print(f"PSNR {before:.2f} dB noisy -> {after:.2f} dB denoised ({after - before:+.2f} dB)")
    print(
        f"     {psnr(blurred, clean):.2f} dB for the best Gaussian blur (sigma {sigma:.1f} pixels, closest to truth)"
    )
    signal = np.linspace(*np.percentile(clean, [1, 99.5]), 200)
    error = np.abs(model.noise.std(signal) / CAMERA.std(signal) - 1)
    print(
        f"relative error of the learned sigma: {100 * np.median(error):.1f} % (median), "
        f"{100 * error.max():.1f} % (maximum), for signals from {signal[0]:.0f} to {signal[-1]:.0f}"
    )


if __name__ == "__main__":
    sys.exit(main())
