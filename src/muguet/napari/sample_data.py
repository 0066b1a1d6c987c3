"""Images to try: simulated ones, and real ones that scikit-image distributes under a free licence (CC0)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from muguet.interactive.samples import PIXEL_SIZE, recorded, simulated_cells

LayerData = tuple[npt.NDArray[Any], dict[str, Any]]


def cells() -> list[LayerData]:
    """Return a simulated widefield image of cells with the noise of a camera."""
    return [(simulated_cells(), {"name": "cells (simulated)", **_scale()})]


def movie() -> list[LayerData]:
    """Return a simulated movie of eight frames, in which the stage drifts."""
    from muguet.samples import acquisition

    clean = acquisition((320, 320), seed=3)
    frames = [recorded(clean[4 * t : 4 * t + 256, 2 * t : 2 * t + 256], t) for t in range(8)]
    given = {"scale": (5.0, 0.108, 0.108), "units": ("second", "micrometer", "micrometer")}
    return [(np.stack(frames), {"name": "movie (simulated)", "axis_labels": ("t", "y", "x"), **given})]


def two_channels() -> list[LayerData]:
    """Return two simulated channels of one field of view, as two layers."""
    return [
        (
            simulated_cells(384, seed),
            {"name": f"{name} (simulated)", "colormap": colour, "blending": "additive", **_scale()},
        )
        for seed, name, colour in ((5, "channel A", "green"), (6, "channel B", "magenta"))
    ]


def kidney() -> list[LayerData]:
    """Return a confocal stack of mouse kidney in three channels, which scikit-image downloads once (CC0)."""
    from skimage.data import kidney as load

    stack = load()
    given = {"scale": (1.25, 1.24, 1.24), "units": ("micrometer",) * 3, "axis_labels": ("z", "y", "x")}
    return [
        (stack[..., c], {"name": f"kidney {nm} nm", "colormap": colour, "blending": "additive", **given})
        for c, (nm, colour) in enumerate(((450, "blue"), (515, "green"), (605, "red")))
    ]


def mitosis() -> list[LayerData]:
    """Return a fluorescence image of human cells, which scikit-image downloads once (CC0, David Root)."""
    from skimage.data import human_mitosis

    return [(human_mitosis(), {"name": "human mitosis"})]


def _scale() -> dict[str, Any]:
    return {"scale": (PIXEL_SIZE, PIXEL_SIZE), "units": ("micrometer", "micrometer")}
