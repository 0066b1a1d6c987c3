"""Offsets of rows that repeat: odd and even rows of a scan in two directions, or a stripe in every n-th row."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

MAX_PERIOD = 64
"""Largest period that is searched, in rows."""

_FINE = 0.39  # Optics leave nothing of a scene at frequencies from here on, in cycles per pixel.
_MIN_PEAK = 30.0  # Such a frequency is a peak if its power is this many times that of its neighbours.
_MIN_FINE = 0.1  # The peaks there have at least this part of the mean power of all peaks.
_COARSE = 0.1  # Below this frequency a scene may have any power.
_MAX_OTHER = 0.25  # No other peak has more than this part of the power of the largest peak of the period.
_MIN_MEAN = 4.0  # A peak less high than this speaks against a period.
_MIN_REPEATS = 6
_MIN_SAME = 0.75
_NEIGHBOURS = 12
_GAP = 2


def find_period(offsets: Floats) -> tuple[int, Floats]:
    """Return the period of offsets ``(y,)`` in rows and the repeating part ``(y,)``; 0 and zeros if there is none.

    Offsets with a period of n rows have power at the frequencies k/n alone. A grating that the optics resolve has it at
    low frequencies only, so that a period is accepted if power stands out at a frequency that optics do not pass. A
    period of three rows has no such frequency, and is left to the scene.

    Of several periods, the one with the most power in its peaks is chosen.
    """
    scores: dict[int, float] = {}
    for period in (2, *range(4, MAX_PERIOD + 1)):
        if (repeats := len(offsets) // period) >= _MIN_REPEATS:
            scores[period] = _score(offsets[: repeats * period], period)
    best = max(scores.values(), default=0.0)
    if best <= 0:
        return 0, np.zeros(len(offsets))
    largest = max(scores, key=lambda each: scores[each])
    # The multiples of a period have its peaks too.
    period = min(each for each in scores if largest % each == 0 and scores[each] > _MIN_SAME * best)
    phases = offsets[: len(offsets) // period * period].reshape(-1, period).mean(0)
    return period, np.resize(phases - phases.mean(), len(offsets))


def _score(offsets: Floats, period: int) -> float:
    """Return the power of the peaks of a period above the noise; 0 if it is not one of lines."""
    power = np.abs(np.fft.rfft(offsets - offsets.mean())) ** 2 / len(offsets) ** 2
    step = len(offsets) // period
    comb = np.zeros(len(power), bool)
    comb[step::step] = True
    peaks = np.flatnonzero(comb)
    usual = np.array([_around(power, int(at), step) for at in peaks])
    height = power[peaks] / usual
    fine = peaks / len(offsets) >= _FINE
    strongest = float(power[peaks][fine].max())
    if float(height[fine].max()) < _MIN_PEAK or strongest < _MIN_FINE * float(power[peaks].mean()):
        return 0.0
    # A grating of another period has peaks of its own.
    other = np.where(comb | (np.arange(len(power)) < _COARSE * len(offsets)), 0.0, power)
    at = int(other.argmax())
    if other[at] > _MAX_OTHER * float(power[peaks].max()) and other[at] > _MIN_PEAK * _around(
        power, at, step
    ):
        return 0.0
    above = power[peaks] - _MIN_MEAN * usual
    return float(above[peaks >= _COARSE * len(offsets)].sum())


def _around(power: Floats, at: int, step: int) -> float:
    """Return the usual power near a frequency, without that of the peak itself or of its neighbours."""
    near = np.arange(max(at - _NEIGHBOURS, 1), min(at + _NEIGHBOURS + 1, len(power)))
    far = np.abs((near + step // 2) % step - step // 2) >= min(_GAP, step // 2)
    kept = power[near[far]] if far.any() else power[1:]
    return max(float(np.median(kept)) / float(np.log(2)), 1e-300)
