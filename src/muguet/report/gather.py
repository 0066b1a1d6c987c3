"""`--report`: what a denoiser made of an image, judged and written as one HTML file."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from muguet.errors import MuguetError

if TYPE_CHECKING:
    from muguet.denoiser import Denoiser
    from muguet.image.axes import Layout
    from muguet.image.image import Image
    from muguet.noise.camera.readout import Readout
    from muguet.noise.law import Law
    from muguet.noise.transfer.curve import MeanVariance
    from muguet.report import Channel, Run

Floats = npt.NDArray[np.float64]
Array = npt.NDArray[np.generic]

_NEARLY = 0.9  # of the largest variance: planes that are about as good to look at
_MOST = 2**18  # pixels of a plane that its variance is told from


def report_on(
    denoiser: Denoiser,
    noisy: Image,
    estimate: Array,
    path: Path,
    command: Sequence[str],
    overwrite: bool = False,
    started: float | None = None,
) -> None:
    """Write a report on one plane of every channel of an image.

    Parameters
    ----------
    denoiser
        What made the estimate.
    noisy
        The image as it was read.
    estimate
        The denoised pixels, of the image's shape, in counts; whole numbers will do.
    path
        The HTML file.
    command
        The command line, word by word.
    overwrite
        Replace an existing file.
    started
        When the command began, in seconds since the epoch; None: the report tells when it was written.

    Raises
    ------
    MuguetError
        If the shapes do not match, matplotlib is not installed, or the file cannot be written.
    """
    from muguet.report import check_report, write_report

    check_report(path, overwrite)
    if estimate.shape != noisy.data.shape:
        raise MuguetError(
            f"the image has the shape {noisy.data.shape} and its estimate {estimate.shape}: no pair"
        )
    layout = denoiser.layout(noisy.data.shape, noisy.axes)
    before, after = layout.split(noisy.data), layout.split(estimate)
    n, z = _plane(after)
    names = noisy.channel_names if len(noisy.channel_names) == layout.channels else ()
    channels = [
        _channel(
            denoiser,
            (_at(before[n, c], z), _at(after[n, c], z)),
            c,
            names[c] if names else f"Channel {c}",
            noisy.pixel_size.get("X"),
            _where(layout, n, z),
        )
        for c in range(layout.channels)
    ]
    title = noisy.path.name if noisy.path is not None else "Image"
    write_report(path, title, channels, _run(denoiser, command, started), overwrite)


# --- Which plane -----------------------------------------------------------------------------------------


def _plane(planes: Array) -> tuple[int, int | None]:
    """Sample, and depth in a stack, of the plane to show: the middle one of those with the largest variance.

    The variance of a plane is averaged over the channels, each as a part of its largest; within 10 % of
    the largest planes count as equal.
    """
    depths = range(planes.shape[2]) if planes.ndim == 5 else (None,)
    places = [(n, z) for n in range(len(planes)) for z in depths]
    variances = np.array([[_variance(_at(plane, z)) for plane in planes[n]] for n, z in places])
    lively = (variances / np.maximum(variances.max(0), 1e-300)).mean(1)
    best = np.flatnonzero(lively >= _NEARLY * lively.max())
    return places[int(best[len(best) // 2])]


def _variance(plane: Array) -> float:
    some = plane.reshape(-1)[:: max(plane.size // _MOST, 1)].astype(np.float64)
    some = some[np.isfinite(some)]
    return float(some.var()) if some.size else 0.0


def _at(plane: Array, z: int | None) -> Array:
    return plane if z is None else plane[z]


def _where(layout: Layout, n: int, z: int | None) -> tuple[str, ...]:
    """A sentence on which plane is shown, where there are several."""
    axes = "".join(letter for letter in "TZ" if letter in layout.axes and letter not in layout.spatial_axes)
    sizes = [layout.shape[layout.axes.index(letter)] for letter in axes]
    index = [int(each) for each in np.unravel_index(n, sizes)] if sizes else []
    at = [*zip(axes, index, sizes, strict=True)]
    if z is not None:
        at.append(("Z", z, layout.space[0]))
    several = [f"{letter} {place} (of 0 to {size - 1})" for letter, place, size in at if size > 1]
    if not several:
        return ()
    return (f"Shown and judged is one plane, where the denoised image varies most: {', '.join(several)}.",)


# --- What is known of it ---------------------------------------------------------------------------------


def _channel(
    denoiser: Denoiser,
    planes: tuple[Array, Array],
    c: int,
    name: str,
    pixel_size: float | None,
    notes: tuple[str, ...],
) -> Channel:
    from muguet.figures.views import contrast
    from muguet.quality.examination import examine
    from muguet.report import Channel

    noisy, estimate = planes
    law = own_law = readout = None
    if denoiser.method.learns_law:
        law, points = denoiser.laws[c], denoiser.transfer(c)
        own_law = None if points is None else denoiser.learned_laws[c]
        readout = _readout(law, estimate if points is None else points, noisy)
    return Channel(
        name=name,
        noisy=noisy,
        estimate=estimate,
        signal_range=contrast(estimate.astype(np.float64)),
        quality=examine(denoiser, noisy, estimate, c),
        law=law,
        own_law=own_law,
        points=_points(noisy, estimate),
        readout=readout,
        pixel_size=pixel_size,
        notes=notes,
    )


def _readout(law: Law, signals: Array | MeanVariance, noisy: Array) -> Readout | None:
    """The camera, or nothing where there are too few signals to read it off."""
    from muguet.image.values import quantum
    from muguet.noise.camera.readout import read_out

    try:
        return read_out(law, signals, step=quantum(noisy))
    except MuguetError:
        return None


def _points(noisy: Array, estimate: Array) -> MeanVariance | None:
    """What a high-pass of the noisy plane says, saturated pixels left out; nothing of planes too small for it."""
    from muguet.image.values import clipping_level
    from muguet.noise.transfer.single_image import transfer_alone

    values: Floats = noisy.astype(np.float64)
    level = clipping_level(noisy)
    if level is not None:
        values[values >= level] = np.nan
    try:
        return transfer_alone(
            [values], [estimate.astype(np.float64)], fewest=min(1000, max(100, noisy.size // 64))
        )
    except MuguetError:
        return None


def _run(denoiser: Denoiser, command: Sequence[str], started: float | None) -> Run:
    import torch

    from muguet.report import Run
    from muguet.system.machine import machine
    from muguet.version import __version__

    now = time.time()
    return Run(
        command=command,
        started=datetime.fromtimestamp(now if started is None else started)
        .astimezone()
        .isoformat(" ", "minutes"),
        seconds=None if started is None else now - started,
        machine=machine(str(denoiser.device)),
        versions={"muguet": __version__, "torch": torch.__version__, "numpy": np.__version__},
        parts=asdict(denoiser.parts),
        training=denoiser.training,
    )
