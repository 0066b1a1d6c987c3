"""The frames of a movie, and the estimate of each from those before and after it, where the scene is the same."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from muguet.image.planes import Readable
from muguet.image.scaling import Scaling
from muguet.neighbours.brightness import Brightness
from muguet.neighbours.estimator import PlaneEstimator
from muguet.neighbours.series import TIME, Series
from muguet.restoration.temporal import fused


@dataclass(frozen=True, eq=False)
class Movie(Series):
    """The frames of one movie in one channel, in the order of time, see `muguet.restoration.fused`.

    Attributes
    ----------
    brightness
        The brightness of the frames; None: no frame is estimated from others.
    """

    brightness: Brightness | None = None

    halo = 0
    axis = TIME

    @property
    def helps(self) -> bool:
        """Whether any frame is estimated from others too."""
        return bool(self.before or self.after)

    def prepare(self, wanted: slice) -> None:
        """Read what the estimates of some frames need of whole planes, see `Series.prepare`."""
        if self.brightness is not None:
            first, last = max(wanted.start - self.before, 0), min(wanted.stop + self.after, len(self.planes))
            self.brightness.measure(range(first + 1, last))

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
                        self._gains(t, [held.start + m for m in members]),
                        members.index(own),
                        of_several,
                    )
                )
        estimates, errors_found = zip(*found, strict=True)
        return torch.cat(estimates), torch.cat(errors_found)

    def _gains(self, t: int, frames: list[int]) -> list[float]:
        return [1.0] * len(frames) if self.brightness is None else self.brightness.relative(t, frames)

    def _members(self, units: Tensor, start: int, t: int) -> list[int]:
        """Return the indices of the held frames that help to estimate frame `t`, itself included, without copies."""
        first, last = max(t - self.before, start), min(t + self.after, start + len(units) - 1)
        chosen = [t - start]
        for k in sorted(range(first, last + 1), key=lambda k: abs(k - t)):
            if k != t and not any(torch.equal(units[k - start], units[each]) for each in chosen):
                chosen.append(k - start)
        return sorted(chosen)


def movie(
    source: Readable,
    sequence: npt.NDArray[np.intp],
    channel: int,
    scaling: Scaling,
    before: int,
    after: int,
    at_once: bool,
) -> Movie:
    """Return the movie of some planes, of which up to `before` and `after` each one help to estimate it.

    Parameters
    ----------
    source, sequence, channel, scaling
        See `Brightness`.
    before, after
        See `Series`.
    at_once
        Whether the brightness of all frames is measured now; else it is when a frame is estimated.
    """
    if not before and not after:
        return Movie(sequence, 0, 0)
    brightness = Brightness(source, sequence, channel, scaling)
    if at_once:
        brightness.measure(range(1, len(sequence)))
        brightness.release()
    return Movie(sequence, before, after, brightness)
