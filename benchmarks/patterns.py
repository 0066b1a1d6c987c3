"""Measure how much line noise and patterns of pixels are removed, and that scenes that look alike are left alone.

    python benchmarks/patterns.py [--data FOLDER] [--only PART] [--pictures FOLDER] [--out FILE]

The parts are "shift", "lines", "periods", "halves", "standing", "maps", "phantoms" and "real". Scenes, noise and
patterns are simulated with fixed seeds; those of "real" are the images of --data, $MUGUET_DATA or ../shared/data, whose
noise is independent, and in which nothing may be found. `left` is the share of the power of a pattern that remains; no
method can leave less than σ²/(σ² + W τ²) of independent offsets of rows with W pixels. --pictures writes the pictures
of the documentation, which show simulated images only.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from itertools import product
from pathlib import Path

import _shifts
import numpy as np
import tifffile

import muguet
from muguet import samples
from muguet.image import unsaturated
from muguet.pattern import (
    Maps,
    find_halves,
    find_lines,
    find_noisy_pixels,
    find_shift,
    find_standing,
    gain_by_noise,
    second_estimate,
)
from muguet.system import json_safe

HERE = Path(__file__).resolve().parent
Floats = np.ndarray
Row = dict[str, object]
GAIN, OFFSET, READ = 2.0, 100.0, 1.5


def cells(shape: tuple[int, int] = (512, 512), seed: int = 0) -> Floats:
    """A clean image of cells in photo-electrons."""
    return (samples.acquisition(shape, seed).astype(np.float64) - samples.OFFSET) / samples.GAIN


def camera(electrons: Floats, seed: int = 0) -> Floats:
    """Photo-electrons as a camera records them."""
    rng = np.random.default_rng(seed)
    return GAIN * (rng.poisson(electrons) + rng.normal(0, READ, electrons.shape)) + OFFSET


def sigma(electrons: Floats) -> float:
    """The standard deviation of the noise of a pixel, in counts."""
    return GAIN * float(np.sqrt(electrons.mean() + READ**2))


def left(found: Floats | None, pattern: Floats) -> float:
    return 1.0 if found is None else float(np.var(pattern - found) / np.var(pattern))


def shift() -> list[Row]:
    """Odd rows that are shifted against even rows."""
    found = _shifts.found([cells((256, 256), seed) for seed in range(4)])
    return found + _shifts.worth([cells((192, 256), seed) for seed in range(2)])


def lines() -> list[Row]:
    """Independent offsets of rows and columns."""
    rows = []
    for size, seed in product((256, 512), range(4)):
        scene = cells((size, size), seed)
        noisy, noise = camera(scene, seed), sigma(scene)
        for relative, axis in product((0.2, 0.5, 1, 2), ("rows", "columns")):
            offsets = relative * noise * np.random.default_rng(1).normal(size=size)
            plane = (noisy if axis == "rows" else noisy.T) + offsets[:, None]
            start = time.process_time()
            first = find_lines(plane)
            middle = time.process_time()
            second = first and second_estimate(plane, first)
            rows.append(
                {
                    "size": size,
                    "scene": seed,
                    "axis": axis,
                    "relative": relative,
                    "left": left(second and second.offsets, offsets),
                    "left at first": left(first and first.offsets, offsets),
                    "bound": float(noise**2 / (noise**2 + np.var(offsets) * size)),
                    "CPU-seconds at first": middle - start,
                    "CPU-seconds": time.process_time() - middle,
                }
            )
    return rows


def periods() -> list[Row]:
    """Odd and even rows, and stripes."""
    rows = []
    for period, relative, seed in product((2, 5, 12, 32), (0.2, 0.5, 1, 2), range(4)):
        scene = cells(seed=seed)
        offsets = relative * sigma(scene) * (np.arange(len(scene)) % period == 1)
        found = find_lines(camera(scene, seed) + offsets[:, None])
        rest, seen = left(found and found.offsets, offsets), found.period if found else 0
        rows.append(
            {"period": period, "scene": seed, "relative": relative, "left": rest, "found period": seen}
        )
    return rows


def halves() -> list[Row]:
    """A step of offset and gain at the middle row."""
    rows = []
    for seed in range(4):
        scene = cells(seed=seed)
        noisy, noise = camera(scene, seed), sigma(scene)
        for relative, gain in ((0.5, 0.0), (1, 0.0), (2, 0.0), (2, 0.1), (2, 0.2)):
            plane = noisy.copy()
            lower = plane[256:]
            lower[:] = OFFSET + (lower - OFFSET) * (1 + gain) + relative * noise
            found = find_halves(plane)
            step = None if found is None else found.offset / noise
            ratio = None if found is None else gain_by_noise([plane])
            row: Row = {"scene": seed, "offset": relative, "gain": gain, "found offset": step}
            rows.append(row | {"found gain": ratio})
    return rows


def standing() -> list[Row]:
    """Offsets of single pixels in movies of 40 frames that move, or do not."""
    rows = []
    wide = cells((256, 256 + 40 * 3))
    for speed in (3, 1, 0):
        movie = np.stack([wide[:, t * speed : t * speed + 256] for t in range(40)])
        noisy, noise = camera(movie), sigma(movie)
        for relative in (0, 0.2, 0.5, 1, 2):
            pattern = relative * noise * np.random.default_rng(1).normal(size=noisy.shape[1:])
            found = find_standing(list(noisy + pattern))
            rest = left(found.offsets if found else None, pattern) if relative else None
            word = "nothing" if found is None else "undecided" if found.offsets is None else "removed"
            bound = noise**2 / (noise**2 + 40 * relative**2 * noise**2)
            rows.append({"speed": speed, "relative": relative, "found": word, "left": rest, "bound": bound})
    return rows


def maps() -> list[Row]:
    """The maps of an sCMOS camera: results before training, in dB."""
    rng, rows = np.random.default_rng(0), []
    scene = cells((256, 256))
    gain, offset, variance, _ = scmos(scene.shape, 30)
    noisy = gain * (rng.poisson(scene) + np.sqrt(variance) * rng.normal(size=scene.shape)) + offset
    truth = GAIN * scene + OFFSET

    def score(plane: Floats, **given: Floats) -> float:
        return decibels(muguet.denoise(plane, "YX", minutes=0, **given), truth)

    both = {"gain_map": gain, "offset_map": offset}
    rows.append({"camera": "equal pixels", "psnr": score(camera(scene, 3))})
    rows.append({"camera": "sCMOS, no map", "psnr": score(noisy)})
    rows.append({"camera": "sCMOS, gain and offset", "psnr": score(noisy, **both)})
    rows.append({"camera": "sCMOS, all maps", "psnr": score(noisy, **both, variance_map=variance * gain**2)})
    return rows


def scmos(shape: tuple[int, int], times: float) -> tuple[Floats, Floats, Floats, Floats]:
    """Gain, offset and variance (e²) of the pixels of a camera, 3 % of which have `times` the variance."""
    rng = np.random.default_rng(0)
    gain = GAIN * (1 + 0.05 * rng.normal(size=shape))
    offset = OFFSET + 3 * rng.normal(size=shape)
    variance = READ**2 * rng.lognormal(0, 0.5, shape)
    loud = rng.random(shape) < 0.03
    variance[loud] *= times
    return gain, offset, variance, loud


def decibels(result: Floats, truth: Floats) -> float:
    return float(20 * np.log10(np.ptp(truth) / np.sqrt(((result - truth) ** 2).mean())))


def noisy_pixels() -> list[Row]:
    """Maps found in movies of 40 frames: three of the frames, each denoised alone before training, in dB."""
    rows, frames, side = [], 40, 192
    wide = cells((side, side + frames))
    scene = np.stack([wide[:, t : t + side] for t in range(frames)])
    some = [0, frames // 2, frames - 1]
    truth = (GAIN * scene + OFFSET)[some]
    for times in (30, 100):
        gain, offset, variance, loud = scmos((side, side), times)
        rng = np.random.default_rng(1)
        electrons = rng.poisson(scene) + np.sqrt(variance) * rng.normal(size=scene.shape)
        noisy = np.rint(gain * electrons + offset).clip(0)
        standing, found = find_standing(list(noisy)), find_noisy_pixels(noisy)
        offsets = {"offset": OFFSET + standing.offsets}
        both, true = {"gain": gain, "offset": offset}, {"variance": variance * gain**2}
        estimated = {"variance": found.variance}
        for name, given in {
            "no map": {},
            "offset from the movie": offsets,
            "offset and variance from the movie": offsets | estimated,
            "gain and offset": both,
            "gain and offset, variance map estimated from the movie": both | estimated,
            "all maps": both | true,
        }.items():
            values = np.stack([Maps.of(**given).remove(frame, 0) for frame in noisy[some]])
            model = muguet.fit(values, "TYX", minutes=0, lines="keep")
            result = model(values, "TYX", symmetries=1, time_window=0)
            rows.append({"times": times, "camera": name, "psnr": decibels(result, truth)})
        seen = found.variance > 1
        rows[-1] |= {
            "found": int((seen & loud).sum()),
            "of": int(loud.sum()),
            "wrong": int((seen & ~loud).sum()),
        }
    return rows


def fibres(width: float, tilt: float, whole: bool, seed: int) -> Floats:
    """Fibres along X with a Gaussian profile, in photo-electrons."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:256, :256]
    scene = np.full(y.shape, 3.0)
    for _ in range(40):
        away = y - rng.uniform(0, 256) - rng.normal(0, tilt) * (x - 128)
        ends = (0, 256) if whole else sorted(rng.uniform(0, 256, 2))
        inside = (x >= ends[0]) & (x < ends[1])
        scene += 60 * rng.uniform(0.3, 1) * np.exp(-0.5 * (away / width) ** 2) * inside
    return scene


