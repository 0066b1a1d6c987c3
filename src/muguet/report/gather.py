"""`muguet denoise --report`: choose a plane, check the denoised image and collect what the report shows of it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from muguet.denoiser.channel import Result
from muguet.denoiser.denoiser import Denoiser
from muguet.errors import MuguetError
from muguet.figures.style import Floats
from muguet.figures.views import contrast
from muguet.image.axes import Layout
from muguet.image.image import Image
from muguet.image.planes import ArrayPlanes
from muguet.image.screen import screen
from muguet.image.values import quantum, unsaturated
from muguet.neighbours.loop import Stretch, map_series
from muguet.neighbours.series import Neighbours
from muguet.noise.camera.readout import Readout, read_out
from muguet.noise.correlated.whitening import Whitening
from muguet.noise.law import Law
from muguet.noise.origin import Origin
from muguet.noise.transfer.curve import MeanVariance
from muguet.noise.transfer.single_image import transfer_alone
from muguet.quality.frames import Frames
from muguet.quality.model_checks import examine
from muguet.quality.whitened import whitened_pair
from muguet.report.assembly import check_report, write_report
from muguet.report.channel import Channel
from muguet.report.plane import plane_note, plane_of, plane_to_show, planes_around
from muguet.report.run import Run
from muguet.system.machine import machine
from muguet.version import __version__

Array = npt.NDArray[np.generic]

_UNTRAINED = "This is the first result, before training."
_WITHOUT_PATTERN = "The noisy image is shown and checked after this correction."


@dataclass(frozen=True, eq=False)
class PartShown:
    """What is known of a part of an image that is larger than memory.

    Attributes
    ----------
    counts
        The counts that were denoised, without patterns that were subtracted; None: nothing was subtracted.
    std
        The standard deviation of the error of each pixel; None: it is not predicted.
    frames
        The noisy planes around the plane of each channel; empty: the part has them itself.
    """

    counts: Array | None = None
    std: Array | None = None
    frames: Sequence[Frames | None] = ()


def report_denoising(
    denoiser: Denoiser,
    noisy: Image,
    estimate: Array,
    path: Path,
    command: Sequence[str],
    overwrite: bool = False,
    started: float | None = None,
    made: Mapping[str, Any] | None = None,
    neighbours: Neighbours | None = None,
    part: PartShown | None = None,
) -> None:
    """Check a denoised image and write a report about it as one HTML file.

    The report shows one plane of every channel. In a stack or a time series this is the middle one of the planes
    in which the denoised image varies most. Use `write_report` to write a report from parts of your own.

    Parameters
    ----------
    denoiser
        The denoiser that produced the estimate. The report takes the noise law, the parts of the model and the
        course of the training from it.
    noisy
        The noisy image as it was read from its file.
    estimate
        The denoised pixels in camera counts, of the same shape as ``noisy.data``. They may be rounded.
    path
        The HTML file to write; missing folders are created.
    command
        The command line that was run, one item for each word.
    overwrite
        Whether to replace an existing file.
    started
        Time at which the command started, in seconds since the epoch. None: the report gives the time at which it
        was written, and no duration.
    made
        What made the result, as its file holds it, see `muguet.image.Image.provenance`.
    neighbours
        Which planes of the image helped to estimate each other, for the error of each pixel; None: none did.
    part
        What is known of the image if it is a part of a larger one; None: it is a whole image.

    Raises
    ------
    MuguetError
        If the shapes differ, matplotlib or Jinja2 is not installed, or the file cannot be written.
    """
    check_report(path, overwrite)
    if estimate.shape != noisy.data.shape:
        raise MuguetError(
            f"the noisy image has the shape {noisy.data.shape} and the denoised image the shape {estimate.shape}: "
            "give two images of one shape"
        )
    layout = denoiser.layout(noisy.data.shape, noisy.axes)
    if part is None:
        corrected = denoiser.correction(screen(noisy.data, layout), layout)
        counts = noisy.data if corrected.removed is None else corrected.screened.values
        notes = corrected.notes if corrected.removed is None else (*corrected.notes, _WITHOUT_PATTERN)
        planes = ArrayPlanes(corrected.screened.values, layout)
    else:
        counts = noisy.data if part.counts is None else part.counts
        planes = ArrayPlanes(counts, layout)
        notes = () if np.array_equal(counts, noisy.data, equal_nan=True) else (_WITHOUT_PATTERN,)
    before, after = layout.split(counts), layout.split(estimate)
    errors = None if part is None or part.std is None else layout.split(part.std)
    n, z = plane_to_show(after)
    names = noisy.channel_names if len(noisy.channel_names) == layout.channels else ()
    channels = [
        checked_channel(
            denoiser,
            (plane_of(before[n, c], z), plane_of(after[n, c], z)),
            c,
            names[c] if names else f"Channel {c}",
            noisy.pixel_size.get("X"),
            part.frames[c] if part and part.frames else planes_around(before, layout, n, c, z),
            (*((*noisy.notes, *notes) if c == 0 else ()), *plane_note(layout, n, z)),
            _std_from_several(denoiser, planes, None if part else neighbours, n, c)
            if errors is None
            else plane_of(errors[n, c], z).astype(np.float64),
        )
        for c in range(layout.channels)
    ]
    title = noisy.path.name if noisy.path is not None else "Image"
    write_report(path, title, channels, run_of(denoiser, command, started, made or {}), overwrite)


# --- What the report shows of it -------------------------------------------------------------------------


def checked_channel(
    denoiser: Denoiser,
    planes: tuple[Array, Array],
    c: int,
    name: str,
    pixel_size: float | None,
    frames: Frames | None,
    notes: tuple[str, ...],
    std: Floats | None = None,
) -> Channel:
    """Return one channel with its checks, its noise law and the camera's values.

    Parameters
    ----------
    denoiser
        The model.
    planes
        The noisy plane ``(Y, X)`` without patterns that were subtracted, and its estimate, in counts.
    c, name
        The number and the name of the channel.
    pixel_size
        Micrometres per pixel; None: unknown.
    frames
        The noisy planes around it; None: there are none.
    notes
        Sentences about the plane.
    std
        Standard deviation of the error of each pixel; None: that of the plane estimated by itself.
    """
    noisy, estimate = planes
    law = own_law = origin = readout = None
    if denoiser.method.learns_law:
        law, points, origin = denoiser.laws[c], denoiser.transfer(c), denoiser.law_origins[c]
        own_law = denoiser.learned_laws[c] if origin.trained and origin.measured else None
        if denoiser.untrained:
            notes = (*notes, _UNTRAINED)
        readout = camera_readout(law, estimate if points is None else points, origin, quantum(noisy))
    return Channel(
        name=name,
        noisy=noisy,
        estimate=estimate,
        signal_range=contrast(estimate.astype(np.float64)),
        quality=examine(denoiser.of_corrected, noisy, estimate, c, frames),
        law=law,
        own_law=own_law,
        origin=origin,
        points=_measured_variance(noisy, estimate, denoiser.whitening(c)),
        readout=readout,
        pixel_size=pixel_size,
        notes=notes,
        std=_std(denoiser, noisy, c) if std is None else std,
        errors=denoiser.measured_errors(c),
    )


def _std(denoiser: Denoiser, noisy: Array, c: int) -> Floats | None:
    """Return the predicted standard deviation of the error of a plane; None if the model does not predict it."""
    return denoiser.std_plane(noisy, c) if denoiser.predicts_error else None


def _std_from_several(
    denoiser: Denoiser, source: ArrayPlanes, neighbours: Neighbours | None, n: int, c: int
) -> Floats | None:
    """Return the predicted error of plane `n` of a channel that was estimated from several; None if it was not."""
    if neighbours is None or not neighbours.helps or not denoiser.predicts_error:
        return None
    series = next(each for each in neighbours.of_channels[c] if n in each.planes)
    at = int(np.flatnonzero(series.planes == n)[0])
    series.prepare(slice(at, at + 1))
    held = slice(max(at - series.before, 0), min(at + series.after + 1, len(series.planes)))
    stretch = Stretch(series, held, slice(at, at + 1), series.planes[held], np.zeros(1, np.intp))
    found = np.empty(source.shape[1:])
    into = ArrayPlanes(found, Layout("CYX", found.shape))
    function = denoiser.series_function(found[c].size, 1, Result.STD)
    of_channels = [[stretch] if each == c else [] for each in range(len(found))]
    for _ in map_series(function, source, into, denoiser.cut_with(neighbours), of_channels):
        pass
    plane: Floats = found[c]
    return plane


def camera_readout(law: Law, signals: Array | MeanVariance, origin: Origin, step: float) -> Readout | None:
    """Return the camera's gain, offset and read noise; None if they are not known or there are too few signals."""
    if origin is Origin.ASSUMED:
        return None
    try:
        if origin is Origin.FIRST and isinstance(signals, MeanVariance):
            return read_out(signals, step=step)
        return read_out(law, signals, step=step, measured=origin.measured)
    except MuguetError:
        return None


def _measured_variance(noisy: Array, estimate: Array, whitening: Whitening | None) -> MeanVariance | None:
    """Return the variance that a high-pass of the noisy plane measures; None if the plane is too small for it."""
    recorded, signal = unsaturated(noisy), estimate.astype(np.float64)
    if whitening is not None:
        recorded, signal = whitened_pair(whitening, recorded, signal)
    try:
        found = transfer_alone([recorded], [signal], fewest=min(1000, max(100, noisy.size // 64)))
    except MuguetError:
        return None
    return found if whitening is None else whitening.of_image(found)


def run_of(denoiser: Denoiser, command: Sequence[str], started: float | None, made: Mapping[str, Any]) -> Run:
    """Return what a report says of a run; the parameters are those of `report_denoising`."""
    now = time.time()
    start = datetime.fromtimestamp(now if started is None else started).astimezone()
    return Run(
        command=command,
        started=start.isoformat(" ", "minutes"),
        seconds=None if started is None else now - started,
        machine=machine(str(denoiser.device)),
        versions={"muguet": __version__, "torch": torch.__version__, "numpy": np.__version__},
        parts=asdict(denoiser.parts),
        training=denoiser.training,
        provenance=made,
    )
