"""Estimates of planes one by one that are kept: while one scrolls, every frame helps the frames around it in turn."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import numpy.typing as npt
import torch
from torch import Tensor

from muguet.neighbours.estimator import Alone, PlaneEstimator
from muguet.noise.transfer.variance import Variance

Key = tuple[str, torch.Size, bytes]


class Remembered(PlaneEstimator):
    """An estimator whose latest estimates are kept, and found again by the values of the plane.

    Planes of equal values have equal estimates, so that the results are those of the estimator, bit for bit.

    Parameters
    ----------
    estimator
        It estimates planes one by one, and each by itself.
    max_bytes
        Memory for the estimates; those that were asked for longest ago are dropped first.
    """

    def __init__(self, estimator: PlaneEstimator, max_bytes: int) -> None:
        self.estimator, self.max_bytes = estimator, max_bytes
        self._kept: OrderedDict[Key, tuple[Tensor, ...]] = OrderedDict()
        self._bytes, self._lock = 0, threading.Lock()

    @property
    def noise(self) -> Variance | None:
        """See `PlaneEstimator`."""
        return self.estimator.noise

    @property
    def stride(self) -> Sequence[int]:
        """See `PlaneEstimator`."""
        return self.estimator.stride

    @property
    def device(self) -> torch.device:
        """See `PlaneEstimator`."""
        return self.estimator.device

    def units(self, counts: npt.NDArray[Any]) -> tuple[Tensor, Tensor]:
        """See `PlaneEstimator`."""
        return self.estimator.units(counts)

    def means(self, planes: Tensor) -> Tensor:
        """See `PlaneEstimator`."""
        return torch.cat(
            [self._found("mean", each[None], lambda one: (self.estimator.means(one),))[0] for each in planes]
        )

    def alone(self, planes: Tensor) -> Alone:
        """See `PlaneEstimator`."""
        found = [self._found("alone", each[None], self.estimator.alone) for each in planes]
        return Alone(*(torch.cat(each) for each in zip(*found, strict=True)))

    def prior(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """See `PlaneEstimator`."""
        return self.estimator.prior(image)

    def _found(
        self, kind: str, plane: Tensor, compute: Callable[[Tensor], tuple[Tensor, ...]]
    ) -> tuple[Tensor, ...]:
        """The kept estimates of a plane ``(1, 1, y, x)``, or computed ones, which are then kept."""
        digest = hashlib.blake2b(plane.contiguous().cpu().numpy().tobytes(), digest_size=16).digest()
        key = kind, plane.shape, digest
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        found = tuple(compute(plane))
        with self._lock:
            if key not in self._kept:
                self._kept[key] = found
                self._bytes += _size(found)
            while self._bytes > self.max_bytes:
                self._bytes -= _size(self._kept.popitem(last=False)[1])
        return found


def _size(tensors: Sequence[Tensor]) -> int:
    return sum(each.numel() * each.element_size() for each in tensors)