def phantoms() -> list[Row]:
    """Fibres along the rows, and gratings: `found` must be False."""
    rows = []
    for width in (0.7, 1.0, 1.5):
        for tilt in (0.0, 0.003, 0.02):
            for whole in (False, True):
                plane = camera(fibres(width, tilt, whole, 0))
                found = _any(plane)
                rows.append({"fibres": width, "tilt": tilt, "whole width": whole, "found": found})
    y, x = np.mgrid[:256, :256]
    for period, degrees in product((2.5, 3.7, 4, 6, 8, 12.5, 20), (3, 20, 45, 70, 87)):
        slope = np.radians(degrees)
        wave = 1 + np.sin(2 * np.pi * (x * np.cos(slope) + y * np.sin(slope)) / period)
        found = any(_any(camera(3 + brightness * wave)) for brightness in (3, 10, 100))
        rows.append({"grating": period, "degrees": degrees, "found": found})
    for period in (3.7, 4, 5, 6, 8, 10, 12.5, 20):
        wave = 1 + np.sin(2 * np.pi * np.arange(256) / period)
        for brightness in (10, 100):
            plane = camera(3 + brightness * wave[:, None] * np.ones(256))
            found = _any(plane)
            rows.append({"grating": period, "brightness": brightness, "found": found})
    return rows


