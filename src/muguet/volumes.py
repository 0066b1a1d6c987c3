"""Do the planes of a stack help each other, and how is a plane estimated from those before and after it?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from muguet.axial_weights import MIN_SIDE, Learned, Single, learn
from muguet.estimates import blended, scaled
from muguet.image.planes import Planes
from muguet.image.valid import is_blank
from muguet.method import Method
from muguet.prediction.blend import Blend
from muguet.prediction.error_scale import ErrorScale
from muguet.prediction.symmetry import Symmetry
from muguet.restoration import axial

AUTO_REACH = 3
"""Number of planes before and after one that help to estimate it, unless the user chooses another."""

_MAX_SHARED = 0.1  # Largest correlation of the noise of successive planes.
_SURE = 2.0  # The squared error must fall by this many times the standard error of its fall,
_LEAST_GAIN = 0.03  # and by this share.


@dataclass(frozen=True, eq=False)
class Stack:
    """The planes of one stack in one channel, and which of them help to estimate one.

    Attributes
    ----------
    planes
        Numbers of the planes, in the order of depth.
    before, after
        Number of planes before and after one that may help to estimate it.
    members
        For each plane, the positions relative to it of its neighbours. Blank and repeated planes are left out.
    equations
        The equations from which the weights follow; None: every plane is estimated by itself.
    scale
        The factor by which the error of a plane with all neighbours is smaller, by that of the plane by itself.
    """

    planes: npt.NDArray[np.intp]
    before: int = 0
    after: int = 0
    members: tuple[tuple[int, ...], ...] = ()
    equations: axial.Equations | None = None
    scale: ErrorScale = field(default_factory=ErrorScale)


@dataclass(frozen=True)
class Volumes:
    """The stacks of each channel, and a sentence for the user on what was found; empty if there is nothing to say."""

    of_channels: tuple[tuple[Stack, ...], ...] = ()
    sentence: str = ""

    @property
    def helps(self) -> bool:
        """Whether any plane is estimated from others too."""
        return any(stack.equations is not None for each in self.of_channels for stack in each)


def find_volumes(
    source: Planes, sequences: Sequence[npt.NDArray[np.intp]], single: Single, window: int | None = None
) -> Volumes:
    """Learn for every channel how the planes of its stacks help each other, and decide whether they do.

    Parameters
    ----------
    source
        The planes of the image in counts, NaN where a pixel is missing.
    sequences
        The numbers of the planes of each stack, see `muguet.image.Layout.stacks`.
    single
        How planes are estimated one by one.
    window
        Number of planes before and after one that help to estimate it; None: up to `AUTO_REACH`, if the error falls at
        pixels that were held out.
    """
    found: list[tuple[Stack, ...]] = []
    sentences: dict[str, list[int]] = {}
    for channel in range(source.shape[1]):
        stacks, sentence = _of_channel(source, sequences, channel, single, window)
        found.append(stacks)
        sentences.setdefault(sentence, []).append(channel)
    said = [
        sentence if len(sentences) == 1 else f"Channel {', '.join(map(str, which))}: {sentence}"
        for sentence, which in sentences.items()
        if sentence
    ]
    return Volumes(tuple(found), " ".join(said))


def _of_channel(
    source: Planes,
    sequences: Sequence[npt.NDArray[np.intp]],
    channel: int,
    single: Single,
    window: int | None,
) -> tuple[tuple[Stack, ...], str]:
    alone = tuple(Stack(sequence) for sequence in sequences)
    if single.variances[channel] is None:
        why = "the law of the noise could not be measured"
        return alone, f"Every plane of the stack is denoised by itself: {why}."
    depth = len(sequences[0])
    if depth < 3 or min(source.shape[2:]) < MIN_SIDE:
        few = f"a stack needs at least three planes of {MIN_SIDE}×{MIN_SIDE} pixels for planes to help each other"
        return alone, f"Every plane of the stack is denoised by itself: {few}." if window else ""
    # A stack of n planes has n − 2 reach planes with all neighbours, from which the weights are learned.
    reach = min(AUTO_REACH if window is None else window, max((depth - 1) // 3, 1))
    offsets = tuple(k for k in range(-reach, reach + 1) if k)
    members = [_members(source, sequence, channel, offsets) for sequence in sequences]
    learned = learn(source, sequences, members, channel, offsets, single)
    why = _obstacle(learned, window is not None)
    if learned is None or why:
        return alone, f"Every plane of the stack is denoised by itself: {why}."
    stacks = [
        Stack(sequence, reach, reach, each, learned.equations, learned.scale)
        for sequence, each in zip(sequences, members, strict=True)
    ]
    return tuple(stacks), _sentence(learned, reach)


def _obstacle(learned: Learned | None, wanted: bool) -> str:
    """Return why planes should not help each other; empty if they should, or if the user wants it."""
    if learned is None:
        return "too few successive planes were measured"
    if wanted:
        return ""
    if learned.shared > _MAX_SHARED:
        return (
            f"the noise of successive planes is correlated by {learned.shared:.2f}, as after resampling or "
            "deconvolution"
        )
    if learned.gain <= max(_SURE * learned.doubt, _LEAST_GAIN * learned.risk):
        return "its neighbours do not lower the error at pixels that were held out"
    return ""


def _sentence(learned: Learned, reach: int) -> str:
    start = f"Stack: each plane is estimated with up to {reach} before and {reach} after it"
    if not 0 < learned.gain < learned.risk:
        return f"{start}."
    lower = 1 - math.sqrt(1 - learned.gain / learned.risk)
    return f"{start}; at pixels that were held out, this lowers the error by about {100 * lower:.0f} %."


def _members(
    source: Planes, sequence: npt.NDArray[np.intp], channel: int, offsets: Sequence[int]
) -> tuple[tuple[int, ...], ...]:
    """Return the neighbours of each plane: those that were measured, and are no copies of the plane before them."""
    whole = tuple(slice(0, n) for n in source.shape[2:])
    usable: list[bool] = []
    last: npt.NDArray[np.generic] | None = None
    for n in sequence:
        plane = source.read(int(n), channel, whole)
        copy = last is not None and np.array_equal(plane, last, equal_nan=plane.dtype.kind == "f")
        usable.append(not copy and not is_blank(plane))
        last = plane
    return tuple(
        tuple(k for k in offsets if own and 0 <= z + k < len(usable) and usable[z + k])
        for z, own in enumerate(usable)
    )


def estimate_stack(
    method: Method,
    units: Tensor,
    usable: Tensor,
    stack: Stack,
    held: slice,
    wanted: slice,
    views: Sequence[Symmetry],
    blend: Blend,
    scale: ErrorScale | None,
    errors: bool,
) -> Tensor:
    """Return the estimates of planes of a stack ``(wanted, 1, *space)`` in network units, or their standard deviations.

    The parameters are those of `muguet.estimates.estimate_movie`.
    """
    with torch.inference_mode():
        if errors:
            raw = torch.cat([method.prior_estimate(plane[None])[1] for plane in units])
            variances = raw if scale is None else scaled(raw, scale)
            return _errors(variances, usable, stack, held, wanted).sqrt()
        estimates = torch.cat([blended(method, plane[None], views, blend) for plane in units])
        return fused_planes(units, estimates, usable, stack, held, wanted)


def fused_planes(
    noisy: Tensor, estimates: Tensor, usable: Tensor, stack: Stack, held: slice, wanted: slice
) -> Tensor:
    """Return the estimates of planes of a stack ``(wanted, 1, y, x)``.

    Where a neighbour was not measured, the result is that of the plane by itself.

    Parameters
    ----------
    noisy, estimates, usable
        The planes `held`, ``(held, 1, y, x)``; their estimates one by one; and where they were measured.
    stack, held, wanted
        The stack, and which of its planes are given and are to be estimated.
    """
    means = estimates[wanted.start - held.start : wanted.stop - held.start].clone()
    for number, (own, places, weights, _) in enumerate(_neighbours(stack, held, wanted)):
        if places:
            known = usable[places].all(0)[0]
            means[number, 0] = torch.where(
                known, axial.fused(noisy, estimates, own, places, weights), means[number, 0]
            )
    return means


def _errors(variances: Tensor, usable: Tensor, stack: Stack, held: slice, wanted: slice) -> Tensor:
    """The variances of the errors of `fused_planes`, from those of the planes by themselves."""
    errors = variances[wanted.start - held.start : wanted.stop - held.start].clone()
    factor = torch.from_numpy(stack.scale(errors.sqrt().cpu().numpy()) ** 2).to(errors)
    factor /= errors.clamp(min=1e-30)
    for number, (_, places, _, part) in enumerate(_neighbours(stack, held, wanted)):
        if places:
            errors[number] *= torch.where(usable[places].all(0), 1 - part * (1 - factor[number]), 1.0)
    return errors


def _neighbours(
    stack: Stack, held: slice, wanted: slice
) -> Iterator[tuple[int, list[int], npt.NDArray[np.float64], float]]:
    """Yield for each plane its position and those of its neighbours among the planes held, and their weights.

    The last value is the part of the fall of the error with all neighbours to which these lead.
    """
    if stack.equations is None:
        yield from ((z - held.start, [], np.zeros(0), 0.0) for z in range(wanted.start, wanted.stop))
        return
    every = stack.equations.offsets
    best = stack.equations.gain(stack.equations.weights(every), every)
    for z in range(wanted.start, wanted.stop):
        present = stack.members[z]
        weights = stack.equations.weights(present)
        part = stack.equations.gain(weights, present) / best if best > 0 else 0.0
        yield z - held.start, [z + k - held.start for k in present], weights, min(max(part, 0.0), 1.0)
