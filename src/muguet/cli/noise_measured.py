"""The noise measured on images, for `muguet noise`: by a clean partner, by repeats, or on the image alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from muguet.cli.display import say
from muguet.errors import MuguetError

if TYPE_CHECKING:
    from muguet.noise.camera.readout import Readout
    from muguet.noise.law import Law
    from muguet.noise.measured import MeasuredLaw
    from muguet.noise.transfer.curve import MeanVariance

Floats = npt.NDArray[np.float64]

_MOST = 2**24  # pixels that are measured; of more every n-th, or with an image alone every n-th plane
_BOX = 5  # pixels along a side of the windows whose means stand for the signal
_ALONE = (
    "Measured on the image alone, by a high-pass: σ only. Texture and edges raise it, noise that neighbours share "
    "lowers it. With --clean, --repeats (a still scene) or a model of muguet fit there is more to tell."
)


@dataclass(eq=False)
class Found:
    """A law, or what is known of one, and all that is told of it; `learned` is N-net's own of a sharpened one."""

    name: str
    kind: str
    readout: Readout
    signal_range: tuple[float, float]
    law: Law | None = None
    components: int | None = None
    learned: Law | None = None
    divergence: float | None = None
    along: Floats | None = None
    notes: list[str] = field(default_factory=list)


@dataclass(eq=False)
class Measurement:
    """What was measured on images: the law or variances alone, and the pixels of the signal."""

    found: Found
    source: MeasuredLaw | MeanVariance
    signals: Floats


def measure(
    path: Path, clean: Path | None, repeats: bool, channel: int, camera: dict[str, Any]
) -> Measurement:
    """The law of an image by its clean partner, its repeats, or roughly by itself."""
    from muguet.image.values import quantum, unsaturated
    from muguet.noise.camera.readout import read_out
    from muguet.noise.measured import MeasuredLaw
    from muguet.noise.numerics import window_sums
    from muguet.noise.transfer.single_image import transfer_alone

    if clean is not None and repeats:
        raise MuguetError("--clean and --repeats are two ways to measure: give one of them")
    planes, axes = _planes(path, channel)
    step = quantum(planes)
    recorded = np.stack([unsaturated(plane) for plane in planes])
    left_out = 100 * float((np.isnan(recorded) & np.isfinite(planes)).mean())
    source: MeasuredLaw | MeanVariance
    if clean is not None:
        signals = _partner(planes.shape, path, clean, channel)
        every = max(1, recorded.size // _MOST)
        recorded, signals = recorded.reshape(-1)[::every], signals.reshape(-1)[::every]
        kind, source = "pair", MeasuredLaw.from_pairs(recorded, signals, fewest=_fewest(recorded))
        signals = np.where(np.isfinite(recorded), signals, np.nan)
    elif repeats:
        times = dict(axes).get("T", 1)
        if times < 2:
            shown = "".join(letter for letter, _ in axes)
            raise MuguetError(f"--repeats needs a T axis of two or more, and {path} has the axes {shown}")
        frames = recorded.reshape(times, -1)[:, :: max(1, recorded.size // _MOST)]
        kind, source = "repeats", MeasuredLaw.from_repeats(frames, fewest=_fewest(frames))
        signals = frames.mean(0)
    else:
        some = recorded[:: max(1, min(recorded.size // _MOST, len(recorded)))]
        kind, source = "alone", transfer_alone(some, fewest=_fewest(some))
        signals = window_sums(some, _BOX) / _BOX**2
    notes = [_ALONE] if kind == "alone" else []
    if left_out:
        notes.append(f"Left out: {left_out:.2g} % of the pixels, which are saturated.")
    points = source.points() if isinstance(source, MeasuredLaw) else source
    if len(points.signal) < 3:
        raise MuguetError(
            f"{path} has too few pixels, or too few signals, for a law of its noise: "
            "give a larger image, or one with dark and bright parts"
        )
    readout = read_out(source, step=step, **camera)
    ends = (float(readout.points.signal[0]), float(readout.points.signal[-1]))
    law = source if isinstance(source, MeasuredLaw) else None
    return Measurement(
        Found(path.name, kind, readout, ends, law, notes=notes), source, signals[np.isfinite(signals)]
    )


def _planes(
    path: Path, channel: int, one_for_all: bool = False
) -> tuple[npt.NDArray[Any], list[tuple[str, int]]]:
    """One channel of an image as ``(n, y, x)``, and its axes with their sizes."""
    from muguet.formats.registry import read
    from muguet.image.axes import Layout
    from muguet.image.values import require_real

    image = read(path)
    require_real(image.data, str(path))
    layout = Layout(image.axes, image.data.shape)
    if one_for_all and layout.channels == 1:
        channel = 0
    if channel >= layout.channels:
        raise MuguetError(f"--channel {channel}: {path} has {channels(layout.channels)}")
    for note in image.notes:
        say(f"{path}: {note}.")
    return layout.split(image.data)[:, channel], list(zip(image.axes, image.data.shape, strict=True))


def _partner(shape: tuple[int, ...], noisy: Path, clean: Path, channel: int) -> Floats:
    """The clean planes, of the noisy ones' shape; one clean plane serves all."""
    planes, _ = _planes(clean, channel, one_for_all=True)
    if planes.shape[1:] != shape[1:] or len(planes) not in (1, shape[0]):
        one, other = ("×".join(map(str, each)) for each in (shape, planes.shape))
        raise MuguetError(
            f"{noisy} and {clean} are no pair, their planes are {one} and {other}: give registered images of one shape"
        )
    return np.broadcast_to(planes.astype(np.float64), shape)


def _fewest(pixels: Floats) -> int:
    """Pixels of the smallest bin: fewer where there are not many."""
    return min(1000, max(100, int(np.isfinite(pixels).sum()) // 32))


def channels(number: int) -> str:
    """Which channels there are, in words."""
    return "one channel, 0" if number == 1 else f"the channels 0 to {number - 1}"