def _any(plane: Floats) -> bool:
    shifts = (find_shift([plane]), find_shift([plane.T]))
    return any(each is not None for each in (find_lines(plane), find_halves(plane), *shifts))


def real(data: Path) -> list[Row]:
    """Every plane of the images with independent noise: `found` must be empty."""
    rows = []
    names = ("w2s_*_noisy", "fmd_*_noisy", "clean_*", "sem_noisy", "convallaria_noisy", "movie_lysosome")
    paths = sorted(each for name in names for each in data.glob(f"{name}.tif"))
    if not paths:
        raise SystemExit(
            f"{data} has none of the images {', '.join(names)}: name their folder by --data or $MUGUET_DATA "
            "(studies/data.py says where they come from)"
        )
    for path in paths:
        image = tifffile.imread(path)
        planes = [unsaturated(plane) for plane in image.reshape(-1, *image.shape[-2:])]
        found = [] if find_standing(planes) is None else ["standing"]
        for number, plane in enumerate(planes):
            for axis, each in (("rows", plane), ("columns", plane.T)):
                found += [f"{axis} of {number}"] if find_lines(each) is not None else []
                found += [f"halves of {number}"] if find_halves(each) is not None else []
                found += [f"shift of {axis} of {number}"] if find_shift([each]) is not None else []
        for axis, each in (("rows", planes), ("columns", [plane.T for plane in planes])):
            found += [f"shift of {axis} of all"] if find_shift(each) is not None else []
        rows.append({"image": path.stem, "planes": len(planes), "found": found})
    return rows


def pictures(folder: Path) -> None:
    """Write the pictures of the documentation."""
    import matplotlib.pyplot as plt

    scene = cells((192, 288), 4)
    noise = sigma(scene)
    offsets = noise * np.random.default_rng(2).normal(size=(192, 1))
    noisy = camera(scene) + offsets
    shown = {
        "recorded, offsets of rows of 1 σ": noisy,
        "denoised, --lines keep": muguet.denoise(noisy, "YX", minutes=0, lines="keep"),
        "denoised, offsets subtracted": muguet.denoise(noisy, "YX", minutes=0),
        "truth": GAIN * scene + OFFSET,
    }
    figure, axes = plt.subplots(2, 2, figsize=(9, 6.4), layout="constrained")
    for axis, (title, plane) in zip(axes.flat, shown.items(), strict=True):
        axis.imshow(plane, cmap="gray", vmin=95, vmax=260)
        axis.set_title(title, fontsize=10)
        axis.axis("off")
    figure.savefig(folder / "lines.png", dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    default = os.environ.get("MUGUET_DATA") or HERE.parents[1] / "shared" / "data"
    parser.add_argument("--data", type=Path, default=Path(default))
    parser.add_argument("--only", action="append")
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--out", type=Path, default=HERE / "results" / "patterns.json")
    chosen = parser.parse_args()
    if chosen.pictures is not None:
        return pictures(chosen.pictures)
    parts: dict[str, Callable[[], list[Row]]] = {
        "shift": shift,
        "lines": lines,
        "periods": periods,
        "halves": halves,
        "standing": standing,
        "maps": lambda: maps() + noisy_pixels(),
        "phantoms": phantoms,
        "real": lambda: real(chosen.data),
    }
    unknown = set(chosen.only or ()) - parts.keys()
    if unknown:
        raise SystemExit(f"--only {', '.join(unknown)} is no part: choose from {', '.join(parts)}")
    results = json.loads(chosen.out.read_text()) if chosen.out.exists() else {}
    for name in chosen.only or parts:
        results[name] = parts[name]()
        print(f"\n{name}")
        for row in results[name]:
            words = (f"{k}: {v:.3g}" if isinstance(v, float) else f"{k}: {v}" for k, v in row.items())
            print("  " + ", ".join(words), flush=True)
        chosen.out.write_text(json.dumps(json_safe(results), indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
