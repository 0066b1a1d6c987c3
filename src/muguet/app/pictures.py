"""The pictures that the page shows of one plane: as recorded, denoised, and behind the blur beside it."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from muguet.app.words import size_text
from muguet.figures.views import Part, contrast, most_varied_part
from muguet.interactive.computation import Computation
from muguet.interactive.source import Source
from muguet.report.blur import MatchingBlur, blurred_part, matching_blur
from muguet.report.images import png, scale_bar

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAX_SIDE = 1024
"""Larger planes are shown in part, at full resolution, so that the first result comes within seconds."""

_MAX_SEARCHED = 2**24  # Of larger planes, the centre is shown.
_LEVEL = 3  # Effort of the compression: these pictures are for one look.
_DPI = 140


@dataclass(eq=False)
class Pictures:
    """The shown part of one plane.

    Attributes
    ----------
    n, c
        The sample and the channel.
    part
        Rows and columns of the part.
    noisy, estimate
        Its values in counts; no estimate before the first result.
    counts
        The noisy values without the offsets of lines and pixels that are subtracted before they are denoised.
    blur
        The blur that removes as much noise; None: not known yet, or there is none.
    files
        PNG files by name: "noisy", "denoised", "blurred", "profile".
    """

    n: int
    c: int
    part: Part
    noisy: npt.NDArray[np.float64]
    counts: npt.NDArray[np.float64]
    estimate: npt.NDArray[np.float64] | None = None
    blur: MatchingBlur | None = None
    files: dict[str, bytes] = field(default_factory=dict)

    @classmethod
    def of(cls, source: Source, n: int, c: int) -> Pictures:
        """Show a plane as it was recorded."""
        part = _part_to_show(source, n, c)
        noisy = _screened(source.read(n, c, part))
        shown = cls(n, c, part, noisy, noisy)
        shown.files["noisy"] = png(noisy, *contrast(noisy), _LEVEL)
        return shown

    def denoise(self, source: Source, computation: Computation) -> None:
        """Show the plane as a model denoises it."""
        counts, estimate = computation.part(source, self.n, self.c, self.part)
        self.show(estimate, counts)

    def show(self, estimate: npt.NDArray[Any], counts: npt.NDArray[Any]) -> None:
        """Show the plane with its estimate; both have the grey values of the estimate."""
        self.counts = _screened(counts)
        self.estimate = np.asarray(estimate, np.float64)
        ends = contrast(self.estimate)
        self.files["noisy"] = png(self.noisy, *ends, _LEVEL)
        self.files["denoised"] = png(self.estimate, *ends, _LEVEL)

    def compare(self) -> None:
        """Show the blur that removes as much noise as the estimate, and the profiles across an edge."""
        from muguet.report.charts import profile_chart

        if self.estimate is None:
            return
        self.blur = matching_blur(self.counts, self.estimate)
        if self.blur is None:
            self.files.pop("blurred", None)
            self.files.pop("profile", None)
            return
        whole = (slice(0, self.noisy.shape[0]), slice(0, self.noisy.shape[1]))
        plane = blurred_part(self.counts, self.blur.sigma, whole).astype(np.float64)
        self.files["blurred"] = png(plane, *contrast(self.estimate), _LEVEL)
        if self.blur.profiles:
            self.files["profile"] = as_png(profile_chart(self.blur.profiles))

    def facts(self, source: Source, pixel_size: float | None) -> dict[str, Any]:
        """Return what the page needs to show the pictures, as values that JSON can hold."""
        height, width = self.noisy.shape
        rows, columns = self.part
        words = ""
        if (height, width) != tuple(source.space):
            words = (
                f"Shown: {size_text((height, width))} of {size_text(source.space)} pixels, at full resolution, from "
                f"column {columns.start} and row {rows.start}. All pixels are denoised."
            )
        blur = self.blur
        line = None
        if blur is not None and blur.edge is not None:
            line = [[end[1] + 0.5, end[0] + 0.5] for end in blur.edge.ends]
        return {
            "n": self.n,
            "c": self.c,
            "width": width,
            "height": height,
            "words": words,
            "bar": scale_bar(width, pixel_size),
            "names": sorted(self.files),
            "blur": None if blur is None else {"sentence": blur.sentence, "sigma": blur.sigma, "line": line},
        }


def as_png(figure: Figure) -> bytes:
    """Return a figure as PNG."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI)
    return buffer.getvalue()


def _part_to_show(source: Source, n: int, c: int) -> Part:
    """Return the part of a plane that varies most; the centre of very large planes."""
    height, width = (min(size, MAX_SIDE) for size in source.space)
    if (height, width) != tuple(source.space) and np.prod(source.space) <= _MAX_SEARCHED:
        return most_varied_part(source.read(n, c).astype(np.float64), (height, width))
    starts = [(size - shown) // 2 for size, shown in zip(source.space, (height, width), strict=True)]
    return slice(starts[0], starts[0] + height), slice(starts[1], starts[1] + width)


def _screened(plane: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    from muguet.image.screen import screened_plane

    return np.asarray(screened_plane(plane), np.float64)
