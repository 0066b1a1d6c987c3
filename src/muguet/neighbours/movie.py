"""The frames of a movie, and the estimate of each from those before and after it, where the scene is the same."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from muguet.neighbours.estimator import PlaneEstimator
from muguet.neighbours.series import Series
from muguet.restoration.temporal import fused


@dataclass(frozen=True, eq=False)
class Movie(Series):
    """The frames of one movie in one channel, in the order of time, see `muguet.restoration.fused`.

    Attributes
    ----------
    gains
        Brightness of each frame relative to the first one.
    """

    gains: npt.NDArray[np.float64] = field(default_factory=lambda: np.ones(0))

    halo = 0

    @property
    def helps(self) -> bool:
        """Whether any frame is estimated from others too."""
        return bool(self.before or self.after)

    def estimate(
        self,
        units: Tensor,
        usable: Tensor,
        held: slice,
        wanted: slice,
        estimator: PlaneEstimator,
        errors: bool,
    ) -> tuple[Tensor, Tensor | None]:
        """Return the estimates of frames and the variances of their errors, see `Series.estimate`."""
        means, variances, predicted = estimator.alone(units)
        found: list[tuple[Tensor, Tensor]] = []
        with torch.inference_mode():
            for t in range(wanted.start, wanted.stop):
                members, own = self._members(units, held.start, t), t - held.start
                # The error of several frames together is corrected by the factor of the frame alone.
                ratio = (variances[own] / predicted[own].clamp(min=1e-12))[None]

                def of_several(image: Tensor, ratio: Tensor = ratio) -> tuple[Tensor, Tensor]:
                    estimate, variance = estimator.prior(image)
                    return estimate, variance * ratio

                found.append(
                    fused(
                        units[members],
                        means[members],
                        variances[members],
                        usable[members],
                        [float(self.gains[held.start + m]) for m in members],
                        members.index(own),
                        of_several,
                    )
                )
        estimates, errors_found = zip(*found, strict=True)
        return torch.cat(estimates), torch.cat(errors_found)

    def _members(self, units: Tensor, start: int, t: int) -> list[int]:
        """Return the indices of the held frames that help to estimate frame `t`, itself included, without copies."""
        first, last = max(t - self.before, start), min(t + self.after, start + len(units) - 1)
        chosen = [t - start]
        for k in sorted(range(first, last + 1), key=lambda k: abs(k - t)):
            if k != t and not any(torch.equal(units[k - start], units[each]) for each in chosen):
                chosen.append(k - start)
        return sorted(chosen)
