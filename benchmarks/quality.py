"""Measure the figures of docs/evidence/results.md on real images: PSNR, noise law and residuals.

    python benchmarks/quality.py [frame] [soon] [frames] [residuals] [bright] [ceiling]
                                 [partners] [--data FOLDER] [--quick]

The images are read from --data, $MUGUET_DATA or ../shared/data. Every case trains with the defaults unless stated
otherwise, prints one line, and is added to benchmarks/results/quality.json with machine and versions.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
import torch

import muguet
from muguet.quality import Residual, psnr
from muguet.restoration import classical, gaussian_blur

HERE = Path(__file__).resolve().parent
BORDER = (
    8  # Pixels on each side of the middle of an image are not scored, because the network sees across it.
)
SIGNALS = np.array([240, 260, 280, 300, 400, 600, 1000, 2000, 3000, 4000], dtype=float)


def best_blur(noisy: np.ndarray, clean: np.ndarray) -> float:
    """Return the PSNR of the Gaussian blur with the best width for this frame."""
    return psnr(classical.best_blur(noisy, clean)[0], clean)


def law_errors(model: Any, clean: np.ndarray, known: Any) -> dict[str, Any]:
    """Return the ratio of the learned to the known standard deviation, from signal 260 to the 99.9th percentile."""
    signal = np.linspace(260, np.percentile(clean, 99.9), 200)
    ratio = model.noise.std(signal) / known(signal)
    return {
        "sigma_ratio_min": float(ratio.min()),
        "sigma_ratio_max": float(ratio.max()),
        "sigma_ratio_median_error": float(np.median(np.abs(ratio - 1))),
        "sigma_at": dict(zip(SIGNALS.tolist(), model.noise.std(SIGNALS).round(1).tolist(), strict=True)),
        "skewness_at": dict(
            zip(SIGNALS.tolist(), model.noise.skewness(SIGNALS).round(2).tolist(), strict=True)
        ),
    }


def w2s_law(signal: np.ndarray) -> np.ndarray:
    """Return σ of W2S, measured on 400 repeated captures: variance = 100 (signal − 200)."""
    return np.sqrt(100 * (signal - 200))


def run(
    noisy: np.ndarray, clean: np.ndarray | None, **choices: Any
) -> tuple[Any, dict[str, Any], np.ndarray]:
    """Train on these images, denoise them, and score."""
    axes = "TYX"[-noisy.ndim :]
    model = muguet.fit(noisy, axes, **choices)
    started = time.monotonic()
    estimate = model(noisy, axes)
    found: dict[str, Any] = {
        **choices,
        "steps": model.training["steps"],
        "training_s": model.training["seconds"],
        "prediction_s": round(time.monotonic() - started, 1),
        "held_out": model.training["held_out"],
    }
    residual = Residual()
    frames = list(
        zip(noisy.reshape(-1, *noisy.shape[-2:]), estimate.reshape(-1, *noisy.shape[-2:]), strict=True)
    )
    for y, x in frames:
        residual.add(y, x)
    found |= {"residual_std": residual.std, "residual_correlation": residual.correlation}
    if model.parts.recipe.startswith("joint"):
        found["residual_correlation_expected"] = expected_correlation(model, noisy, estimate, residual)
    if clean is not None:
        truth = np.broadcast_to(clean, noisy.shape).reshape(-1, *noisy.shape[-2:])
        scores = [psnr(x, c) for (_, x), c in zip(frames, truth, strict=True)]
        found |= {"psnr": float(np.mean(scores)), "psnr_frames": [round(s, 2) for s in scores]}
        found["psnr_noisy"] = float(np.mean([psnr(y, c) for (y, _), c in zip(frames, truth, strict=True)]))
        found["best_blur"] = float(
            np.mean([best_blur(y, c) for (y, _), c in zip(frames, truth, strict=True)])
        )
    return model, found, estimate


def expected_correlation(model: Any, noisy: np.ndarray, estimate: np.ndarray, residual: Residual) -> float:
    """Return the correlation of residual and estimate for an optimal estimate that uses the pixel's own value.

    With y = x + ε, Cov(y − x̂, x̂) = Cov(ε, x̂) − Cov(x̂ − x, x̂), and the error of the best estimate is uncorrelated with
    it. The remaining term is E[σ² ∂x̂/∂y] (Stein 1981, doi:10.1214/aos/1176345632), computed by a small step along noise
    of the learned law (Ramani et al. 2008, doi:10.1109/TIP.2008.2001404).
    """
    axes, step = "TYX"[-noisy.ndim :], 0.1
    std = model.noise.std(estimate)
    noise = np.random.default_rng(0).standard_normal(noisy.shape) * std
    moved = model((noisy + step * noise).astype(np.float32), axes)
    same = model(noisy.astype(np.float32), axes)
    return float(np.mean(noise * (moved - same)) / step / residual.std / np.std(estimate))


def load(data: Path, name: str) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the noisy and the clean images of a set; None if there are no clean images."""
    clean = data / f"{name}_clean.tif"
    return tifffile.imread(data / f"{name}_noisy.tif"), tifffile.imread(clean) if clean.exists() else None


