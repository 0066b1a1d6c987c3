"""Small simulated images for the tests of awkward pixels."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

GAIN, OFFSET, READ = 2.0, 100.0, 1.5


def scene(size=128, seed=0, peak=60.0, background=2.0):
    """Blobs and points as wide as the optics, in photons."""
    rng = np.random.default_rng(seed)
    image = np.zeros((size, size))
    image[tuple(rng.integers(0, size, (2, size // 4)))] = rng.uniform(2, 8, size // 4)
    wide = np.zeros((size, size))
    wide[tuple(rng.integers(0, size, (2, 8)))] = 400.0
    image = gaussian_filter(image, 1.3) + 0.05 * gaussian_filter(wide, 8)
    return background + peak * image / image.max()


def recorded(photons, seed=1, offset=OFFSET, gain=GAIN, read=READ, dtype=np.uint16):
    rng = np.random.default_rng(seed)
    counts = gain * rng.poisson(photons) + offset + gain * read * rng.normal(size=photons.shape)
    return np.clip(np.rint(counts), 0, np.iinfo(dtype).max).astype(dtype)
