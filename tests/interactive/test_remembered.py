"""While one scrolls, every frame is estimated once, and with the same bits as without anything kept."""

from __future__ import annotations

import torch

from muguet.neighbours import Alone, Remembered


class Doubled:
    """An estimator that counts the planes it is given."""

    noise, stride, device = None, (1, 1), torch.device("cpu")

    def __init__(self) -> None:
        self.planes = 0

    def means(self, planes: torch.Tensor) -> torch.Tensor:
        self.planes += len(planes)
        return 2 * planes

    def alone(self, planes: torch.Tensor) -> Alone:
        self.planes += len(planes)
        return Alone(2 * planes, planes**2, planes**3)


def test_planes_that_were_estimated_are_not_estimated_again() -> None:
    movie, estimator = torch.randn(12, 1, 8, 8), Doubled()
    kept = Remembered(estimator, 2**20)
    for t in range(4, 8):
        around = movie[t - 4 : t + 5]
        assert all(map(torch.equal, kept.alone(around), Doubled().alone(around)))
    assert estimator.planes == len(movie)
    assert torch.equal(kept.means(movie), 2 * movie)  # Other estimates of the same planes.


def test_what_is_kept_has_a_limit() -> None:
    movie, estimator = torch.randn(6, 1, 8, 8), Doubled()
    kept = Remembered(estimator, 2 * 8 * 8 * 4)  # Two planes.
    kept.means(movie)
    kept.means(movie[-2:])
    assert estimator.planes == 6
    kept.means(movie[:1])
    assert estimator.planes == 7