def frame(data: Path, quick: bool) -> dict[str, Any]:
    """Train on one W2S frame for five minutes and denoise it."""
    noisy, clean = load(data, "w2s_ch1")
    assert clean is not None
    model, found, _ = run(noisy[1], clean[1], minutes=0.5 if quick else 5)
    return {"w2s_ch1, frame 1": found | law_errors(model, clean[1], w2s_law)}


def soon(data: Path, quick: bool) -> dict[str, Any]:
    """Train on the same frame for less time: three quarters of a minute, and three minutes."""
    noisy, clean = load(data, "w2s_ch1")
    assert clean is not None
    found = {}
    for minutes in (0.1,) if quick else (0.75, 3.0):
        found[f"w2s_ch1, frame 1, {minutes:g} minutes"] = run(noisy[1], clean[1], minutes=minutes)[1]
    return found


def frames(data: Path, quick: bool) -> dict[str, Any]:
    """Train on all twelve W2S frames together for ten minutes."""
    noisy, clean = load(data, "w2s_ch1")
    assert clean is not None
    model, found, _ = run(noisy, clean, minutes=0.5 if quick else 10)
    return {"w2s_ch1, 12 frames": found | law_errors(model, clean, w2s_law)}


def residuals(data: Path, quick: bool) -> dict[str, Any]:
    """Measure the residuals on images of other microscopes; a residual must not resemble the image."""
    results = {}
    for name in ("convallaria", "sem", "fmd_bpae", "fmd_fish", "fmd_mice", "w2s_ch0", "w2s_ch2"):
        noisy, clean = load(data, name)
        if noisy.ndim == 3:
            noisy, clean = (noisy[1], clean[1] if clean is not None and clean.ndim == 3 else clean)
        _, found, estimate = run(noisy, clean, minutes=0.3 if quick else 2)
        results[name] = found
        pictures(data, name, noisy, estimate)
    return results


BRIGHT = (("mitochondria", 500), ("nuclei", 200))  # images, and photo-electrons of their brightest pixels


def lit(data: Path, name: str, photons: float) -> tuple[np.ndarray, np.ndarray]:
    """Return a clean image as recorded by a camera of gain 2, offset 100 and read noise 2, and its signal in counts."""
    scene = tifffile.imread(data / f"clean_{name}.tif").astype(float)
    electrons, rng = scene / scene.max() * photons, np.random.default_rng(0)
    recorded = 2 * (rng.poisson(electrons) + rng.normal(0, 2, scene.shape)) + 100
    return recorded.round().clip(0, 65535).astype(np.uint16), 2 * electrons + 100


def bright(data: Path, quick: bool) -> dict[str, Any]:
    """Compare the default, the U-Net, a blur and wavelets at many photo-electrons, where own values matter most."""
    results = {}
    for name, photons in BRIGHT:
        noisy, clean = lit(data, name, photons)
        wavelet = psnr(classical.calibrated(noisy, "wavelet")[0], clean)
        for net in ("filterbank", "unet"):
            model, found, _ = run(noisy, clean, minutes=0.3 if quick else 5, net=net)
            if model.method.has_gate:
                found["psnr_known_law"] = psnr(with_known_law(model, noisy), clean)
            results[f"{name}, {photons} photo-electrons, {net}"] = found | {"wavelet": wavelet}
    return results


def with_known_law(model: Any, noisy: np.ndarray) -> np.ndarray:
    """Return the estimate if the weight of the pixel's own value is computed from the variance that `lit` simulated.

    The weight g has 1 − g = σ² / (τ² + σ²), whose denominator is measured at hidden pixels for any law. The noise of
    the clean image itself is noise to the learned law and signal to the score. There is no averaging over flips.
    """
    scaling, strides = model.scalings[0], model.method.net.stride
    padding = [(0, -size % stride) for size, stride in zip(noisy.shape, strides, strict=True)]
    units = torch.from_numpy(np.pad(scaling.apply(noisy.astype(np.float32)), padding, mode="reflect"))
    whole = tuple(slice(size) for size in noisy.shape)
    with torch.inference_mode():
        blind, gate = (each[0, 0].numpy()[whole] for each in model.method.predict(units[None, None])[:2])
    estimate, rest = scaling.invert(blind), 1 - gate
    known = 2 * np.maximum(estimate - 100, 0) + 4 * 4 + 1 / 12
    rest = np.minimum(rest * known / model.noise.std(estimate) ** 2, 1)
    return np.asarray(noisy - rest * (noisy - estimate))


