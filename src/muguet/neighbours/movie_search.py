"""Is a series of frames a movie of one scene, with new noise in every frame, and how does its brightness change?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from muguet.image.planes import Planes
from muguet.image.scaling import Scaling
from muguet.image.valid import is_blank
from muguet.neighbours.movie import Movie
from muguet.neighbours.series import TIME, Neighbours, Summary
from muguet.prediction.regions import RegionFunction

Floats = npt.NDArray[np.float64]

AUTO_WINDOW = 4
"""Number of frames before and after one that help to estimate it, unless the user chooses another."""

_SIDE = 256  # Frames are compared on at most this many pixels along each axis, at their centre.
_MAX_PAIRS = 6  # The scene and the noise are compared in at most this many pairs of frames.
_MIN_PIXELS = 64
_TILE = 16
_KEPT = 0.8  # Share of the tiles that show how the brightness of frames changes.
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
    gains: Floats


def find_movies(
    source: Planes,
    sequences: Sequence[npt.NDArray[np.intp]],
    scalings: Sequence[Scaling],
    estimate: RegionFunction,
    window: int | None = None,
    causal: bool = False,
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
    """
    found: list[tuple[Movie, ...]] = []
    summaries: list[Summary] = []
    reasons: list[str] = []
    for channel in range(source.shape[1]):
        movies: list[Movie] = []
        compared: list[_Compared] = []
        for sequence in sequences:
            reach = AUTO_WINDOW if window is None else window
            gains = np.ones(len(sequence))
            if len(sequence) < (_MIN_FRAMES if window is None else 2):
                reach = 0
            if reach:
                compared.append(_compare(source, sequence, channel, scalings[channel], estimate))
                gains = compared[-1].gains
                reason = _obstacle(compared[-1])
                if reason:
                    reasons.append(reason)
                if reason and window is None:
                    reach = 0
            movies.append(Movie(sequence, reach, 0 if causal else reach, gains))
        found.append(tuple(movies))
        summaries.append(_summary(channel, movies, compared, window is not None))
    neighbours = Neighbours(tuple(found), found=tuple(summaries))
    return replace(neighbours, sentence=_sentence(neighbours, reasons, window, causal))


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
    source: Planes, sequence: npt.NDArray[np.intp], channel: int, scaling: Scaling, estimate: RegionFunction
) -> _Compared:
    """Compare successive frames at the centre of the planes."""
    space = source.shape[2:]
    region = tuple(slice(max((n - _SIDE) // 2, 0), max((n - _SIDE) // 2, 0) + min(n, _SIDE)) for n in space)
    number = len(sequence)
    chosen = set(np.unique(np.linspace(0, number - 2, min(number - 1, _MAX_PAIRS)).astype(int)).tolist())
    pairs: list[tuple[float, float]] = []
    logs = np.zeros(number)
    last: Floats | None = None
    for k, n in enumerate(sequence):
        counts = source.read(int(n), channel, region)
        frame = None if is_blank(counts) else counts.astype(np.float64)
        if frame is not None and last is not None:
            logs[k] = _log_gain(*(scaling.to_units(each).astype(np.float64) for each in (last, frame)))
            if k - 1 in chosen and not np.array_equal(frame, last, equal_nan=True):
                estimates = (estimate(each, channel).astype(np.float64) for each in (last, frame))
                pairs.append(_in_common(last, frame, *estimates))
        last = frame
    scene, new = (_median(each) for each in np.array(pairs).T.reshape(2, -1))
    return _Compared(scene, new, np.exp(np.cumsum(logs)))


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


def _tiles(frame: Floats) -> Floats:
    """Return the pixels of the tiles of a frame, ``(tiles, pixels)``."""
    y, x = (max(n // _TILE, 1) for n in frame.shape)
    side = [min(_TILE, n) for n in frame.shape]
    cut = frame[: y * side[0], : x * side[1]].reshape(y, side[0], x, side[1])
    return cut.transpose(0, 2, 1, 3).reshape(y * x, -1)


def _log_gain(one: Floats, other: Floats) -> float:
    """Return the logarithm of the ratio of brightness of two frames, without the tiles that have changed most."""
    a, b = (np.nanmean(_tiles(each), 1) for each in (one, other))
    change = b - a
    known = np.isfinite(change)
    if known.sum() < 4:
        return 0.0
    far = np.abs(change - np.median(change[known]))
    kept = known & (far <= np.quantile(far[known], _KEPT))
    ratio = float(b[kept].sum()) / max(float(a[kept].sum()), 1e-9)
    return float(np.log(ratio)) if 0.2 < ratio < 5 else 0.0
