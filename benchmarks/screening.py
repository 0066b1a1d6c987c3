"""Measure how the time of screening an image grows with its size; four times the pixels should take four times as long.

Run: python benchmarks/screening.py
"""

from __future__ import annotations

import time

import numpy as np

from muguet.image import Layout, screen

SIDES = 1500, 3000, 6000


def recorded(side: int) -> np.ndarray:
    """Return shot noise over a smooth scene, with hot pixels and saturated spots, in 16 bits."""
    rng = np.random.default_rng(0)
    y, x = np.ogrid[:side, :side]
    image = 100 + 2 * rng.poisson(60 + 40 * np.sin(y / 97) * np.cos(x / 131))
    number = side * side // 50_000
    image[rng.integers(0, side, number), rng.integers(0, side, number)] = rng.integers(600, 60_000, number)
    spot = 90_000 * np.exp(-(np.arange(-20, 20)[:, None] ** 2 + np.arange(-20, 20) ** 2) / 32)
    for top, left in rng.integers(0, side - 40, (number // 4, 2)):
        image[top : top + 40, left : left + 40] += spot.astype(int)
    return np.minimum(image, 65_535).astype(np.uint16)


def main() -> None:
    before = None
    for side in SIDES:
        image = recorded(side)
        started = time.process_time()
        screen(image, Layout("YX", image.shape))
        seconds = time.process_time() - started
        ratio = (
            "" if before is None else f", {seconds / before:.2f} times the time of a quarter of the pixels"
        )
        print(f"{image.size / 1e6:.1f} megapixels: {seconds:.2f} s{ratio}", flush=True)
        before = seconds


if __name__ == "__main__":
    main()
