"""The studies are scripts: here they are imported from their folder, on images that are simulated."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

from muguet.samples import acquisition

CLIPPED = 900  # counts of a saturated pixel

sys.path.insert(0, str(Path(__file__).parents[2] / "studies"))


@pytest.fixture(scope="session")
def images(tmp_path_factory) -> Path:
    """A folder with a clean image and a channel of W2S, by their names, of simulated cells."""
    folder = tmp_path_factory.mktemp("images")
    clean = acquisition((96, 96), seed=1)
    tifffile.imwrite(folder / "clean_nuclei.tif", grey(clean))
    signal = 200 + 20 * (np.stack([clean, clean[::-1]]) - 100)
    noisy = 200 + 20 * np.random.default_rng(0).poisson((signal - 200) / 20)
    tifffile.imwrite(folder / "w2s_ch1_clean.tif", signal.astype(np.float32))
    tifffile.imwrite(folder / "w2s_ch1_noisy.tif", np.minimum(noisy, CLIPPED).astype(np.uint16))
    return folder


def grey(clean: np.ndarray) -> np.ndarray:
    """Counts as 8 bits, from the darkest to the brightest pixel."""
    return np.rint(255 * (clean - clean.min()) / np.ptp(clean)).astype(np.uint8)
