"""Sentences that explain the read-out of a camera."""

from __future__ import annotations

import numpy as np

from muguet.noise.camera.readout import Interval, Readout

_MIN_RISE = (
    0.1  # A variance that rises by less than this part of itself over all signals is taken as constant.
)
_SHOT = 1.0  # Third-moment ratio of shot noise.
_MULTIPLIED = 1.5  # That of shot noise behind a multiplying register.
# A variance that falls short of the line by more than this is called saturated; less may be compression.
_SATURATED = -0.9
_MAX_ROUNDING = 0.1  # Rounding is mentioned if its variance is more than this part of the smallest variance.


def interpret(readout: Readout) -> tuple[str, ...]:
    """Return sentences on the limiting noise, the offset, excess noise, linearity and quantisation."""
    sentences = [_limit(readout)]
    if _grows(readout):
        sentences += [_offset(readout), _excess(readout)]
    return tuple(sentences + _linearity(readout) + _quantisation(readout))


def _grows(readout: Readout) -> bool:
    signal = np.array(readout.linear)
    low, high = readout.variance(signal) if readout.gain.value > 0 else (1.0, 1.0)
    rises = readout.gain.low > 0 or not readout.gain.known
    return rises and high - low > _MIN_RISE * max(low, 0)


def _limit(readout: Readout) -> str:
    if not _grows(readout):
        return (
            "Read-noise limited: the variance does not grow with the signal, so gain and offset cannot be measured; "
            "brighter images would show them."
        )
    counts = np.cumsum(readout.points.count)
    median = float(readout.points.signal[np.searchsorted(counts, counts[-1] / 2)])
    total = float(readout.variance(np.array(median)))
    dark = readout.offset.value if readout.separated else _highest_offset(readout)
    share = 1 - max(float(readout.variance(np.array(dark))), 0) / max(total, 1e-300)
    at = f"at the median signal, {median:.4g},"
    if readout.separated and share >= 0.5:
        return f"Shot-noise limited: {at} {share:.0%} of the variance is shot noise."
    if readout.separated:
        equal = dark + (dark - readout.zero.value)
        return (
            f"Read-noise limited: {at} {1 - max(share, 0):.0%} of the variance is read noise; "
            f"shot noise exceeds it above a signal of {equal:.4g}."
        )
    if share >= 0.5:
        return f"Shot-noise limited: {at} at least {share:.0%} of the variance is shot noise, whatever the offset."
    return (
        f"Without the offset it is unknown whether shot noise or read noise dominates: {at} shot noise is between "
        f"{max(share, 0):.0%} and 100% of the variance."
    )


def _highest_offset(readout: Readout) -> float:
    """The highest offset that the data allow, or the darkest signal if the interval of the offset is not known."""
    return readout.offset.high if readout.offset.known else float(readout.points.signal[0])


def _offset(readout: Readout) -> str:
    zero = _text(readout.zero, 4)
    if not readout.separated:
        allowed = (
            f". The darkest signal allows offsets up to {readout.offset.high:.4g}, with a read noise of up to "
            f"{readout.read_noise.high:.2g} e⁻"
        )
        return (
            f"Offset and read noise cannot be separated: the fitted variance is zero at a signal of {zero}, "
            f"which is the offset if there is no read noise{allowed if readout.offset.known else ''}; "
            "give the offset (the counts of a frame without light) to separate them."
        )
    if readout.zero.low > readout.offset.value:
        return (
            f"The given offset, {readout.offset.value:.4g}, contradicts the images, where the fitted variance is zero "
            f"already at {zero}: the true offset is higher, or the images were processed."
        )
    return f"With an offset of {readout.offset.value:.4g}, the read noise is {_text(readout.read_noise)} e⁻."


def _excess(readout: Readout) -> str:
    slope = readout.excess * readout.gain.value
    product = (
        f"Gain and excess noise cannot be separated by the variance: its slope, {slope:.4g} counts, is the gain times "
        f"the excess-noise factor, which was assumed to be {readout.excess:g}"
    )
    product += (
        f" (for an EMCCD it is 2, and the gain {slope / 2:.4g} counts)." if readout.excess == 1 else "."
    )
    ratio = readout.third_ratio
    if ratio is None:
        return product
    border = 0.5 * (_SHOT + _MULTIPLIED)
    third = f"The third moment grows {_text(ratio)} times as fast as that of shot noise"
    if not ratio.known:
        third += "."
    elif ratio.low > border:
        third += ": there is excess noise, as of an electron-multiplying register (1.5)."
    elif ratio.high < border and ratio.high >= _SHOT - 0.1:
        third += ": no sign of excess noise, with which it would be 1.5."
    elif ratio.high < border:
        third += (
            ": the noise is less skewed than shot noise, as after smoothing, or in a law without skewness."
        )
    else:
        third += ", which is compatible with no excess noise (1) and with a multiplying register (1.5)."
    return f"{product} {third}"


def _linearity(readout: Readout) -> list[str]:
    sentences = []
    for away in readout.departures:
        kind = "Saturated" if away.bright and away.deviation < _SATURATED else "Not linear"
        where = f"above a signal of {away.low:.4g}" if away.bright else f"below a signal of {away.high:.4g}"
        side = "below" if away.deviation < 0 else "above"
        reason = {
            (True, True): "pixels may reach the top of the range, or the response may be compressed",
            (
                True,
                False,
            ): "the estimate may be wrong on bright structures, or the light itself may fluctuate",
            (False, True): "pixels may be cut off at zero",
            (False, False): "the background may contain structure or a second source of noise",
        }[away.bright, away.deviation < 0]
        sentences.append(
            f"{kind} {where}: the variance is up to {abs(away.deviation):.0%} {side} the line; {reason}."
        )
    return sentences


def _quantisation(readout: Readout) -> list[str]:
    rounding, smallest = readout.step**2 / 12, float(readout.points.variance.min())
    if rounding <= _MAX_ROUNDING * smallest:
        return []
    return [
        f"Quantised: rounding to steps of {readout.step:g} adds a variance of {rounding:.2g}, "
        f"{min(rounding / max(smallest, 1e-300), 1):.0%} of the smallest variance, which counts as read noise here."
    ]


def _text(interval: Interval, digits: int = 3) -> str:
    value, low, high = (f"{each:.{digits}g}" for each in (interval.value, interval.low, interval.high))
    return f"{value} [{low}, {high}]" if interval.known else value
