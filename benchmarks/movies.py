"""What time is worth in a movie: frames before and after, compared with every frame by itself and with frame averages.

python benchmarks/movies.py                    # simulated movies, and fmd_bpae if MUGUET_DATA or ../shared/data has it
python benchmarks/movies.py --real             # only fmd_bpae

The results are those before any training (`muguet denoise --minutes 0`), each frame seen once. Simulated movies have a
still background of filaments, objects that move by about 2 pixels a frame, spots that blink, spots that flash for one
frame like a calcium event, and fade by 40 %. Gains are in dB over every frame by itself, in all pixels, within the
moving objects, and at the blinking spots; "amplitude" and "smeared" are those of the flashes, in their own frame and in
its neighbours. "average" is the best mean of 1, 3, 5 or 9 noisy frames, denoised in the same way, chosen by the truth;
"mean" and "median" are those of 3, 5, 7 or 9 noisy frames alone, the best by the truth. --careamics MINUTES adds
CAREamics' N2V with five frames as channels, trained on the movie for that time (at --levels, and on fmd_bpae).
On fmd_bpae, PSNR is that of frames 5, 10 and 15 against the mean of the frames that none of them uses.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from _movie_peers import careamics, means, medians
from scipy import ndimage

import muguet
from muguet.formats import read
from muguet.system import machine

_FRAMES, _SIDE = 15, 192


def movie(level: float, seed: int = 0) -> dict[str, np.ndarray]:
    """Return a movie in photo-electrons: the signal, and masks of moving objects, blinking spots and flashes."""
    rng = np.random.default_rng(seed)
    yy, xx = np.mgrid[:_SIDE, :_SIDE]
    base = ndimage.gaussian_filter(rng.normal(size=(_SIDE, _SIDE)), 6)
    base = (base - base.min()) / np.ptp(base)
    ridges = np.abs(ndimage.gaussian_filter(rng.normal(size=(_SIDE, _SIDE)), 5)) < 0.002
    filaments = ndimage.gaussian_filter(ridges.astype(float), 1.2)
    filaments /= filaments.max()
    places = rng.uniform(15, _SIDE - 15, (40, 2))
    on = rng.random((25, _FRAMES)) < 0.5
    flash = rng.integers(2, _FRAMES - 2, 15)
    start, speed, radius = (
        rng.uniform(40, _SIDE - 40, (8, 2)),
        rng.normal(0, 1.5, (8, 2)),
        rng.uniform(2.5, 6, 8),
    )
    signal, without = np.empty((2, _FRAMES, _SIDE, _SIDE))
    moving, blinking, flashing = np.zeros((3, _FRAMES, _SIDE, _SIDE), bool)
    for t in range(_FRAMES):
        frame = 0.1 + 0.3 * base + 0.6 * filaments
        for k in range(8):
            distance = np.hypot(yy - start[k, 0] - speed[k, 0] * t, xx - start[k, 1] - speed[k, 1] * t)
            frame = frame + 0.8 / (1 + np.exp((distance - radius[k]) / 0.7))
            moving[t] |= distance < radius[k] + 2
        fade = np.exp(-0.5 * t / _FRAMES)
        for k, (y, x) in enumerate(places[:25]):
            distance = np.hypot(yy - y, xx - x)
            frame = frame + 0.9 * on[k, t] * np.exp(-(distance**2) / (2 * 1.4**2))
            blinking[t] |= distance < 3
        without[t] = fade * frame
        for k, (y, x) in enumerate(places[25:]):
            distance = np.hypot(yy - y, xx - x)
            frame = frame + 0.9 * (flash[k] == t) * np.exp(-(distance**2) / (2 * 1.8**2))
            if flash[k] == t:
                flashing[t] |= distance < 4
        signal[t] = fade * frame
    return {
        "signal": level * signal,
        "without": level * without,
        "moving": moving,
        "blinking": blinking,
        "flashing": flashing,
    }


def simulated(level: float, seed: int, minutes: float) -> dict[str, Any]:
    """Measure what time is worth in a simulated movie of a light level."""
    parts = movie(level, seed)
    rng = np.random.default_rng(seed + 1)
    noisy = (100 + 2 * rng.poisson(parts["signal"]) + rng.normal(0, 2, parts["signal"].shape)).round()
    noisy = noisy.clip(0).astype(np.uint16)
    truth, background = 2 * parts["signal"] + 100, 2 * parts["without"] + 100
    model = muguet.fit(noisy, "TYX", minutes=0)
    alone = model(noisy, "TYX", symmetries=1, time_window=0)
    result, std = model.estimate(noisy, "TYX", symmetries=1)

    def gain(image: np.ndarray, mask: np.ndarray | None = None) -> float:
        where = np.ones(truth.shape, bool) if mask is None else mask
        return float(
            10 * np.log10(((alone - truth)[where] ** 2).mean() / ((image - truth)[where] ** 2).mean())
        )

    averages = []
    for n in (3, 5, 9):
        mean = ndimage.uniform_filter1d(noisy.astype(np.float32), n, 0)
        averages.append(gain(muguet.fit(mean, "TYX", minutes=0)(mean, "TYX", symmetries=1, time_window=0)))
    near = np.zeros_like(parts["flashing"])
    near[1:] |= parts["flashing"][:-1]
    near[:-1] |= parts["flashing"][1:]
    near &= ~parts["flashing"]
    others = {
        "gain of the best mean": max(gain(each) for each in means(noisy).values()),
        "gain of the best median": max(gain(each) for each in medians(noisy).values()),
    }
    if minutes:
        n2v = careamics(noisy, minutes, seed)
        others |= {"gain of N2V": gain(n2v), "gain of N2V where it moves": gain(n2v, parts["moving"])}
    energy = float((truth - background)[parts["flashing"]].sum())
    return {
        "photo-electrons": level,
        "gain": gain(result),
        "gain where it moves": gain(result, parts["moving"]),
        "gain where it blinks": gain(result, parts["blinking"]),
        "gain of the best average": max(0.0, *averages),
        **others,
        "amplitude": float((result - background)[parts["flashing"]].sum()) / energy,
        "amplitude alone": float((alone - background)[parts["flashing"]].sum()) / energy,
        "smeared": float((result - truth)[near].sum()) / (2 * energy),
        "smeared alone": float((alone - truth)[near].sum()) / (2 * energy),
        "coverage": float((np.abs(result - truth) < 1.96 * std).mean()),
    }


def real(folder: Path, seed: int, minutes: float) -> dict[str, Any]:
    """Measure what time is worth on fmd_bpae."""
    noisy = read(folder / "fmd_bpae_noisy.tif").data
    model = muguet.fit(noisy, "TYX", minutes=0)
    found: dict[str, Any] = {}
    results = {
        "frame by frame": model(noisy, "TYX", symmetries=1, time_window=0),
        "1 before and after": model(noisy, "TYX", symmetries=1, time_window=1),
        "2 before and after": model(noisy, "TYX", symmetries=1, time_window=2),
        "4 before and after": model(noisy, "TYX", symmetries=1),
        "4 before": model(noisy, "TYX", symmetries=1, causal=True),
        **means(noisy),
        **medians(noisy),
    }
    if minutes:
        results["N2V, 2 before and after"] = careamics(noisy, minutes, seed)
    for name, result in results.items():
        scores = []
        for t in (5, 10, 15):
            others = [k for k in range(len(noisy)) if abs(k - t) > 4]
            clean = noisy[others].astype(float).mean(0)
            # The mean of n other frames has 1/n of the noise of one: what is left of it is not the result's error.
            noise = float(noisy[others].astype(float).var(0, ddof=1).mean()) / len(others)
            square = float(((result[t] - clean) ** 2).mean())
            scores.append((np.ptp(clean) ** 2 / square, np.ptp(clean) ** 2 / max(square - noise, 1e-9)))
        plain, corrected = (10 * np.log10(np.array(scores)).mean(0)).tolist()
        found[name] = {"psnr": plain, "psnr without the noise of the reference": corrected}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--real", action="store_true", help="measure only fmd_bpae")
    parser.add_argument(
        "--levels", type=float, nargs="+", default=[5, 30, 200], help="photo-electrons of the brightest"
    )
    parser.add_argument(
        "--careamics", type=float, default=0.0, metavar="MINUTES", help="train CAREamics for this time"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("build/movies.json"))
    arguments = parser.parse_args()
    found: dict[str, Any] = {"machine": machine(), "seed": arguments.seed, "simulated": []}
    for level in [] if arguments.real else arguments.levels:
        found["simulated"].append(simulated(level, arguments.seed, arguments.careamics))
        print({name: round(value, 3) for name, value in found["simulated"][-1].items()}, flush=True)
    folder = Path(os.environ.get("MUGUET_DATA", "../shared/data"))
    if (folder / "fmd_bpae_noisy.tif").exists():
        found["fmd_bpae"] = real(folder, arguments.seed, arguments.careamics)
        for name, scores in found["fmd_bpae"].items():
            print(f"{name:20} {scores['psnr']:.2f} dB", flush=True)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
