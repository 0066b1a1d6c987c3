"""Do the planes of a stack help each other? The weights are learned on the stack, and tested at held-out pixels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from muguet.image.planes import Readable
from muguet.neighbours.estimator import PlaneEstimator
from muguet.neighbours.members import Members
from muguet.neighbours.series import DEPTH, Neighbours, Summary
from muguet.neighbours.shared import MAX_SHARED, MIN_SIDE
from muguet.neighbours.stack import Stack
from muguet.neighbours.stack_ends import refused_neighbours
from muguet.neighbours.stack_weights import Learned, learn

AUTO_REACH = 3
"""Number of planes before and after one that help to estimate it, unless the user chooses another."""

_SURE = 2.0  # The fall of the squared error, minus this many times its standard error,
_LEAST_GAIN = 0.03  # must exceed this share.


def find_stacks(
    source: Readable,
    sequences: Sequence[npt.NDArray[np.intp]],
    estimators: Sequence[PlaneEstimator],
    window: int | None = None,
    at_once: bool = True,
) -> Neighbours:
    """Learn for every channel how the planes of its stacks help each other, and decide whether they do.

    Parameters
    ----------
    source
        The planes of the image in counts, NaN where a pixel is missing.
    sequences
        The numbers of the planes of each stack, see `muguet.image.Layout.stacks`.
    estimators
        How planes of each channel are estimated one by one.
    window
        Number of planes before and after one that help to estimate it; None: up to `AUTO_REACH`, if the error falls at
        pixels that were held out.
    at_once
        Whether blank and repeated planes of all stacks are searched now; else they are when a plane is estimated.
    """
    found: list[tuple[Stack, ...]] = []
    summaries: list[Summary] = []
    sentences: dict[str, list[int]] = {}
    for channel in range(source.shape[1]):
        stacks, sentence, learned = _of_channel(
            source, sequences, channel, estimators[channel], window, at_once
        )
        found.append(stacks)
        summaries.append(_summary(channel, stacks, learned, window is not None))
        sentences.setdefault(sentence, []).append(channel)
    said = [
        sentence if len(sentences) == 1 else f"Channel {', '.join(map(str, which))}: {sentence}"
        for sentence, which in sentences.items()
        if sentence
    ]
    return Neighbours(tuple(found), " ".join(said), tuple(summaries))


def _summary(channel: int, stacks: Sequence[Stack], learned: Learned | None, asked: bool) -> Summary:
    return Summary(
        channel,
        DEPTH,
        max(stack.before for stack in stacks),
        max(stack.after for stack in stacks),
        asked,
        noise_correlation=None if learned is None else learned.shared,
        noise_correlation_error=None if learned is None else learned.shared_error,
        independent=None if learned is None else abs(learned.shared) <= MAX_SHARED,
        error_ratio=None if learned is None else learned.error_ratio,
    )


def _of_channel(
    source: Readable,
    sequences: Sequence[npt.NDArray[np.intp]],
    channel: int,
    estimator: PlaneEstimator,
    window: int | None,
    at_once: bool,
) -> tuple[tuple[Stack, ...], str, Learned | None]:
    alone = tuple(Stack(sequence, 0, 0) for sequence in sequences)
    start = "Every plane of the stack is denoised by itself"
    if estimator.noise is None:
        return alone, f"{start}: the law of the noise could not be measured.", None
    depth = len(sequences[0])
    if depth < 3 or min(source.shape[2:]) < MIN_SIDE:
        few = f"a stack needs at least three planes of {MIN_SIDE}×{MIN_SIDE} pixels for planes to help each other"
        return alone, f"{start}: {few}." if window else "", None
    # A stack of n planes has n − 2 reach planes with all neighbours, from which the weights are learned.
    reach = min(AUTO_REACH if window is None else window, max((depth - 1) // 3, 1))
    offsets = tuple(k for k in range(-reach, reach + 1) if k)
    members = [Members(source, sequence, channel, offsets) for sequence in sequences]
    learned = learn(source, sequences, members, channel, offsets, estimator)
    why = _obstacle(learned, window is not None)
    if learned is None or why:
        return alone, f"{start}: {why}.{_about_noise(learned)}", learned
    for each in members if at_once else ():
        each.measure(range(depth))
        each.release()
    refused = refused_neighbours(source, sequences, members, channel, learned, estimator)
    stacks = [
        Stack(sequence, reach, reach, each, learned.equations, learned.scale, refused)
        for sequence, each in zip(sequences, members, strict=True)
    ]
    return tuple(stacks), f"{_sentence(learned, reach)}{_about_noise(learned)}", learned


def _obstacle(learned: Learned | None, wanted: bool) -> str:
    """Return why planes should not help each other; empty if they should, or if the user wants it."""
    if learned is None:
        return "too few successive planes were measured"
    if wanted:
        return ""
    if abs(learned.shared) > MAX_SHARED and not learned.alike:
        return (
            f"the correlation of the noise of successive planes, {learned.shared:.2f} on average, differs from plane "
            "to plane, as after resampling to another distance of planes"
        )
    if learned.gain - _SURE * learned.doubt <= _LEAST_GAIN * learned.risk:
        return "its neighbours do not lower the error at pixels that were held out"
    return ""


def _about_noise(learned: Learned | None) -> str:
    """Return a sentence on noise that planes share; empty if it is independent."""
    if learned is None or abs(learned.shared) <= MAX_SHARED or not learned.alike:
        return ""
    shared = f"{learned.shared:+.2f}".replace("-", "−")
    return (
        f" The noise of successive planes is correlated by {shared} (± {learned.shared_error:.2g}), as after "
        "resampling along Z; the weights of the planes take this into account."
    )


def _sentence(learned: Learned, reach: int) -> str:
    start = f"Stack: each plane is estimated with up to {reach} before and {reach} after it"
    if learned.error_ratio is None or learned.error_ratio >= 1:
        return f"{start}."
    lower = 100 * (1 - learned.error_ratio)
    return f"{start}; at pixels that were held out, this lowers the error by about {lower:.0f} %."
