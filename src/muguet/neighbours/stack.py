"""The planes of a stack, and the estimate of each from those before and after it, with weights learned on the stack."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from muguet.neighbours.estimator import PlaneEstimator
from muguet.neighbours.members import Members
from muguet.neighbours.series import DEPTH, Series
from muguet.prediction.error_scale import ErrorScale
from muguet.restoration import axial


@dataclass(frozen=True, eq=False)
class Stack(Series):
    """The planes of one stack in one channel, in the order of depth, see `muguet.restoration.axial`.

    Attributes
    ----------
    members
        For each plane, the positions relative to it of its neighbours. Blank and repeated planes are left out. None:
        every plane is estimated by itself.
    equations
        The equations from which the weights follow; None: every plane is estimated by itself.
    scale
        The factor by which the error of a plane with all neighbours is smaller, by that of the plane by itself.
    refused
        Sets of neighbours at the ends of a stack that do not help, as positions relative to a plane.
    """

    members: Members | None = None
    equations: axial.Equations | None = None
    scale: ErrorScale = field(default_factory=ErrorScale)
    refused: tuple[tuple[int, ...], ...] = ()

    halo = axial.REACH
    axis = DEPTH

    @property
    def helps(self) -> bool:
        """Whether any plane is estimated from others too."""
        return self.equations is not None

    def prepare(self, wanted: slice) -> None:
        """Read what the estimates of some planes need of whole planes, see `Series.prepare`."""
        if self.members is not None:
            first, last = max(wanted.start - self.before, 0), min(wanted.stop + self.after, len(self.planes))
            self.members.measure(range(first, last))

    def estimate(
        self,
        units: Tensor,
        usable: Tensor,
        held: slice,
        wanted: slice,
        estimator: PlaneEstimator,
        errors: bool,
    ) -> tuple[Tensor, Tensor | None]:
        """Return the estimates of planes and the variances of their errors, see `Series.estimate`."""
        if not errors:
            return self.fused(units, estimator.means(units), usable, held, wanted), None
        means, variances, _ = estimator.alone(units)
        with torch.inference_mode():
            return (
                self.fused(units, means, usable, held, wanted),
                self._errors(variances, usable, held, wanted),
            )

    def fused(self, noisy: Tensor, estimates: Tensor, usable: Tensor, held: slice, wanted: slice) -> Tensor:
        """Return the estimates of planes ``(wanted, 1, y, x)`` from the estimates one by one, see `estimate`.

        Where a neighbour was not measured, the result is that of the plane by itself.
        """
        with torch.inference_mode():
            means = estimates[wanted.start - held.start : wanted.stop - held.start].clone()
            for number, (own, places, weights, _) in enumerate(self._neighbours(held, wanted)):
                if places:
                    known = usable[places].all(0)[0]
                    means[number, 0] = torch.where(
                        known, axial.fused(noisy, estimates, own, places, weights), means[number, 0]
                    )
            return means

    def _errors(self, variances: Tensor, usable: Tensor, held: slice, wanted: slice) -> Tensor:
        """The variances of the errors of `fused`, from those of the planes by themselves."""
        errors = variances[wanted.start - held.start : wanted.stop - held.start].clone()
        factor = torch.from_numpy(self.scale(errors.sqrt().cpu().numpy()) ** 2).to(errors)
        factor /= errors.clamp(min=1e-30)
        for number, (_, places, _, part) in enumerate(self._neighbours(held, wanted)):
            if places:
                errors[number] *= torch.where(usable[places].all(0), 1 - part * (1 - factor[number]), 1.0)
        return errors

    def _neighbours(
        self, held: slice, wanted: slice
    ) -> Iterator[tuple[int, list[int], npt.NDArray[np.float64], float]]:
        """Yield for each plane its position and those of its neighbours among the planes held, and their weights.

        The last value is the part of the fall of the error with all neighbours to which these lead.
        """
        if self.equations is None or self.members is None:
            yield from ((z - held.start, [], np.zeros(0), 0.0) for z in range(wanted.start, wanted.stop))
            return
        every = self.equations.offsets
        best = self.equations.gain(self.equations.weights(every), every)
        for z in range(wanted.start, wanted.stop):
            present = self.members[z]
            present = () if present in self.refused else present
            weights = self.equations.weights(present)
            part = self.equations.gain(weights, present) / best if best > 0 else 0.0
            yield z - held.start, [z + k - held.start for k in present], weights, min(max(part, 0.0), 1.0)
