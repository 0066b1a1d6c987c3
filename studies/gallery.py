"""Draw the picture of the comparison: a crop of each set, noisy, denoised by every method, and clean, with its PSNR."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import common
import numpy as np

COLUMNS = 6  # panels side by side
SIDE = 1.15  # inches along a side of a panel

Panel = tuple[str, np.ndarray, float | None]  # title, pixels and PSNR of a panel


def draw(sets: Mapping[str, Sequence[Panel]]) -> Any:
    """Draw the panels of every set in rows of six, with the contrast of the clean crop, which is the last panel."""
    from muguet.figures import contrast, style

    columns = min(COLUMNS, max(map(len, sets.values())))
    lines = [
        (name, panels[-1][1], panels[start : start + columns])
        for name, panels in sets.items()
        for start in range(0, len(panels), columns)
    ]
    with style.require_matplotlib().rc_context({**style.STYLE, **common.SMALL}):
        figure = style.canvas(SIDE * columns + 0.3, (SIDE + 0.32) * len(lines), None)
        grid = figure.subplots(len(lines), columns, squeeze=False)
        for (name, clean, panels), row in zip(lines, grid, strict=True):
            low, high = contrast(clean)
            for axes in row:
                axes.set_axis_off()
            for axes, (title, pixels, psnr) in zip(row, panels, strict=False):
                axes.imshow(pixels, cmap="gray", vmin=low, vmax=high, interpolation="nearest")
                axes.set_title(title, loc="center", pad=2)
                beneath = "" if psnr is None else f"{psnr:.2f} dB"
                axes.text(0.5, -0.03, beneath, transform=axes.transAxes, ha="center", va="top")
            if panels and panels[0][0] == "noisy":
                row[0].text(
                    -0.04, 0.5, name, transform=row[0].transAxes, ha="right", va="center", rotation=90
                )
        figure.draw_without_rendering()  # computes the layout while the style is active
    return figure
