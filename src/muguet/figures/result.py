"""The overview of a result: noisy image, denoised image and residual, beside the noise law."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from muguet.errors import MuguetError
from muguet.figures.style import (
    LEARNED,
    STYLE,
    TRUE,
    Floats,
    axis_limits,
    canvas,
    draw_histogram,
    require_matplotlib,
    save,
)
from muguet.figures.views import (
    block_averaged,
    contrast,
    length_label,
    most_varied_part,
    scale_bar_length,
)
from muguet.noise.law import Law
from muguet.quality.scores import psnr

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["overview", "save"]

_DETAIL_SIDE = 88  # The detail has this many pixels in each direction.
_MAX_SIDE = 1024  # A whole image is averaged down to at most this many pixels in each direction.
_MIN_LOGARITHMIC_RATIO = 30.0  # The law's axes are logarithmic if the range of signals exceeds this ratio.
_N_SIGNALS = 256  # The law is drawn at this many signals.


def overview(
    noisy: npt.ArrayLike,
    denoised: npt.ArrayLike,
    law: Law,
    signal_range: Sequence[float],
    true_std: Callable[[Floats], Floats] | None = None,
    clean: npt.ArrayLike | None = None,
    pixel_size: float | None = None,
    title: str | None = None,
) -> Figure:
    """Draw noisy image, denoised image and residual, whole and in detail, beside the learned noise law.

    Noisy, denoised and clean images share one contrast, from the 0.1th to the 99.9th percentile of the denoised
    image. The residual (noisy − denoised) is shown to ±3 of its standard deviations. The detail is the part of the
    denoised image in which values vary most, at full resolution.

    Parameters
    ----------
    noisy, denoised
        Planes ``(Y, X)`` in camera counts; missing pixels are NaN.
    law
        The learned noise law, in camera counts.
    signal_range
        Smallest and largest signal, in counts, between which the law was learned.
    true_std
        The true σ of the noise as a function of the signal, if it is known; drawn as a dashed line.
    clean
        The clean plane, if it is known. It adds a column, and the PSNR to the titles.
    pixel_size
        Micrometres per pixel, for scale bars; None: no scale bars.
    title
        A title above all panels.

    Returns
    -------
    matplotlib.figure.Figure
        A figure that belongs to no window; write it with `save`.

    Raises
    ------
    MuguetError
        If matplotlib is not installed, or the planes differ in shape.
    """
    planes = [np.asarray(p, dtype=np.float64) for p in (noisy, denoised, *([] if clean is None else [clean]))]
    if planes[0].ndim != 2 or any(plane.shape != planes[0].shape for plane in planes):
        shapes = ", ".join(str(plane.shape) for plane in planes)
        raise MuguetError(
            f"a figure shows planes (Y, X) of one shape, but these have the shapes {shapes}: give one plane each"
        )
    matplotlib = require_matplotlib()
    with matplotlib.rc_context(STYLE):
        panels = _panels(*planes)
        figure = _canvas(planes[0].shape, len(panels), title)
        grid = figure.add_gridspec(2, len(panels) + 1, width_ratios=[1.0] * len(panels) + [1.12])
        side = min(_DETAIL_SIDE, *planes[0].shape)
        crop = most_varied_part(planes[1], (side, side))
        for column, panel in enumerate(panels):
            _draw_whole(figure.add_subplot(grid[0, column]), panel, crop, pixel_size if column == 0 else None)
            _draw_detail(
                figure.add_subplot(grid[1, column]), panel, crop, pixel_size if column == 0 else None
            )
        halves = grid[:, -1].subgridspec(2, 1, height_ratios=[2.2, 1], hspace=0.06)
        upper = figure.add_subplot(halves[0])
        lower = figure.add_subplot(halves[1], sharex=upper)
        _draw_std(upper, law, signal_range, true_std)
        draw_histogram(lower, planes[1], signal_range, upper.get_xscale() == "log")
        figure.draw_without_rendering()  # The layout must be computed while the style is in force.
    return figure


# --- Images ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Panel:
    """An image with its title, and the counts that are shown as black and as white."""

    name: str
    plane: Floats
    low: float
    high: float


def _panels(noisy: Floats, denoised: Floats, clean: Floats | None = None) -> list[_Panel]:
    low, high = contrast(denoised)
    residual = noisy - denoised
    std = float(np.nanstd(residual)) or 1.0
    scores = ["" if clean is None else f"   {psnr(plane, clean):.2f} dB" for plane in (noisy, denoised)]
    panels = [
        _Panel(f"Noisy{scores[0]}", noisy, low, high),
        _Panel(f"Denoised{scores[1]}", denoised, low, high),
        _Panel(f"Noisy − denoised   std {std:.3g}", residual, -3 * std, 3 * std),
    ]
    if clean is not None:
        panels.insert(2, _Panel("Clean", clean, low, high))
    return panels


def _canvas(shape: tuple[int, ...], columns: int, title: str | None) -> Figure:
    """Return an empty figure whose cells have about the shape of the images."""
    side = 1.85  # inches; letters must be readable where a page shows the figure at half its size
    aspect = min(max(shape[0] / shape[1], 0.4), 1.6)
    return canvas(side * columns + side * 1.45, side * (1 + aspect) + 0.75, title)


def _show(axes: Axes, panel: _Panel, plane: Floats, extent: tuple[float, float, float, float]) -> None:
    import matplotlib

    grey = matplotlib.colormaps["gray"].with_extremes(bad="#5B7083")
    axes.imshow(plane, cmap=grey, vmin=panel.low, vmax=panel.high, extent=extent)
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)


def _draw_whole(axes: Axes, panel: _Panel, crop: tuple[slice, slice], pixel_size: float | None) -> None:
    from matplotlib.patches import Rectangle

    height, width = panel.plane.shape
    _show(axes, panel, block_averaged(panel.plane, _MAX_SIDE), (0, width, height, 0))
    axes.set_title(panel.name)
    rows, columns = crop
    size = (columns.stop - columns.start, rows.stop - rows.start)
    if size != (width, height):
        axes.add_patch(
            Rectangle((columns.start, rows.start), *size, fill=False, edgecolor="white", linewidth=0.8)
        )
    _draw_scale_bar(axes, pixel_size)


def _draw_detail(axes: Axes, panel: _Panel, crop: tuple[slice, slice], pixel_size: float | None) -> None:
    plane = panel.plane[crop]
    _show(axes, panel, plane, (0, plane.shape[1], plane.shape[0], 0))
    axes.images[0].set_interpolation("nearest")
    _draw_scale_bar(axes, pixel_size)


def _draw_scale_bar(axes: Axes, pixel_size: float | None) -> None:
    """Draw a white scale bar with its length at the lower left."""
    if not pixel_size:
        return
    from matplotlib.patches import Rectangle
    from matplotlib.patheffects import withStroke

    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    width, height = right - left, bottom - top
    length = scale_bar_length(0.28 * width * pixel_size)
    x, y = left + 0.05 * width, bottom - 0.05 * height
    bar = Rectangle((x, y - 0.016 * height), length / pixel_size, 0.016 * height, facecolor="white")
    outline = withStroke(linewidth=1.0, foreground="black")
    bar.set_path_effects([outline])
    axes.add_patch(bar)
    centre, above = x + length / pixel_size / 2, y - 0.03 * height
    text = axes.text(centre, above, length_label(length), color="white", ha="center", va="bottom")
    text.set_path_effects([outline])


# --- The noise law ---------------------------------------------------------------------------------------


def _draw_std(
    axes: Axes, law: Law, signal_range: Sequence[float], true_std: Callable[[Floats], Floats] | None
) -> None:
    """Draw the learned σ against the signal, and the true σ as a dashed line on top."""
    low, high = axis_limits(signal_range)
    logarithmic = low > 0 and high / low > _MIN_LOGARITHMIC_RATIO
    signal = (np.geomspace if logarithmic else np.linspace)(low, high, _N_SIGNALS)
    axes.plot(signal, law.std(signal), color=LEARNED, linewidth=2.0, label="learned")
    if true_std is not None:
        axes.plot(signal, true_std(signal), color=TRUE, linewidth=1.4, linestyle=(0, (4, 2)), label="true")
        axes.legend(loc="lower right", handlelength=2.2)
    if logarithmic:
        axes.set_xscale("log")
        axes.set_yscale("log")
    else:
        axes.set_ylim(bottom=0)
        axes.locator_params(axis="x", nbins=5)
    axes.set_xlim(low, high)
    axes.set_ylabel("Noise σ (counts)")
    axes.set_title("Noise law")
    axes.tick_params(labelbottom=False)
