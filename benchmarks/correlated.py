"""What is lost to correlated noise: filtered noise on simulated cells, and a real two-photon image.

python benchmarks/correlated.py                    # before training, as with `muguet denoise --minutes 0`
python benchmarks/correlated.py --steps 300        # after 300 steps
python benchmarks/correlated.py --kernels gaussian-0.4 --steps 300
python benchmarks/correlated.py --scene mitochondria  # the clean image of this name in $MUGUET_DATA instead of cells
python benchmarks/correlated.py --false-alarms     # how often independent noise is taken for correlated

Every image has the same noise power: that of photo-electrons and of a read noise of one photo-electron, filtered so
that neighbours share it; the demosaiced ones are interpolated from the pixels of one colour, and compared with the
scene interpolated in the same way. "white" takes the noise away as it does now; "hidden" is the mask that hides the
neighbours instead (--mask x1y1), "as independent" takes no notice (--mask pixel). "bound" is what the best linear
filter loses for the scene, as correlated noise has more power at the low frequencies at which scenes have theirs: the
ratio of the squared errors of Wiener filters with the true spectra. On the two-photon image, PSNR is that against the
mean of five frames, which is noisy itself.

False alarms are counted on simulated cells and all clean images in $MUGUET_DATA, of which every pixel, every second or
every third one is taken, so that their structure is finer than any that optics would leave.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from muguet.formats import read
from muguet.quality import psnr
from muguet.samples import acquisition
from muguet.system import machine
from muguet.training import Sample, collect, prepare

_SIDE = 256
_F = np.fft.fftfreq(_SIDE)


def _separable(along_y: np.ndarray, along_x: np.ndarray) -> np.ndarray:
    return np.multiply.outer(along_y, along_x)


def _gaussian(sigma: float) -> np.ndarray:
    one = np.exp(-2 * (np.pi * sigma * _F) ** 2)
    return _separable(one, one)


def _mixed(sigma: float, share: float) -> np.ndarray:
    """Noise that was filtered by a Gaussian, beside independent noise with this share of the standard deviation."""
    filtered = _gaussian(sigma) ** 2
    mixed: np.ndarray = np.sqrt((1 - share**2) * filtered / filtered.mean() + share**2)
    return mixed


def _slow(share: float) -> np.ndarray:
    return _separable(np.ones(_SIDE), np.abs((1 - share) / (1 - share * np.exp(-2j * np.pi * _F))))


KERNELS = {
    "independent": np.ones((_SIDE, _SIDE)),
    "gaussian-0.4": _gaussian(0.4),
    "gaussian-0.6": _gaussian(0.6),
    "gaussian-0.8": _gaussian(0.8),
    "gaussian-1.2": _gaussian(1.2),
    "gaussian-1.2-mixed-0.1": _mixed(1.2, 0.1),
    "gaussian-1.2-mixed-0.3": _mixed(1.2, 0.3),
    "gaussian-0.8-mixed-0.3": _mixed(0.8, 0.3),
    "half-pixel-shift": _separable(np.abs(np.cos(np.pi * _F)), np.abs(np.cos(np.pi * _F))),
    "slow-rows-0.1": _slow(0.1),
    "slow-rows-0.3": _slow(0.3),
    "slow-rows-0.5": _slow(0.5),
}
"""The gain of the filter of the noise at each frequency along Y and X."""

MOSAICS = {
    "demosaiced-red": ([[1, 2, 1], [2, 4, 2], [1, 2, 1]], lambda y, x: (y % 2 == 0) & (x % 2 == 0)),
    "demosaiced-green": ([[0, 1, 0], [1, 4, 1], [0, 1, 0]], lambda y, x: (y + x) % 2 == 0),
}
"""Weights (in quarters) of a bilinear interpolation of the pixels of one colour, and where they lie in the mosaic."""

MASKS = {"white": "auto", "hidden": "x1y1", "as independent": "pixel"}


def filtered(white: np.ndarray, gain: np.ndarray) -> np.ndarray:
    """Filter white noise; its variance stays one."""
    return np.fft.ifft2(np.fft.fft2(white) * gain / np.sqrt((gain**2).mean())).real


def demosaiced(image: np.ndarray, name: str) -> np.ndarray:
    """Interpolate the pixels of one colour of a Bayer mosaic."""
    weights, lies = MOSAICS[name]
    return ndimage.convolve(image * lies(*np.indices(image.shape)), np.array(weights) / 4, mode="wrap")


def wiener_loss(scene: np.ndarray, variance: float, gain: np.ndarray) -> float:
    """Return the loss of Wiener filters, in dB, from independent noise to noise of this spectrum and the same power."""
    power = np.abs(np.fft.fft2(scene - scene.mean())) ** 2 / scene.size
    errors = []
    for spectrum in (np.ones_like(gain), gain**2 / (gain**2).mean()):
        noise = variance * spectrum
        errors.append((power * noise / (power + noise + 1e-300)).mean())
    return float(10 * np.log10(errors[1] / errors[0]))


def denoised(image: np.ndarray, mask: str, steps: int, seed: int) -> tuple[np.ndarray, Any]:
    """Denoise an image; return the result, in counts, and the model."""
    session = prepare(collect([Sample(image, "YX", "image")]), steps=steps, mask=mask, seed=seed)
    while not session.finished:
        session.advance()
    model = session.denoiser()
    return model(image, "YX"), model


def clean(name: str | None, folder: Path, seed: int) -> np.ndarray:
    """Return the middle of a clean image, or simulated cells."""
    if name is None:
        return acquisition((_SIDE, _SIDE), seed).astype(np.float64)
    data = read(folder / f"clean_{name}.tif").data
    plane = data.reshape(-1, *data.shape[-2:])[0].astype(np.float64)
    y, x = ((n - _SIDE) // 2 for n in plane.shape)
    return plane[y : y + _SIDE, x : x + _SIDE]


def simulated(
    cells: np.ndarray, brightest: float, names: list[str], steps: int, seed: int
) -> list[dict[str, Any]]:
    """Measure all kernels at one light level."""
    cells = 1 + brightest * (cells - cells.min()) / np.ptp(cells)
    white = np.random.default_rng(seed).normal(size=cells.shape)
    rows = []
    for name in names:
        row: dict[str, Any] = {"brightest": brightest, "kernel": name}
        if name in MOSAICS:
            truth = demosaiced(10 * cells + 100, name)
            noisy = demosaiced(10 * (cells + np.sqrt(cells + 1) * white) + 100, name).astype(np.float32)
        else:
            gain, truth = KERNELS[name], 10 * cells + 100
            noisy = (truth + 10 * np.sqrt(cells + 1) * filtered(white, gain)).astype(np.float32)
            overlap = np.fft.ifft2(gain**2).real
            row["true"] = [float(overlap[1, 0] / overlap[0, 0]), float(overlap[0, 1] / overlap[0, 0])]
            row["bound"] = wiener_loss(cells, float(cells.mean() + 1), gain)
        row["noisy"] = psnr(noisy, truth)
        for kind, mask in MASKS.items():
            if mask == "x1y1" and steps == 0:
                continue
            result, model = denoised(noisy, mask, steps, seed)
            row[kind] = psnr(result, truth)
            if kind == "white" and name in KERNELS:
                found = model.noise.correlation
                row["measured"] = (
                    [float(next(iter(each), 0.0)) for each in (found.y, found.x)] if found else [0, 0]
                )
                levels = np.percentile(truth, [5, 50, 95])
                true_std = 10 * np.sqrt((levels - 100) / 10 + 1)
                row["std_ratio"] = (model.noise.std(levels) / true_std).tolist()
        rows.append(row)
        print({k: np.round(v, 2) if isinstance(v, float | list) else v for k, v in row.items()}, flush=True)
    return rows


def two_photon(folder: Path, steps: int, seed: int) -> dict[str, float]:
    """Denoise the two-photon image in all ways."""
    noisy, mean = (read(folder / f"correlated_2p_{kind}.tif").data for kind in ("noisy", "avg5"))
    found = {"noisy": psnr(noisy, mean)}
    for kind, mask in {**MASKS, "hidden": "x1"}.items():
        if kind != "hidden" or steps > 0:
            found[kind] = psnr(denoised(noisy, mask, steps, seed)[0], mean)
    print(found, flush=True)
    return found


def false_alarms(folder: Path, seed: int) -> list[dict[str, Any]]:
    """Count images with independent noise in which correlated noise is found, at five light levels."""
    names = (
        "mitochondria",
        "nuclei",
        "hela",
        *(f"w2s_ch{c}" for c in range(3)),
        "fmd_mice",
        "fmd_fish",
        "fmd_bpae",
    )
    files = [folder / (f"{n}_clean.tif" if "_" in n else f"clean_{n}.tif") for n in names]
    scenes = {"cells": acquisition((512, 512), seed).astype(np.float64)}
    for name, file in zip(names, files, strict=True):
        if file.exists():
            data = read(file).data
            scenes[name] = data.reshape(-1, *data.shape[-2:])[0].astype(np.float64)
    rows: list[dict[str, Any]] = []
    for name, whole in scenes.items():
        for step in (1, 2, 3):
            scene = whole[::step, ::step][:512, :512]
            for brightest in (30, 100, 300, 1000, 3000):
                electrons = 1 + brightest * (scene - scene.min()) / np.ptp(scene)
                white = np.random.default_rng(seed + 1).normal(size=scene.shape)
                noisy = (10 * (electrons + np.sqrt(electrons + 1) * white) + 100).astype(np.float32)
                found = prepare(collect([Sample(noisy, "YX", "image")]), steps=0, seed=seed).whitenings
                kernel = found[0].kernel if found and found[0] else None
                rows.append(
                    {"scene": name, "step": step, "brightest": brightest, "found": kernel is not None}
                )
                if kernel is not None:
                    rows[-1]["correlation"] = [float(next(iter(each), 0.0)) for each in (kernel.y, kernel.x)]
                    print(rows[-1], flush=True)
    print(f"{sum(row['found'] for row in rows)} of {len(rows)} images with independent noise")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--levels", type=float, nargs="+", default=[30, 300], help="photo-electrons of the brightest"
    )
    parser.add_argument("--kernels", nargs="+", choices=[*KERNELS, *MOSAICS], default=[*KERNELS, *MOSAICS])
    parser.add_argument("--steps", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scene", help="name of a clean image; simulated cells without it")
    parser.add_argument("--false-alarms", action="store_true", help="count false alarms, and do nothing else")
    parser.add_argument("--no-real", action="store_true", help="leave the two-photon image out")
    parser.add_argument("--out", type=Path, default=Path("build/correlated.json"))
    arguments = parser.parse_args()
    steps, seed = arguments.steps, arguments.seed
    scene = arguments.scene
    found: dict[str, Any] = {"machine": machine(), "seed": seed, "steps": steps, "scene": scene or "cells"}
    found["simulated"] = []
    folder = Path(os.environ.get("MUGUET_DATA", "../shared/data"))
    if arguments.false_alarms:
        found = {"machine": machine(), "seed": seed, "false_alarms": false_alarms(folder, seed)}
        arguments.levels, arguments.no_real = [], True
    for level in arguments.levels:
        found["simulated"] += simulated(clean(scene, folder, seed), level, arguments.kernels, steps, seed)
    if not arguments.no_real and (folder / "correlated_2p_noisy.tif").exists():
        found["two_photon"] = two_photon(folder, steps, seed)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
