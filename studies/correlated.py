"""A picture of correlated noise: simulated cells, recorded, denoised as if the noise were independent, and as it is.

python studies/correlated.py                  # docs/images/correlated.png is build/correlated.png of this run

The noise of the simulated camera was filtered by a Gaussian of 0.5 pixels and brought back to its power, as a
registration by a fraction of a pixel leaves it. Results are those before training. Seed 0.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from scipy import ndimage

from muguet.quality import psnr
from muguet.samples import acquisition
from muguet.training import Sample, collect, prepare

_SIDE, _CUT = 256, slice(64, 192)


def denoised(image: np.ndarray, mask: str) -> np.ndarray:
    """Denoise an image without training."""
    model = prepare(collect([Sample(image, "YX", "image")]), steps=0, mask=mask, seed=0).denoiser()
    return np.asarray(model(image, "YX"))


def main() -> None:
    """Draw the picture."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("build/correlated.png"))
    out = parser.parse_args().out
    cells = acquisition((_SIDE, _SIDE), 0).astype(np.float64)
    cells = 1 + 60 * (cells - cells.min()) / np.ptp(cells)
    truth = 10 * cells + 100
    noise = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=cells.shape), 0.5, mode="wrap")
    noisy = (truth + 10 * np.sqrt(cells + 1) * noise / noise.std()).astype(np.float32)
    panels = {
        "noisy": noisy,
        "denoised as if independent": denoised(noisy, "pixel"),
        "denoised": denoised(noisy, "auto"),
        "truth": truth,
    }
    figure, axes = plt.subplots(1, 4, figsize=(12, 3.6), layout="constrained")
    for panel, (name, values) in zip(axes, panels.items(), strict=True):
        score = "" if name == "truth" else f"\n{psnr(values, truth):.1f} dB"
        panel.imshow(values[_CUT, _CUT], cmap="gray", vmin=90, vmax=np.percentile(truth, 99.8))
        panel.set_title(f"{name}{score}", fontsize=12)
        panel.axis("off")
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=110, bbox_inches="tight")


if __name__ == "__main__":
    main()
