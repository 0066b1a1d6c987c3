"""`muguet denoise --report`: choose a plane, check the denoised image and collect what the report shows of it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

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
from muguet.quality.frames import Frames, frames_around, stack_around
from muguet.quality.model_checks import examine
from muguet.quality.whitened import whitened_pair
from muguet.report.assembly import check_report, write_report
from muguet.report.channel import Channel
from muguet.report.run import Run
from muguet.system.machine import machine
from muguet.version import __version__

Array = npt.NDArray[np.generic]

_UNTRAINED = "This is the first result, before training."
_WITHOUT_PATTERN = "The noisy image is shown and checked after this correction."
_MIN_VARIANCE_SHARE = 0.9  # Planes with at least this share of the largest variance are equally good to show.
_MAX_PIXELS = 2**18  # The variance of a plane is computed from at most about twice as many pixels.


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
    corrected = denoiser.correction(screen(noisy.data, layout), layout)
    counts = noisy.data if corrected.removed is None else corrected.screened.values
    notes = corrected.notes if corrected.removed is None else (*corrected.notes, _WITHOUT_PATTERN)
    before, after = layout.split(counts), layout.split(estimate)
    planes = ArrayPlanes(corrected.screened.values, layout)
    n, z = _plane_to_show(after)
    names = noisy.channel_names if len(noisy.channel_names) == layout.channels else ()
    channels = [
        checked_channel(
            denoiser,
            (_plane(before[n, c], z), _plane(after[n, c], z)),
            c,
            names[c] if names else f"Channel {c}",
            noisy.pixel_size.get("X"),
            frames_around(before, layout, n, c) if z is None else stack_around(before[n, c], z),
            (*((*noisy.notes, *notes) if c == 0 else ()), *_plane_note(layout, n, z)),
            _std_from_several(denoiser, planes, neighbours, n, c),
        )
        for c in range(layout.channels)
    ]
    title = noisy.path.name if noisy.path is not None else "Image"
    write_report(path, title, channels, run_of(denoiser, command, started, made or {}), overwrite)


# --- The plane to show -----------------------------------------------------------------------------------


def _plane_to_show(planes: Array) -> tuple[int, int | None]:
    """Return the sample, and in a stack the depth, of the plane that the report shows.

    It is the middle one of the planes with the largest variance. The variance of a plane is averaged over the
    channels, each relative to its largest; planes within 10 % of the largest count as equal.
    """
    depths = range(planes.shape[2]) if planes.ndim == 5 else (None,)
    places = [(n, z) for n in range(len(planes)) for z in depths]
    variances = np.array([[_variance(_plane(channel, z)) for channel in planes[n]] for n, z in places])
    relative = (variances / np.maximum(variances.max(0), 1e-300)).mean(1)
    candidates = np.flatnonzero(relative >= _MIN_VARIANCE_SHARE * relative.max())
    return places[int(candidates[len(candidates) // 2])]


def _variance(plane: Array) -> float:
    sample = plane.reshape(-1)[:: max(plane.size // _MAX_PIXELS, 1)].astype(np.float64)
    sample = sample[np.isfinite(sample)]
    return float(sample.var()) if sample.size else 0.0


def _plane(channel: Array, z: int | None) -> Array:
    return channel if z is None else channel[z]


def _plane_note(layout: Layout, n: int, z: int | None) -> tuple[str, ...]:
    """Return a sentence about which plane is shown; nothing if the image has only one."""
    axes = "".join(letter for letter in "TZ" if letter in layout.axes and letter not in layout.spatial_axes)
    sizes = [layout.shape[layout.axes.index(letter)] for letter in axes]
    index = [int(each) for each in np.unravel_index(n, sizes)] if sizes else []
    position = [*zip(axes, index, sizes, strict=True)]
    if z is not None:
        position.append(("Z", z, layout.space[0]))
    shown = [f"{letter} {place} (of 0 to {size - 1})" for letter, place, size in position if size > 1]
    if not shown:
        return ()
    return (
        "This report shows and checks one plane, from where the denoised image varies most: "
        f"{', '.join(shown)}.",
    )


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
    function = denoiser.series_function(found[c].size, 1, std=True)
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
