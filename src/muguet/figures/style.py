"""What all figures share: fonts, colours, an empty figure, the signal axis and file formats."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from muguet.errors import MuguetError
from muguet.system.atomic import replacing
from muguet.system.extras import require

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = npt.NDArray[np.floating[Any]]

# Colours of Okabe and Ito's palette, which colour-blind readers can distinguish, also in greyscale.
LEARNED, TRUE, HISTOGRAM = "#0072B2", "#D55E00", "#B8BDC4"
SERIES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
INK = "#222222"
STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "axes.titlesize": 8.5,
    "axes.titlelocation": "left",
    "axes.titlepad": 5,
    "axes.linewidth": 0.7,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "text.color": INK,
    "legend.frameon": False,
    "svg.hashsalt": "muguet",  # the same figure gives the same file
}
MIN_LOGARITHMIC_RATIO = 8.0
"""A signal axis is logarithmic if its brightest signal exceeds this many times its darkest one."""

# For each file format, the metadata that keep the date out, so that the same figure gives the same file.
_METADATA: dict[str, dict[str, None]] = {".png": {}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}


def require_matplotlib() -> Any:
    """Return the module matplotlib.

    Raises
    ------
    MuguetError
        If matplotlib is not installed.
    """
    matplotlib = require("figures", "matplotlib", "a figure")
    require("figures", "matplotlib.figure", "a figure")
    return matplotlib


def check_format(path: Path) -> None:
    """Check that a file name ends in .png, .svg or .pdf.

    Raises
    ------
    MuguetError
        If it does not.
    """
    if path.suffix.lower() not in _METADATA:
        raise MuguetError(f"cannot write a figure to {path}: give a name that ends in .png, .svg or .pdf")


def save(figure: Figure, path: str | Path) -> None:
    """Write a figure as PNG, SVG or PDF, and leave no incomplete file behind if that fails.

    Parameters
    ----------
    figure
        The figure.
    path
        The file to write. Its ending chooses the format.

    Raises
    ------
    MuguetError
        If the name has another ending, or the file cannot be written.
    """
    path = Path(path)
    check_format(path)
    suffix = path.suffix.lower()
    buffer = io.BytesIO()
    with require_matplotlib().rc_context({"svg.hashsalt": STYLE["svg.hashsalt"]}):
        figure.savefig(buffer, format=suffix[1:], dpi=200, metadata=_METADATA[suffix])
    with replacing(path, "figure") as file:
        file.write(buffer.getvalue())


def canvas(width: float, height: float, title: str | None) -> Figure:
    """Return an empty figure that arranges its panels itself and belongs to no window; sizes are in inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    layout = ConstrainedLayoutEngine(w_pad=0.05, h_pad=0.05, wspace=0.02, hspace=0.03)
    figure = Figure((width, height), layout=layout)
    FigureCanvasAgg(figure)
    if title:
        figure.suptitle(title, x=0.005, ha="left", fontsize=9.5, fontweight="bold")
    return figure


def axis_limits(signal_range: Sequence[float]) -> tuple[float, float]:
    """Return the limits of a signal axis, one count apart for an image with a single signal."""
    low, high = map(float, signal_range)
    return (low, high) if high > low else (low, low + 1.0)


def draw_histogram(axes: Axes, denoised: Floats, signal_range: Sequence[float], logarithmic: bool) -> None:
    """Draw the number of pixels at each signal, which shows for which signals the law rests on many pixels."""
    low, high = axis_limits(signal_range)
    edges = np.geomspace(low, high, 65) if logarithmic else np.linspace(low, high, 65)
    counts, _ = np.histogram(denoised[np.isfinite(denoised)], edges)
    axes.stairs(np.maximum(counts, 0.5), edges, baseline=0.5, fill=True, color=HISTOGRAM)
    axes.set_yscale("log")
    axes.set_ylim(bottom=0.5)
    axes.set_xlabel("Signal (counts)")
    axes.set_ylabel("Pixels")


def logarithmic_signals(axes: Axes, low: float, high: float) -> None:
    """Make the signal axis logarithmic, with plain labels such as 100, 200, 500 instead of powers of ten."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.set_xscale("log")
    subs = (1.0, 2.0, 5.0) if high / low < 1e3 else (1.0,)
    axes.xaxis.set_major_locator(LogLocator(subs=subs))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
