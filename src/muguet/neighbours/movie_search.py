"""Is a series of frames a movie of one scene, with new noise in every frame, and how does its brightness change?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from muguet.image.planes import Readable
from muguet.image.scaling import Scaling
from muguet.image.valid import is_blank
from muguet.neighbours.brightness import centre
from muguet.neighbours.movie import Movie, movie
from muguet.neighbours.series import TIME, Neighbours, Summary
from muguet.prediction.regions import RegionFunction

Floats = npt.NDArray[np.float64]

AUTO_WINDOW = 4
"""Number of frames before and after one that help to estimate it, unless the user chooses another."""

_MAX_MOVIES = (
    16  # Of more movies along Z, this many are compared; the others are treated like the nearest of them.
)
_MAX_PAIRS = 6  # The scene and the noise are compared in at most this many pairs of frames.
_MIN_PIXELS = 64
_MIN_SCENE = 0.5  # Least correlation of the scenes of successive frames of a movie.
_MIN_NEW = 0.8  # Least share of the noise that is new in every frame.
_MIN_FRAMES = 3
_MIN_CONTRAST = (
    0.02  # Variance of a scene, relative to that of the noise, below which there is nothing to compare.
)


@dataclass(frozen=True)
class _Compared:
    """What successive frames have in common: `scene`, their correlation; `new`, the share of the noise that differs.

    They are NaN where there is nothing to compare.
    """

    scene: float
    new: float


def find_movies(
    source: Readable,
    sequences: Sequence[npt.NDArray[np.intp]],
    scalings: Sequence[Scaling],
    estimate: RegionFunction,
    window: int | None = None,
    causal: bool = False,
    at_once: bool = True,
) -> Neighbours:
    """Decide for every series of frames whether its frames help each other.

    Parameters
    ----------
    source
        The planes of the image in counts, NaN where a pixel is missing.
    sequences
        The numbers of the planes of each series, see `muguet.image.Layout.sequences`.
    scalings
        The map from counts of each channel to a scale on which no light is 0.
    estimate
        Function that denoises a region of a channel, in counts.
    window
        Number of frames before and after one that help to estimate it; None: `AUTO_WINDOW` if the frames show one scene
        and have noise of their own.
    causal
        Whether only frames before one help to estimate it, as they must during a recording.
    at_once
        Whether the brightness of all frames is measured now; else it is when a frame is estimated.
    """
    found: list[tuple[Movie, ...]] = []
    summaries: list[Summary] = []
    reasons: list[str] = []
    number = len(sequences)
    chosen = np.unique(np.linspace(0, number - 1, min(number, _MAX_MOVIES)).round().astype(int))
    nearest = [int(chosen[np.argmin(np.abs(chosen - each))]) for each in range(number)]
    longest = AUTO_WINDOW if window is None else window
    if len(sequences[0]) < (_MIN_FRAMES if window is None else 2):
        longest = 0
    for channel in range(source.shape[1]):
        compared: list[_Compared] = []
        reaches: dict[int, int] = {}
        for each in map(int, chosen):
            reaches[each] = longest
            if longest:
                compared.append(_compare(source, sequences[each], channel, estimate))
                reason = _obstacle(compared[-1])
                if reason:
                    reasons.append(reason)
                if reason and window is None:
                    reaches[each] = 0
        movies = tuple(
            movie(source, sequence, channel, scalings[channel], reach, 0 if causal else reach, at_once)
            for sequence, reach in zip(sequences, (reaches[each] for each in nearest), strict=True)
        )
        found.append(movies)
        summaries.append(_summary(channel, movies, compared, window is not None))
    neighbours = Neighbours(tuple(found), found=tuple(summaries))
    sentence = _sentence(neighbours, reasons, window, causal)
    if sentence and len(chosen) < number:
        sentence = f"{sentence} This was measured at {len(chosen)} of {number} positions along Z."
    return replace(neighbours, sentence=sentence)


def _summary(channel: int, movies: Sequence[Movie], compared: Sequence[_Compared], asked: bool) -> Summary:
    new, scene = _median([each.new for each in compared]), _median([each.scene for each in compared])
    return Summary(
        channel,
        TIME,
        max(movie.before for movie in movies),
        max(movie.after for movie in movies),
        asked,
        noise_correlation=None if np.isnan(new) else 1 - new,
        independent=None if np.isnan(new) else new >= _MIN_NEW,
        scene_correlation=None if np.isnan(scene) else scene,
    )


def _sentence(movies: Neighbours, reasons: Sequence[str], window: int | None, causal: bool) -> str:
    if not movies.helps:
        return f"Every frame is denoised by itself: {reasons[0]}." if reasons and window is None else ""
    reach = max(each.before for each in movies.found)
    which = f"{reach} before" if causal else f"{reach} before and {reach} after"
    start = f"Movie: each frame is estimated with up to {which} it, where the scene has not changed."
    return f"{start} But {reasons[0]}." if reasons else start


def _obstacle(compared: _Compared) -> str:
    """Return why frames should not help each other; empty if they should."""
    if compared.new < _MIN_NEW:
        return (
            f"{100 * (1 - compared.new):.0f} % of the variance of the noise is the same in successive frames, as in "
            "repeated frames or a fixed pattern"
        )
    if compared.scene < _MIN_SCENE:
        return f"the scenes of successive frames differ (correlation {compared.scene:.2f})"
    return ""


def _compare(
    source: Readable, sequence: npt.NDArray[np.intp], channel: int, estimate: RegionFunction
) -> _Compared:
    """Compare some pairs of successive frames at the centre of the planes."""
    region, number = centre(source.shape[2:]), len(sequence)
    pairs: list[tuple[float, float]] = []
    for k in np.unique(np.linspace(0, number - 2, min(number - 1, _MAX_PAIRS)).astype(int)):
        counts = [source.read(int(sequence[each]), channel, region) for each in (k, k + 1)]
        if any(map(is_blank, counts)):
            continue
        one, other = (each.astype(np.float64) for each in counts)
        if not np.array_equal(one, other, equal_nan=True):
            estimates = (estimate(each, channel).astype(np.float64) for each in (one, other))
            pairs.append(_in_common(one, other, *estimates))
    scene, new = (_median(each) for each in np.array(pairs).T.reshape(2, -1))
    return _Compared(scene, new)


def _median(values: npt.ArrayLike) -> float:
    """Return the median of the values that are numbers; NaN if none is."""
    known = np.asarray(values, np.float64)
    known = known[np.isfinite(known)]
    return float(np.median(known)) if known.size else float("nan")


def _in_common(one: Floats, other: Floats, first: Floats, second: Floats) -> tuple[float, float]:
    """Return the correlation of the scenes of two frames, and one minus that of their noise; NaN if there is none.

    The noise is what the estimates `first` and `second` take away. It is independent in the two frames of a movie, so
    that their covariance is that of the scenes.
    """
    known = np.isfinite(one) & np.isfinite(other) & np.isfinite(first) & np.isfinite(second)
    if known.sum() < _MIN_PIXELS:
        return float("nan"), float("nan")
    a, b, p, q = (each[known] for each in (one, other, one - first, other - second))
    noise = float(0.5 * (p.var() + q.var()))
    signal = float(0.5 * (a.var() + b.var())) - noise
    new = 1 - float(np.mean((p - p.mean()) * (q - q.mean()))) / noise if noise > 0 else float("nan")
    if signal <= _MIN_CONTRAST * noise:
        return float("nan"), new
    return float(np.mean((a - a.mean()) * (b - b.mean()))) / signal, new
