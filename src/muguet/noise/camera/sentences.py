"""What a camera's read-out means, in words."""

from __future__ import annotations

import numpy as np

from muguet.noise.camera.readout import Interval, Readout

_FLAT = 0.1  # rise of the variance over all signals, as a part of it, below which it says nothing of light
_SHOT, _MULTIPLIED = 1.0, 1.5  # third-moment ratios of shot noise, and of shot noise multiplied
_SATURATED = -0.9  # of the variance has gone; with less, compression looks the same
_STEP_SHARE = 0.1  # of the smallest variance, that rounding may be


def interpret(readout: Readout) -> tuple[str, ...]:
    """Return a read-out in sentences: regime, what cannot be separated, excess noise, linearity, quantisation."""
    said = [_regime(readout)]
    if _grows(readout):
        said += [_offset(readout), _excess(readout)]
    return tuple(said + _linearity(readout) + _quantised(readout))


def _grows(readout: Readout) -> bool:
    signal = np.array(readout.linear)
    low, high = readout.variance(signal) if readout.gain.value > 0 else (1.0, 1.0)
    return readout.gain.low > 0 and high - low > _FLAT * max(low, 0)


def _regime(readout: Readout) -> str:
    if not _grows(readout):
        return (
            "Read-noise limited: variance does not grow with the signal, so gain and offset cannot be read off; "
            "brighter images would show them."
        )
    counts = np.cumsum(readout.points.count)
    median = float(readout.points.signal[np.searchsorted(counts, counts[-1] / 2)])
    total = float(readout.variance(np.array(median)))
    dark = readout.offset.value if readout.separated else readout.offset.high
    share = 1 - max(float(readout.variance(np.array(dark))), 0) / max(total, 1e-300)
    at = f"at the median signal, {median:.4g},"
    if readout.separated and share >= 0.5:
        return f"Shot-noise limited: {at} {share:.0%} of the variance is shot noise."
    if readout.separated:
        equal = dark + (dark - readout.zero.value)
        return (
            f"Read-noise limited: {at} {1 - max(share, 0):.0%} of the variance is read noise; "
            f"shot noise overtakes it at a signal of {equal:.4g}."
        )
    if share >= 0.5:
        return f"Shot-noise limited: {at} at least {share:.0%} of the variance is shot noise, whatever the offset."
    return (
        f"Whether shot noise or read noise limits cannot be told without the offset: {at} shot noise is between "
        f"{max(share, 0):.0%} and 100% of the variance."
    )


def _offset(readout: Readout) -> str:
    zero = f"{readout.zero.value:.4g} [{readout.zero.low:.4g}, {readout.zero.high:.4g}]"
    if not readout.separated:
        return (
            f"Offset and read noise cannot be told apart: the variance line reaches zero at a signal of {zero}, "
            f"which is the offset if there is no read noise. The darkest signal allows offsets up to "
            f"{readout.offset.high:.4g}, with a read noise of up to {readout.read_noise.high:.2g} e⁻; "
            "give the offset (a frame without light) to separate them."
        )
    if readout.zero.low > readout.offset.value:
        return (
            f"The given offset, {readout.offset.value:.4g}, contradicts the line, whose variance is zero at {zero} "
            "already: the true one lies higher, or the images were processed."
        )
    return f"With an offset of {readout.offset.value:.4g}, read noise is {_in(readout.read_noise)} e⁻."


def _excess(readout: Readout) -> str:
    slope = readout.excess * readout.gain.value
    apart = (
        "Gain and excess noise cannot be told apart by variance: the slope, "
        f"{slope:.4g} ADU, is gain × excess-noise factor, taken as {readout.excess:g}"
    )
    apart += f" (2 for an EMCCD, whose gain would be {slope / 2:.4g})." if readout.excess == 1 else "."
    ratio = readout.third_ratio
    if ratio is None:
        return apart
    border = 0.5 * (_SHOT + _MULTIPLIED)
    told = f"The third moment grows {_in(ratio)} times as shot noise would make it"
    if ratio.low > border:
        told += ": excess noise, such as of an electron-multiplying register (1.5)."
    elif ratio.high < border and ratio.high >= _SHOT - 0.1:
        told += ", which a multiplying register would make 1.5: no sign of excess noise."
    elif ratio.high < border:
        told += ": less skewed than counted photons, as after smoothing, or in a law that has no skewness."
    else:
        told += ", which does not decide between none (1) and a multiplying register (1.5)."
    return f"{apart} {told}"


def _linearity(readout: Readout) -> list[str]:
    said = []
    for away in readout.departures:
        kind = "Saturated" if away.bright and away.deviation < _SATURATED else "Not linear"
        where = f"above a signal of {away.low:.4g}" if away.bright else f"below a signal of {away.high:.4g}"
        side = "less" if away.deviation < 0 else "more"
        reason = {
            (True, True): "as where pixels reach the top of the range, or the response is compressed",
            (True, False): "as where the estimate errs on bright structures, or the light itself fluctuates",
            (False, True): "as where pixels are cut off at zero",
            (False, False): "as where the background holds structure or a second source of noise",
        }[away.bright, away.deviation < 0]
        said.append(
            f"{kind} {where}: variance is up to {abs(away.deviation):.0%} {side} than the line, {reason}."
        )
    return said


def _quantised(readout: Readout) -> list[str]:
    rounding, least = readout.step**2 / 12, float(readout.points.variance.min())
    if rounding <= _STEP_SHARE * least:
        return []
    return [
        f"Quantised: rounding to steps of {readout.step:g} makes a variance of {rounding:.2g}, "
        f"{min(rounding / max(least, 1e-300), 1):.0%} of the smallest seen, and counts as read noise here."
    ]


def _in(interval: Interval) -> str:
    return f"{interval.value:.3g} [{interval.low:.3g}, {interval.high:.3g}]"
