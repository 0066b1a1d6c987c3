"""Measure the noise of images: from pairs of noisy and clean ones, from repeats, or from one image alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from muguet.errors import MuguetError
from muguet.noise.camera.readout import Readout, read_out
from muguet.noise.correlated.explained import certain_whitening
from muguet.noise.correlated.whitening import Whitening
from muguet.noise.measured import MeasuredLaw
from muguet.noise.numerics import require_moderate, window_sums
from muguet.noise.pairing import require_pairs
from muguet.noise.transfer.bins import Floats, min_bin_count
from muguet.noise.transfer.curve import MeanVariance
from muguet.noise.transfer.single_image import transfer_alone

MAX_PIXELS = 2**24
"""Pixels that are measured; of a larger image every n-th pixel is used, or every n-th plane of an image alone."""

_MAX_PLANES = 4  # The correlation of the noise is measured on at most this many planes.
_BOX = 5  # Pixels along a side of the windows whose means are the signals of an image alone.
_LIMITS = (
    "Measured on the image alone, by a high-pass filter: only σ is known. Texture and edges raise it. A clean image, "
    "repeats of a still scene or a model that was trained on the image give more."
)


@dataclass(frozen=True, eq=False)
class Measurement:
    """Noise that was measured on images.

    Attributes
    ----------
    kind
        "pair", "repeats" or "alone".
    law
        The noise law; None for an image alone, which gives variances only.
    points
        The photon-transfer curve: variance of the noise against the signal.
    readout
        Gain, offset and read noise of the camera.
    signals
        The signal of each pixel that was used, in counts ``(pixels,)``.
    notes
        Sentences on what the measurement can and cannot show.
    """

    kind: str
    law: MeasuredLaw | None
    points: MeanVariance
    readout: Readout
    signals: Floats
    notes: tuple[str, ...] = ()

    @property
    def signal_range(self) -> tuple[float, float]:
        """Darkest and brightest signal of the photon-transfer curve, in counts."""
        return float(self.points.signal[0]), float(self.points.signal[-1])


def measure_pair(
    noisy: npt.ArrayLike,
    clean: npt.ArrayLike,
    *,
    offset: float | None = None,
    excess: float = 1.0,
    step: float = 1.0,
) -> Measurement:
    """Measure the noise law on a noisy image and the clean one of the same scene, see `MeasuredLaw.from_pairs`.

    Saturated pixels of the noisy image must be NaN (`muguet.image.unsaturated`): their records are cut off, which would
    make the noise of bright signals too small. NaN and infinite pixels are left out.

    Parameters
    ----------
    noisy
        Recorded planes ``(n, y, x)`` or one plane ``(y, x)``, in counts.
    clean
        Registered planes of the signal of the same shape, or one plane for all of them, in counts.
    offset
        Counts without light, if known: it separates the read noise from the offset.
    excess
        Excess-noise factor of the camera: 1 for CCD and sCMOS, 2 for a multiplying register.
    step
        Difference between neighbouring counts, which gives the variance of rounding; 0 for values without rounding.

    Raises
    ------
    MuguetError
        If the images do not show the same scene in the same units (`require_pairs`), or have too few pixels, too few
        signals, or no noise.
    """
    recorded, signals = _planes(noisy), _planes(clean)
    if signals.shape[1:] != recorded.shape[1:] or len(signals) not in (1, len(recorded)):
        one, other = ("×".join(map(str, each.shape)) for each in (recorded, signals))
        raise MuguetError(f"the planes are {one} and {other}: give registered images of one shape")
    notes = (*require_pairs(recorded, signals, same_units=True), *_left_out(recorded))
    every = max(1, recorded.size // MAX_PIXELS)
    signals = np.broadcast_to(signals, recorded.shape).reshape(-1)[::every]
    recorded = recorded.reshape(-1)[::every]
    law = MeasuredLaw.from_pairs(recorded, signals, fewest=_min_bin_count(recorded))
    signals = np.where(np.isfinite(recorded), signals, np.nan)
    return _measurement("pair", law, signals, notes, offset, excess, step)


def measure_repeats(
    frames: npt.ArrayLike,
    *,
    offset: float | None = None,
    excess: float = 1.0,
    step: float = 1.0,
) -> Measurement:
    """Measure the noise law on two or more frames of a scene that holds still, see `MeasuredLaw.from_repeats`.

    Saturated pixels must be NaN, as for `measure_pair`. Drift and bleaching count as noise: register and correct first.

    Parameters
    ----------
    frames
        Recorded frames ``(T, ...)``, T ≥ 2, in counts.
    offset, excess, step
        As for `measure_pair`.

    Raises
    ------
    MuguetError
        If there are fewer than two frames, too few pixels or signals, or no noise.
    """
    recorded = np.asarray(frames, dtype=np.float64)
    if recorded.ndim < 2 or len(recorded) < 2:
        raise MuguetError(
            f"frames of shape {recorded.shape}: give two or more frames of one scene, along axis 0"
        )
    require_moderate(recorded)
    notes = _left_out(recorded)
    recorded = recorded.reshape(len(recorded), -1)[:, :: max(1, recorded.size // MAX_PIXELS)]
    law = MeasuredLaw.from_repeats(recorded, fewest=_min_bin_count(recorded))
    return _measurement("repeats", law, recorded.mean(0), notes, offset, excess, step)


def measure_single_image(
    planes: npt.ArrayLike,
    *,
    offset: float | None = None,
    excess: float = 1.0,
    step: float = 1.0,
) -> Measurement:
    """Measure the variance of the noise against the signal on an image alone, see `transfer_alone`.

    If the noise of neighbouring pixels is correlated, the variance is measured on the image with white noise, see
    `Whitening`, and divided by its `level`.

    Saturated pixels must be NaN, as for `measure_pair`.

    Parameters
    ----------
    planes
        Recorded planes ``(n, y, x)`` or one plane ``(y, x)``, in counts.
    offset, excess, step
        As for `measure_pair`.

    Raises
    ------
    MuguetError
        If the planes are smaller than 16×16 pixels, or have too few pixels or signals.
    """
    recorded = _planes(planes)
    notes = (_LIMITS, *_left_out(recorded))
    some = recorded[:: max(1, min(recorded.size // MAX_PIXELS, len(recorded)))]
    whitening = certain_whitening(list(some[:: -(-len(some) // _MAX_PLANES)]))
    if whitening is None:
        points = transfer_alone(some, fewest=_min_bin_count(some))
    else:
        white = transfer_alone([_whitened(whitening, plane) for plane in some], fewest=_min_bin_count(some))
        points = whitening.of_image(white)
        notes = (*notes, whitening.kernel.note())
    return _measurement("alone", points, window_sums(some, _BOX) / _BOX**2, notes, offset, excess, step)


def _whitened(whitening: Whitening, plane: Floats) -> Floats:
    """Return a plane with white noise, NaN where a pixel is missing."""
    known = np.isfinite(plane)
    filled = np.where(known, plane, np.nanmedian(plane) if known.any() else 0.0)
    return np.where(known, whitening(filled), np.nan)


def _planes(image: npt.ArrayLike) -> Floats:
    """Return an image as planes ``(n, y, x)`` in float64."""
    array = np.asarray(image, dtype=np.float64)
    if array.ndim not in (2, 3):
        raise MuguetError(f"an image of shape {array.shape}: give one plane (y, x), or planes (n, y, x)")
    require_moderate(array)
    return array[None] if array.ndim == 2 else array


def _min_bin_count(recorded: Floats) -> int:
    return min_bin_count(int(np.isfinite(recorded).sum()))


def _left_out(recorded: Floats) -> tuple[str, ...]:
    """Return a sentence on pixels that are not finite, if there are any."""
    share = 1 - float(np.isfinite(recorded).mean()) if recorded.size else 0.0
    return (f"Left out: {100 * share:.2g} % of the pixels, which are missing or saturated.",) if share else ()


def _measurement(
    kind: str,
    source: MeasuredLaw | MeanVariance,
    signals: Floats,
    notes: tuple[str, ...],
    offset: float | None,
    excess: float,
    step: float,
) -> Measurement:
    law = source if isinstance(source, MeasuredLaw) else None
    points = source.points() if isinstance(source, MeasuredLaw) else source
    if len(points.signal) < 3:
        raise MuguetError(
            "too few pixels, or too few different signals, to measure the noise: "
            "give a larger image, or one with dark and bright parts"
        )
    readout = read_out(source, offset=offset, excess=excess, step=step)
    return Measurement(kind, law, points, readout, signals[np.isfinite(signals)], notes)
