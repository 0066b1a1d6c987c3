"""Compare the resolution that the checks report with the true one, on simulated images at three light levels.

    python benchmarks/resolution.py [--data FOLDER] [--out benchmarks/results/resolution.json]

The scenes are simulated fields of cells and low-noise images, blurred by one pixel so that they hold no noise of their
own, from --data, $MUGUET_DATA or ../shared/data. The fitted curve was chosen on those that are called "seen". Each is
recorded with at most 20, 100 and 500 photo-electrons a pixel (gain 2, read noise 2 electrons; the seed is the number of
electrons, and one more for the scenes that were not seen) and denoised by the shipped prior. The true resolution is the
period at which the Fourier ring correlation with the clean image falls below 1/2.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import numpy as np
import tifffile
import torch

import muguet
from muguet.noise import PoissonGaussian
from muguet.quality import centre, examine, resolution
from muguet.restoration import gaussian_blur
from muguet.samples import acquisition

HERE = Path(__file__).resolve().parent
LIGHT = (20, 100, 500)
CELLS = range(1, 9)  # Seeds of simulated fields of cells.
SEEN = (*(f"cells, seed {seed}" for seed in range(1, 6)), "nuclei", "mitochondria", "hela")
FILES = {
    **{name: f"clean_{name}" for name in ("nuclei", "mitochondria", "hela")},
    **{f"W2S {channel}": f"w2s_ch{channel}_clean" for channel in range(3)},
    **{f"FMD {name}": f"fmd_{name}_clean" for name in ("mice", "fish", "bpae")},
}
LAW = PoissonGaussian(gain=2.0, offset=100.0, read_noise=2.0)


def scenes(data: Path) -> dict[str, np.ndarray]:
    """Return clean planes of any unit by name."""
    found = {f"cells, seed {seed}": acquisition((512, 512), seed=seed).astype(np.float64) for seed in CELLS}
    for name, file in FILES.items():
        path = data / f"{file}.tif"
        if path.exists():
            plane = tifffile.imread(path).astype(np.float64)
            plane = centre(plane if plane.ndim == 2 else plane[0], 512)
            found[name] = gaussian_blur(torch.from_numpy(plane)[None, None], 1.0)[0, 0].numpy()
        else:
            print(f"{path} is absent: this scene is left out")
    return found


def true_resolution(estimate: np.ndarray, clean: np.ndarray) -> float:
    """Return the period at which the Fourier ring correlation with the clean image falls below 1/2.

    Each ring is averaged over a fifth of its frequency, under a Hann window, as in `muguet.quality.ring_correlation`.
    """
    window = np.hanning(clean.shape[0] + 2)[1:-1, None] * np.hanning(clean.shape[1] + 2)[1:-1]
    one, other = (np.fft.fft2((each - each.mean()) * window) for each in (estimate, clean))
    fy, fx = (np.fft.fftfreq(side) for side in clean.shape)
    number = min(clean.shape) // 2
    ring = np.rint(np.hypot(fy[:, None], fx) * 2 * number).astype(int).ravel()
    products = (one * other.conj()).real, np.abs(one) ** 2, np.abs(other) ** 2
    sums = [np.bincount(ring, each.ravel(), number + 1)[1 : number + 1] for each in products]
    values = []
    for at in range(number):
        half = max(round(0.1 * (at + 1)), 1)
        cross, *powers = (each[max(at - half, 0) : at + half + 1].sum() for each in sums)
        values.append(cross / np.sqrt(np.prod(powers)))
    return resolution(np.arange(1, number + 1) / (2 * number), np.array(values))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    default = os.environ.get("MUGUET_DATA") or HERE.parents[1] / "shared" / "data"
    parser.add_argument("--data", type=Path, default=Path(default))
    parser.add_argument("--out", type=Path, default=HERE / "results" / "resolution.json")
    chosen = parser.parse_args()
    rows = []
    print(
        f"{'scene':16}{'electrons':>10}{'noisy: true':>14}{'found':>8}{'denoised: true':>16}{'found':>8}{'error':>8}"
        f"{'limit':>8}"
    )
    for name, plane in scenes(chosen.data).items():
        for electrons in LIGHT:
            clean = (plane - plane.min()) / (np.percentile(plane, 99.9) - plane.min()) * electrons
            clean = float(LAW.gain) * clean + float(LAW.offset)
            noisy = np.rint(LAW.sample(clean, seed=electrons + (name not in SEEN)))
            model = muguet.fit(noisy, "YX", minutes=0)
            estimate = model(noisy, "YX", symmetries=1).astype(np.float64)
            checks = {check.name: check for check in examine(model, noisy, estimate).checks}
            figures = checks["Resolution and signal-to-noise ratio"].figures
            row = {
                "scene": name,
                "seen": name in SEEN,
                "electrons": electrons,
                "noisy_true": true_resolution(noisy, clean),
                "noisy": figures["resolution_noisy"],
                "denoised_true": true_resolution(estimate, clean),
                "denoised": figures["resolution_denoised"],
                "limit": figures.get("resolution_denoised_limit", float("nan")),
            }
            row["error"] = row["denoised"] / row["denoised_true"] - 1
            rows.append(row)
            print(
                f"{name:16}{electrons:10}{row['noisy_true']:14.2f}{row['noisy']:8.2f}{row['denoised_true']:16.2f}"
                f"{row['denoised']:8.2f}{row['error']:+8.0%}{row['limit']:8.2f}",
                flush=True,
            )
    for kind, seen in (("seen", True), ("not seen", False)):
        errors = np.abs([row["error"] for row in rows if row["seen"] == seen])
        right = sum(row["denoised_true"] <= row["limit"] for row in rows if row["seen"] == seen)
        print(
            f"{kind}: largest error {errors.max(initial=0):.0%}; {(errors <= 0.15).sum()} of {len(errors)} within "
            f"15 %; the true value is within the limit on {right}"
        )
    chosen.out.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
