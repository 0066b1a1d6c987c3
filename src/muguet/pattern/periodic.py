"""Offsets of rows that repeat: odd and even rows of a scan in two directions, or a stripe in every n-th row."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

MAX_PERIOD = 64
"""Largest period that is searched, in rows."""

_FINE = 0.39  # Optics leave nothing of a scene at frequencies from here on, in cycles per pixel.
_MIN_PEAK = 20.0  # Noise has such peaks there with a probability of less than e to the −20.
_MIN_MORE = 10.0  # The same for the peaks that a period has and a part of it has not.
_COARSE = 0.1  # Below this frequency a scene may have any power.
_MIN_FINE = (
    0.1  # The strongest fine peak has at least this part of the mean power of peaks that are not as coarse.
)
_MAX_OTHER = 0.25  # No other peak has more than this part of the power of the largest peak of the period.
_MIN_OTHER = 30.0  # … if it has this many times the power around.
_MIN_MEAN = 4.0  # A peak less high than this speaks against a period.
_MIN_REPEATS = 6
_NEIGHBOURS = 12
_GAP = 2


def find_period(offsets: Floats) -> tuple[int, Floats]:
    """Return the period of offsets ``(y,)`` in rows and the repeating part ``(y,)``; 0 and zeros if there is none.

    Offsets with a period of n rows have power at the frequencies k/n alone. A grating that the optics resolve has it at
    low frequencies only, so that a period is accepted if power stands out at a frequency that optics do not pass. A
    period of three rows has no such frequency, and is left to the scene.

    Of several periods, the one with the most power in its peaks is chosen, or a part of it that has all of them.
    """
    scores: dict[int, float] = {}
    for period in (2, *range(4, MAX_PERIOD + 1)):
        if (repeats := len(offsets) // period) >= _MIN_REPEATS:
            scores[period] = _score(offsets[: repeats * period], period)
    if max(scores.values(), default=0.0) <= 0:
        return 0, np.zeros(len(offsets))
    largest = max(scores, key=lambda each: scores[each])
    usable = offsets[: len(offsets) // largest * largest]
    # The multiples of a period have its peaks too.
    parts = [each for each in scores if largest % each == 0 and scores[each] > 0]
    period = min(each for each in parts if not _has_more(usable, largest, each))
    usable = offsets[: len(offsets) // period * period]
    phases = usable.reshape(-1, period).mean(0)
    stripe = _one_stripe(phases)
    rest = usable - np.resize(stripe, len(usable))
    power, peaks, usual = _peaks(rest, period)
    above = peaks >= _COARSE * len(rest)
    if period > 2 and _surprise(power[peaks[above]] / usual[above]) < _MIN_MORE:
        phases = stripe  # It is without what the scene adds to the other rows.
    return period, np.resize(phases - phases.mean(), len(offsets))


def _one_stripe(phases: Floats) -> Floats:
    """Return the offset of the one row of a period that fits its offsets best, and zero for the other rows.

    Only frequencies at which a scene has little power are compared.
    """
    size = len(phases)
    kept = np.fft.rfftfreq(size) >= _COARSE
    fine = np.fft.irfft(np.fft.rfft(phases) * kept, size)
    at = int(np.abs(fine).argmax())
    found = np.zeros(size)
    # A single row of height one has this value there without its lower frequencies.
    found[at] = fine[at] / np.fft.irfft(kept.astype(np.float64), size)[0]
    return found


def _peaks(offsets: Floats, period: int) -> tuple[Floats, npt.NDArray[np.intp], Floats]:
    """Return the power of offsets, where a period of a whole part of their number has peaks, and the power around."""
    power = np.abs(np.fft.rfft(offsets - offsets.mean())) ** 2 / len(offsets) ** 2
    step = len(offsets) // period
    peaks = np.arange(step, len(power), step)
    return power, peaks, np.array([_around(power, int(at), step) for at in peaks])


def _has_more(offsets: Floats, period: int, part: int) -> bool:
    """Return whether a period has peaks that a part of it does not have."""
    power, peaks, usual = _peaks(offsets, period)
    own = (peaks % (len(offsets) // part) != 0) & (peaks >= _COARSE * len(offsets))
    return bool(own.any()) and _surprise(power[peaks[own]] / usual[own]) > _MIN_MORE


def _score(offsets: Floats, period: int) -> float:
    """Return the power of the peaks of a period above the noise; 0 if it is not one of lines."""
    power, peaks, usual = _peaks(offsets, period)
    step = len(offsets) // period
    height = power[peaks] / usual
    fine, above = peaks >= _FINE * len(offsets), peaks >= _COARSE * len(offsets)
    strongest, mean = float(power[peaks][fine].max()), float(power[peaks][above].mean())
    if _surprise(height[fine]) < _MIN_PEAK or strongest < _MIN_FINE * mean:
        return 0.0
    # A grating of another period has peaks of its own.
    other = power.copy()
    other[: int(np.ceil(_COARSE * len(offsets)))] = 0.0
    other[peaks] = 0.0
    at = int(other.argmax())
    if other[at] > _MAX_OTHER * float(power[peaks].max()) and other[at] > _MIN_OTHER * _around(
        power, at, step
    ):
        return 0.0
    return float((power[peaks] - _MIN_MEAN * usual)[above].sum())


def _surprise(height: Floats) -> float:
    """Return −ln p, with p the probability that the powers of noise have as large a sum.

    Relative to their mean, the powers of noise are exponential, so that the sum S of n of them has
    p = e⁻ˢ Σ Sᵏ/k! over k < n.
    """
    order, total = np.arange(len(height)), max(float(height.sum()), 1e-300)
    terms = order * np.log(total) - np.cumsum(np.log(np.maximum(order, 1)))
    return total - float(np.logaddexp.reduce(terms))


def _around(power: Floats, at: int, step: int) -> float:
    """Return the usual power near a frequency, without that of the peak itself or of its neighbours."""
    near = np.arange(max(at - _NEIGHBOURS, 1), min(at + _NEIGHBOURS + 1, len(power)))
    far = np.abs((near + step // 2) % step - step // 2) >= min(_GAP, step // 2)
    kept = power[near[far]] if far.any() else power[1:]
    return max(float(np.median(kept)) / float(np.log(2)), 1e-300)
