"""Gain, offset and read noise of a camera, read off its noise with 95 % intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from muguet.errors import MuguetError
from muguet.noise.camera.line import Line, robust_line
from muguet.noise.camera.linearity import Departure, departures, linear_part
from muguet.noise.law import Law
from muguet.noise.measured import MeasuredLaw
from muguet.noise.numerics import require_moderate
from muguet.noise.transfer.bins import Floats, bins_of
from muguet.noise.transfer.curve import MeanVariance

_RUNS = 8  # The jackknife leaves out one of this many runs of neighbouring points.


@dataclass(frozen=True)
class Interval:
    """A value and the interval that covers the truth in 95 % of cases; its ends are NaN if they are not known."""

    value: float
    low: float
    high: float

    @property
    def known(self) -> bool:
        """Whether the interval is known."""
        return not (np.isnan(self.low) or np.isnan(self.high))

    def __contains__(self, truth: float) -> bool:
        return self.low <= truth <= self.high


@dataclass(frozen=True)
class Readout:
    """Parameters of a camera: variance = excess · gain · (signal − offset) + (gain · read)²  (counts²).

    Attributes
    ----------
    gain
        Counts (ADU) per photo-electron: the slope divided by the excess-noise factor that was assumed.
    offset
        Counts without light. If no offset was given, the value is the signal at which the fitted variance is zero,
        the offset *if there is no read noise*; the interval contains all offsets that the data allow, from that signal
        (and its error) up to the darkest signal of the image, which cannot lie below the offset.
    read_noise
        Read noise in photo-electrons. If no offset was given, the value is 0, which belongs to that offset, and the
        interval is the one that belongs to the interval of the offset.
    zero
        Signal at which the fitted variance is zero, offset − gain · read² / excess. It needs no assumption.
    excess
        Excess-noise factor that was assumed.
    third_ratio
        (dκ₃/dx) / (dσ²/dx)², with κ₃ the third central moment: 1 for shot noise, 1.5 behind a multiplying
        register (`EMCCD`), with or without read noise. None where only variances are known.
    linear
        Darkest and brightest signal of the part that was fitted.
    departures
        Ranges at the dark end, the bright end or both where the variance is not on the line.
    separated
        True if an offset was given, which separates offset and read noise.
    step
        Difference between neighbouring counts; 0 for values without rounding.
    points
        The photon-transfer curve.
    """

    gain: Interval
    offset: Interval
    read_noise: Interval
    zero: Interval
    excess: float
    third_ratio: Interval | None
    linear: tuple[float, float]
    departures: tuple[Departure, ...]
    separated: bool
    step: float
    points: MeanVariance

    def variance(self, signal: Floats) -> Floats:
        """Return the fitted line, in counts²."""
        return self.excess * self.gain.value * (signal - self.zero.value)


def read_out(
    source: Law | MeanVariance,
    signals: npt.ArrayLike | MeanVariance | None = None,
    *,
    offset: float | None = None,
    excess: float = 1.0,
    step: float = 1.0,
    tolerance: float = 0.1,
    measured: bool = True,
) -> Readout:
    """Read gain, offset and read noise off a law or a photon-transfer curve.

    A robust line, variance = slope · (signal − zero), weighted by the pixels at each signal, is fitted to the part of
    the curve that is straight (`muguet.noise.camera.linearity`). Janesick 2007, *Photon Transfer*,
    doi:10.1117/3.725073. A line has a slope and a zero, and a camera has more parameters:

    - gain and excess-noise factor appear only as their product, the slope: `excess` is an assumption (1 for CCD
      and sCMOS, 2 for a multiplying register), which `third_ratio` may support or contradict;
    - offset and read noise appear only as zero = offset − gain · read²/excess: they are separated if `offset` is
      given, from a frame without light or the camera's data sheet; otherwise their intervals contain all possible
      values.

    For measured points the intervals come from the scatter about the line. The points of a learned law have no
    independent errors: its intervals come from leaving out runs of them.

    The σ of a law that was learned from or measured against an estimate includes the error of the estimate,
    E[(y − x̂)²] = σ² + Var(x | x̂), for which the intervals do not allow. It is small in low light; at high
    signal-to-noise ratios the slope, or the apparent read noise, is too large.

    Parameters
    ----------
    source
        A law, or points from `mean_variance` or `MeasuredLaw.points`. A measured law gives its own points.
    signals
        For any other law: either a photon-transfer curve that was measured on the same images, which is then used in
        place of the variance of the law (the law adds its third moment); or the signals of an image (an estimate will
        do), in counts, at which to evaluate the law. Pixels that are not finite are left out.
    offset
        Counts without light, if known.
    excess
        The excess-noise factor to assume.
    step
        Difference between neighbouring counts: 1 unless the image was rescaled, 0 for values without rounding.
    tolerance
        Relative distance from the line up to which a variance still counts as linear.
    measured
        False: the variance of the law was not measured on images, so that its error is unknown, and the values are
        returned without intervals (NaN).

    Raises
    ------
    MuguetError
        If there are fewer than three different signals, or no signals for a law that needs them.
    """
    points, third = _curve(source, signals)
    require_moderate(points.signal)
    if len(points.signal) < 3 or not np.ptp(points.signal) > 0:
        raise MuguetError(
            f"{len(points.signal)} different signals are too few to read off a camera: give 3 or more"
        )
    relative = points.error / np.maximum(points.variance, 1e-300)
    relative = np.maximum(relative, 1e-6)
    independent = any(isinstance(each, MeanVariance | MeasuredLaw) for each in (source, signals))
    part = linear_part(points.signal, points.variance, relative, tolerance)
    line = robust_line(points.signal[part], points.variance[part], relative[part], independent=independent)
    figures = _figures(line, _darkest(points), offset, excess)
    ratio = None if third is None else _third_ratio(points, third, part)
    if not measured:
        figures = {
            name: each if name == "offset" and offset is not None else _bare(each)
            for name, each in figures.items()
        }
        ratio = ratio and _bare(ratio)
    return Readout(
        **figures,
        excess=excess,
        third_ratio=ratio,
        linear=(float(points.signal[part][0]), float(points.signal[part][-1])),
        departures=departures(points.signal, points.variance, relative, line, tolerance),
        separated=offset is not None,
        step=step,
        points=points,
    )


def _curve(
    source: Law | MeanVariance, signals: npt.ArrayLike | MeanVariance | None
) -> tuple[MeanVariance, Floats | None]:
    """Return the photon-transfer curve and, for a law, the third central moments of its points."""
    if isinstance(source, MeanVariance):
        return source, None
    if isinstance(source, MeasuredLaw):
        points = source.points()
    elif isinstance(signals, MeanVariance):
        points = signals
    else:
        if signals is None:
            raise MuguetError("pass `signals`: the range of signals at which to evaluate the law")
        values = np.asarray(signals, dtype=np.float64).ravel()
        values = values[np.isfinite(values)]
        groups = bins_of(values, fewest=max(1, min(1000, len(values) // 256)))
        at = groups.mean(values[groups.order])
        variance = np.asarray(source.std(at), dtype=np.float64) ** 2
        points = MeanVariance(at, variance, variance * np.sqrt(2 / groups.counts), groups.counts)
    skewness = np.asarray(source.skewness(points.signal), dtype=np.float64)
    return points, skewness * points.variance**1.5


def _darkest(points: MeanVariance) -> float:
    """Return an upper bound of the darkest true signal."""
    return float(points.signal[0] + 3 * points.blur * np.sqrt(points.variance[0]))


def _figures(line: Line, darkest: float, offset: float | None, excess: float) -> dict[str, Interval]:
    """Return gain, zero, offset and read noise with the propagated error of the line."""
    levels, slopes = line.draws()
    zero = line.centre - line.level / line.slope if line.slope > 0 else -np.inf
    # Where the line may be flat, its zero may lie anywhere below.
    zeros = np.where(slopes > 0, line.centre - levels / np.where(slopes > 0, slopes, 1), -np.inf)
    zero_interval = _interval(zero, zeros)
    gain = _interval(line.slope / excess, slopes / excess)

    def read(at: float, level: npt.ArrayLike, slope: npt.ArrayLike) -> Floats:
        left = np.asarray(level) + np.asarray(slope) * (at - line.centre)  # Variance without light.
        rising = np.asarray(slope) > 0
        ratio: Floats = np.sqrt(np.clip(left, 0, None)) * excess / np.where(rising, slope, 1)
        return np.where(rising, ratio, np.inf)

    if offset is not None:
        given = Interval(offset, offset, offset)
        read_noise = _interval(float(read(offset, line.level, line.slope)), read(offset, levels, slopes))
    else:
        given = Interval(zero, zero_interval.low, max(zero_interval.high, darkest))
        bound = _interval(float(read(darkest, line.level, line.slope)), read(darkest, levels, slopes))
        read_noise = Interval(0.0, 0.0, bound.high)
    return {"gain": gain, "zero": zero_interval, "offset": given, "read_noise": read_noise}


def _interval(value: float, draws: Floats) -> Interval:
    # Nearest ranks, as ∞ cannot be interpolated. A value outside its draws is due to rounding.
    low, high = np.quantile(draws, [0.025, 0.975], method="nearest")
    return Interval(float(value), min(float(low), float(value)), max(float(high), float(value)))


def _bare(interval: Interval) -> Interval:
    """Return a value without its interval."""
    return Interval(interval.value, float("nan"), float("nan"))


def _third_ratio(points: MeanVariance, third: Floats, part: slice) -> Interval:
    """Return (dκ₃/dx)/(dσ²/dx)² over the linear part, with an interval by leaving out runs of neighbours."""
    x, variance, third, root = (
        values[part] for values in (points.signal, points.variance, third, np.sqrt(points.count))
    )

    def ratio(rest: npt.NDArray[np.intp]) -> float:
        v = variance[rest]
        second = np.polyfit(x[rest], v, 1, w=root[rest] / v)[0]
        return float(np.polyfit(x[rest], third[rest], 1, w=root[rest] / v**1.5)[0] / second**2)

    every = np.arange(len(x))
    runs = np.array_split(every, min(_RUNS, max(len(x) - 2, 3)))
    each = np.array([ratio(np.setdiff1d(every, run)) for run in runs])
    deviation = float(np.sqrt((len(runs) - 1) / len(runs) * ((each - each.mean()) ** 2).sum()))
    value = ratio(every)
    return Interval(
        value, value - 2.36 * deviation, value + 2.36 * deviation
    )  # Student's t, 7 degrees of freedom.
