"""Do neighbours on one side help the planes at the ends of a stack? They are tested at these planes themselves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from muguet.image.planes import Readable
from muguet.neighbours.estimator import PlaneEstimator
from muguet.neighbours.members import Members
from muguet.neighbours.stack_weights import Learned, Squares, chosen_stacks, squares_of

Floats = npt.NDArray[np.float64]

_PLACES = (0, 3)  # Two squares on a diagonal of the plane are compared.
_SURE = 1.0  # The error falls by more than this many standard errors of its fall, or a plane is estimated by itself.


def refused_neighbours(
    source: Readable,
    stacks: Sequence[npt.NDArray[np.intp]],
    members: Sequence[Members],
    channel: int,
    learned: Learned,
    estimator: PlaneEstimator,
) -> tuple[tuple[int, ...], ...]:
    """Return the sets of neighbours that do not surely lower the error of planes at the ends of a stack.

    The weights of these planes follow from the inner ones. At an end, the neighbours lie on one side, and if structures
    leave the stack there, all of them become brighter towards the inside: weights that are right on average of the
    inner planes are wrong here.

    Parameters
    ----------
    source, stacks, members, channel, estimator
        See `muguet.neighbours.stack_weights.learn`.
    learned
        The weights.

    Returns
    -------
    tuple
        Positions of neighbours relative to a plane, as `Members` returns them.
    """
    every = learned.equations.offsets
    reach = len(every) // 2
    falls: dict[tuple[int, ...], list[Floats]] = {}
    for number in chosen_stacks(stacks):
        own = members[number]
        ends = [range(min(reach, len(own))), range(max(len(own) - reach, 0), len(own))]
        for place, square in enumerate(squares_of(source.shape[2:], estimator.stride)):
            for end in ends if place in _PLACES else []:
                planes = [z for z in end if own[z] and own[z] != every]
                held = {z + k for z in planes for k in (0, *own[z])}
                one = Squares(source, stacks[number], channel, square, estimator, held)
                for z in planes:
                    piece = one.piece(z, {k: learned.shared_of[k] for k in own[z]}, place)
                    if piece is not None:
                        found = piece.reduction(learned.equations.weights(own[z]))
                        falls.setdefault(own[z], []).append(found)
    return tuple(present for present, found in falls.items() if not _is_fall(np.concatenate(found)))


def _is_fall(reduction: Floats) -> bool:
    """Whether the mean fall of the squared error of some pixels is larger than its uncertainty."""
    return bool(reduction.mean() > _SURE * reduction.std() / len(reduction) ** 0.5)