def ceiling(data: Path, quick: bool) -> dict[str, Any]:
    """Train the same network on clean targets of the left half, which shows the possible gain on each half."""
    results = {}
    for name, photons in BRIGHT:
        noisy, clean = lit(data, name, photons)
        middle, steps = noisy.shape[1] // 2, 60 if quick else 1500
        learned = noisy[:, :middle], clean[:, :middle].astype(np.float32)
        models = {
            "supervised": muguet.fit(learned[0], "YX", recipe="supervised", clean=learned[1], steps=steps),
            "joint": muguet.fit(noisy, "YX", steps=steps),
        }
        for recipe, model in models.items():
            squared = (model(noisy, "YX") - clean) ** 2
            halves = {
                "learned": squared[:, : middle - BORDER],
                "new": squared[:, middle + BORDER :],
            }
            results[f"{name}, {photons} photo-electrons, {recipe}"] = {
                f"psnr_{half}": float(10 * np.log10(np.ptp(clean) ** 2 / errors.mean()))
                for half, errors in halves.items()
            }
    return results


def partners(data: Path, quick: bool) -> dict[str, Any]:
    """Compare the brightness of noisy images and their clean partners; scores count a difference as error.

    The result is the regression line over all pixels after a Gaussian blur of 8 pixels, which removes most noise.
    """
    results = {}
    for name in ("fmd_fish", "fmd_mice", "fmd_bpae", "w2s_ch0", "w2s_ch1", "w2s_ch2"):
        noisy, clean = (blurred(image) for image in load(data, name) if image is not None)
        gain, offset = np.polyfit(np.broadcast_to(clean, noisy.shape).ravel(), noisy.ravel(), 1)
        results[f"{name}, noisy beside clean"] = {"gain": float(gain), "offset": float(offset)}
    return results


def blurred(images: np.ndarray) -> np.ndarray:
    """Return each image blurred separately, in floating point."""
    planes = torch.from_numpy(images.reshape(-1, 1, *images.shape[-2:]).astype(np.float32))
    return gaussian_blur(planes, 8.0).numpy().astype(float)


def pictures(data: Path, name: str, noisy: np.ndarray, estimate: np.ndarray) -> None:
    """Draw a picture for inspection in a folder that git ignores, because these pixels may not be published."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(18, 6.5), layout="constrained")
    rows, columns = (slice(max(n // 2 - 150, 0), n // 2 + 150) for n in noisy.shape)
    low, high = np.nanpercentile(estimate, [0.1, 99.9])
    residual = noisy.astype(float) - estimate
    spread = 3 * np.nanstd(residual)
    shown = ((noisy, low, high), (estimate, low, high), (residual, -spread, spread))
    for axes, (image, lo, hi) in zip(figure.subplots(1, 3), shown, strict=True):
        axes.imshow(image[rows, columns], cmap="gray", vmin=lo, vmax=hi)
        axes.axis("off")
    folder = HERE.parent / "private"
    folder.mkdir(exist_ok=True)
    figure.savefig(folder / f"residual_{name}.png", dpi=70)


CASES = {f.__name__: f for f in (frame, soon, frames, residuals, bright, ceiling, partners)}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cases", nargs="*", default=list(CASES), help=", ".join(CASES))
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("MUGUET_DATA", "../shared/data")))
    parser.add_argument("--quick", action="store_true", help="a tenth of the time, only to test that it runs")
    chosen = parser.parse_args()
    if not chosen.data.is_dir():
        sys.exit(f"{chosen.data} does not exist: give the folder of images with --data or MUGUET_DATA")
    path = HERE / "results" / ("quick.json" if chosen.quick else "quality.json")
    path.parent.mkdir(exist_ok=True)
    results = json.loads(path.read_text()) if path.exists() else {}
    about = {
        "muguet": muguet.__version__,
        "torch": torch.__version__,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads",
        "commit": subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=HERE, check=False
        ).stdout.strip(),
        "date": time.strftime("%Y-%m-%d"),
    }
    for case in chosen.cases:
        for name, found in CASES[case](chosen.data, chosen.quick).items():
            print(name, json.dumps(found), flush=True)
            results[name] = found | about
            path.write_text(json.dumps(results, indent=1))
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB; {path}")


if __name__ == "__main__":
    main()
