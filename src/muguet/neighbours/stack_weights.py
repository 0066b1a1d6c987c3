"""Learns the weights with which planes of a stack help each other, and tests them at pixels that were held out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from muguet.image.planes import Readable
from muguet.image.values import fill_missing
from muguet.neighbours.estimator import PlaneEstimator, sides, units_with_gaps, with_std
from muguet.neighbours.members import Members
from muguet.neighbours.shared import MAX_SHARED, MAX_SPREAD, shared_noise
from muguet.prediction.error_scale import ErrorScale
from muguet.restoration.axial import Equations, columns, features, normal_equations

Floats = npt.NDArray[np.float64]
Square = tuple[slice, ...]

_TARGETS = 8  # The weights are learned from this many planes of a channel,
_MAX_DEPTH = 512  # among this many at most in the middle of a stack,
_SIDE = 96  # in four squares of at most this many pixels along each axis,
_EDGE = 6  # without this many pixels at their borders.
# A plane is changed by this share of its noise to measure the slope of an estimate. Anscombe's transform has a kink
# at no light, and counts are whole numbers: at 2 photo-electrons, weights by steps of 0.05 lose up to 2 dB.
_PROBE = 0.2
_GROUPS = 8  # Errors are measured in this many groups of pixels of equal size, by their predicted error.
_DOUBT = 4.0  # The variance of a measured share of the error counts this many times.
_LEAST_ERROR = 0.05  # The squared error is never predicted to fall below this share of that before.


@dataclass(frozen=True, eq=False)
class Learned:
    """What was learned of the stacks of a channel.

    Attributes
    ----------
    equations
        The equations of the weights.
    gain, doubt
        By how much the mean squared error falls at pixels that were held out, and its standard error.
    risk
        The mean squared error of planes by themselves: the larger of Stein's risk, which is uncertain in dim images and
        may be negative, and the predicted error.
    shared, shared_error
        Correlation of the noise of successive planes, and its standard error.
    alike
        Whether it is the same for all planes. After resampling to another distance of planes it is not.
    scale
        The factor by which the error of a plane with all neighbours is smaller, by that of the plane by itself.
    shared_of
        Correlation of the noise of a plane and of its neighbours by their positions, 0 where it is small.
    """

    equations: Equations
    gain: float
    doubt: float
    risk: float
    shared: float
    shared_error: float
    alike: bool
    scale: ErrorScale
    shared_of: Mapping[int, float]

    @property
    def error_ratio(self) -> float | None:
        """The standard deviation of the error with neighbours relative to that without; None if there is no number."""
        return math.sqrt(1 - self.gain / self.risk) if self.risk > 0 and self.gain < self.risk else None


@dataclass(frozen=True, eq=False)
class _Piece:
    """A square of a plane, as columns of its usable pixels in network units, see `muguet.restoration.axial`."""

    place: int
    columns: Tensor
    slopes: Tensor
    rest: Tensor
    risk: Tensor
    std: Floats
    equations: Equations

    def reduction(self, weights: Floats) -> Floats:
        """Return an unbiased, noisy measurement of how much these weights lower the squared error of each pixel."""
        w = torch.from_numpy(weights).float()
        added, slope = w @ self.columns, w @ self.slopes
        found: Floats = (2 * added * self.rest - added.square() - 2 * slope).double().numpy()
        return found


def learn(
    source: Readable,
    stacks: Sequence[npt.NDArray[np.intp]],
    members: Sequence[Members],
    channel: int,
    offsets: tuple[int, ...],
    estimator: PlaneEstimator,
) -> Learned | None:
    """Learn the weights from squares of some planes of a channel; None if too few pixels were measured.

    Parameters
    ----------
    source
        The planes of the image in counts, NaN where a pixel is missing.
    stacks
        The numbers of the planes of each stack, in the order of depth.
    members
        The neighbours of each plane of each stack that can help it.
    channel
        The channel.
    offsets
        Positions of all neighbours relative to a plane.
    estimator
        How planes are estimated one by one.
    """
    squares: list[tuple[int, Squares, Sequence[int]]] = []
    chosen = chosen_stacks(stacks)
    for number in chosen:
        depth = len(members[number])
        first = max((depth - _MAX_DEPTH) // 2, 0)
        full = [z for z in range(first, min(first + _MAX_DEPTH, depth)) if members[number][z] == offsets]
        for place, square in enumerate(squares_of(source.shape[2:], estimator.stride)):
            planes = _successive(full, _TARGETS // len(chosen), deep=place % 2 == 1)
            held = {z + k for z in planes for k in (0, *offsets)}
            one = Squares(source, stacks[number], channel, square, estimator, held)
            squares.append((place, one, planes))
    distances = {1, *map(abs, offsets)}
    pairs = {k: [each for _, one, _ in squares for each in one.shared(k)] or [0.0] for k in distances}
    shared = {k: float(np.median(each)) for k, each in pairs.items()}
    spread = float(np.std(pairs[1]))
    covariances = {k: shared[abs(k)] if abs(shared[1]) > MAX_SHARED else 0.0 for k in offsets}
    found = [each.piece(z, covariances, place) for place, each, planes in squares for z in planes]
    pieces = [each for each in found if each is not None]
    if not pieces:
        return None
    equations = Equations.mean([piece.equations for piece in pieces])
    gains = _held_out(pieces)
    return Learned(
        equations,
        float(np.mean(gains)),
        float(np.std(gains)) / max(len(gains) - 1, 1) ** 0.5,
        max(
            float(torch.cat([piece.risk for piece in pieces]).mean()),
            float((np.concatenate([piece.std for piece in pieces]) ** 2).mean()),
        ),
        shared[1],
        spread / len(pairs[1]) ** 0.5,
        spread <= MAX_SPREAD,
        _scale(pieces, equations.weights(offsets), float(np.mean(gains))),
        covariances,
    )


def _held_out(pieces: Sequence[_Piece]) -> list[float]:
    """Return by how much the squared error falls in each piece, with weights from the other places of the planes.

    With a single place, the weights are those of the other planes, or of the piece itself if there is only one.
    """
    places = {piece.place for piece in pieces}
    gains = []
    for number, piece in enumerate(pieces):
        others = [
            other.equations
            for k, other in enumerate(pieces)
            if (other.place != piece.place if len(places) > 1 else k != number)
        ]
        weights = Equations.mean(others or [piece.equations]).weights(piece.equations.offsets)
        gains.append(piece.equations.gain(weights, piece.equations.offsets))
    return gains


def _scale(pieces: Sequence[_Piece], weights: Floats, gain: float) -> ErrorScale:
    """Return the factor by which predicted errors fall, in groups of pixels of similar predicted errors.

    The share of the squared error that is left in a group counts as much as it is certain, compared with the share that
    is left of all. As the weights were chosen by the same pixels, the squared error seems to fall too much; the mean
    of its fall is therefore set to `gain`, that at pixels that were held out.
    """
    squares = np.concatenate([piece.std for piece in pieces]) ** 2
    reduction = np.concatenate([piece.reduction(weights) for piece in pieces])
    reduction *= max(gain, 0.0) / max(float(reduction.mean()), gain, 1e-30)
    left = float(np.clip(1 - reduction.mean() / squares.mean(), _LEAST_ERROR, 1))
    rows: list[tuple[float, float]] = []
    for part in np.array_split(np.argsort(squares), _GROUPS):
        before = max(float(squares[part].mean()), 1e-30)
        found = np.clip(1 - float(reduction[part].mean()) / before, _LEAST_ERROR, 1)
        doubt = float(reduction[part].std() / np.sqrt(len(part))) / before
        trust = left**2 / (left**2 + _DOUBT * doubt**2)
        if not rows or before**0.5 > rows[-1][0]:
            rows.append((before**0.5, float(left * (found / left) ** trust) ** 0.5))
    predicted, factor = zip(*rows, strict=True)
    return ErrorScale(predicted, factor)


def chosen_stacks(stacks: Sequence[object]) -> list[int]:
    """Return the numbers of the stacks that weights are learned from."""
    return sorted({0, len(stacks) // 2})


def squares_of(space: Sequence[int], stride: Sequence[int]) -> list[Square]:
    """Return four squares of planes of this size, or fewer if they would be the same."""
    lengths = sides(space, stride, _SIDE)
    starts = [
        sorted({round(share * (n - side)) for share in (0.2, 0.8)})
        for n, side in zip(space, lengths, strict=True)
    ]
    return [(slice(y, y + lengths[0]), slice(x, x + lengths[1])) for y in starts[0] for x in starts[1]]


def _successive(candidates: Sequence[int], number: int, deep: bool) -> Sequence[int]:
    """Return successive planes of a stack, at one third of its depth or at two thirds."""
    start = round((2 / 3 if deep else 1 / 3) * max(len(candidates) - number, 0))
    return candidates[start : start + number]


class Squares:
    """One square of the planes of a stack, estimated plane by plane as they are needed, in network units."""

    def __init__(
        self,
        source: Readable,
        stack: npt.NDArray[np.intp],
        channel: int,
        square: Square,
        estimator: PlaneEstimator,
        planes: Iterable[int],
    ) -> None:
        self.estimator = estimator
        self.found: dict[int, tuple[Floats, Floats, Floats]] = {}
        for z in sorted(planes):
            noisy = units_with_gaps(estimator, source.read(int(stack[z]), channel, square))
            self.found[z] = (noisy, *with_std(estimator, _filled(noisy)))

    def piece(self, z: int, shared: Mapping[int, float], place: int) -> _Piece | None:
        """Return what the weights of plane `z` are learned from; None if too little of it was measured.

        Where the noise of planes is correlated by ρₖ = `shared`, Stein's slope is that along the noise of all planes,
        Σₖ ρₖ σ² ∂/∂yₖ.
        """
        offsets = tuple(shared)
        planes = [self.found[z + k] for k in (0, *offsets)]
        usable = np.isfinite(np.array(planes)).all((0, 1))
        for edge in (slice(0, _EDGE), slice(-_EDGE, None)):
            usable[edge], usable[:, edge] = False, False
        noisy, estimate, std = (_filled(each) for each in planes[0])
        law = self.estimator.noise
        assert law is not None
        variance = law(estimate)
        sign = np.random.default_rng([z, place]).choice([-1.0, 1.0], noisy.shape)
        step = _PROBE * np.sqrt(variance) * sign
        filled = np.array([[_filled(each) for each in pair] for pair in planes])
        steps = np.array([step, *(rho * step for rho in shared.values())])
        change = _image(
            np.array([self._change(pair[0], pair[1], by) for pair, by in zip(filled, steps, strict=True)])
        )
        found = features(_image(filled[:, 0]), _image(filled[:, 1]))
        # The residual of the plane itself is no column.
        slopes_of = features(_image(steps), change)
        changed = columns(slopes_of[0], list(slopes_of[1:]))
        slope, inside = torch.from_numpy(variance / step), torch.from_numpy(usable)
        rest = torch.from_numpy(noisy - estimate)[inside]
        if len(rest) < 4 * len(changed):
            return None
        x, slopes = columns(found[0], list(found[1:]))[:, inside], (changed * slope).float()[:, inside]
        risk = rest.square() + (2 * slope * change[0, 0] - torch.from_numpy(variance))[inside]
        equations = normal_equations(tuple(offsets), x, slopes, rest)
        return _Piece(place, x, slopes, rest.float(), risk, std[usable], equations)

    def _change(self, noisy: Floats, estimate: Floats, step: Floats) -> Floats:
        """Return how the estimate of a plane changes by a step of its values."""
        return with_std(self.estimator, noisy + step)[0] - estimate if step.any() else step

    def shared(self, distance: int) -> list[float]:
        """Return the correlations of the noise of planes at a distance."""
        rests = {z: noisy - estimate for z, (noisy, estimate, _) in self.found.items()}
        return shared_noise(rests, distance)


def _filled(values: Floats) -> Floats:
    return fill_missing(values).astype(np.float64)


def _image(planes: Floats) -> Tensor:
    """Return planes ``(n, y, x)`` as images ``(n, 1, y, x)``."""
    return torch.from_numpy(planes).float()[:, None]
