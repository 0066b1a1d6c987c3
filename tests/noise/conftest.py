"""All laws with signals in their range: what holds for one must hold for all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch

from muguet.noise import EMCCD, Affine, Gaussian, Law, LearnedLaw, PoissonGaussian, Speckle


def learned(components: int) -> LearnedLaw:
    """Return an N-net with weights as large as after training."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(components)
        law = LearnedLaw(components, std=0.4)
        with torch.no_grad():
            for parameter in law.parameters():
                parameter.add_(0.3 * torch.randn_like(parameter))
    return law


@dataclass(frozen=True)
class Case:
    """A law, and signals in its units."""

    build: Callable[[], Law]
    signals: tuple[float, ...]


UNITS = (-0.5, 0.0, 0.3, 1.0, 2.5)
COUNTS = (90.0, 100.0, 101.0, 130.0, 400.0, 5000.0)

CASES = {
    "gaussian": Case(lambda: Gaussian(2.0), (-3.0, 0.0, 50.0)),
    "speckle": Case(lambda: Speckle(0.2), (-3.0, 0.0, 0.5, 50.0)),
    "camera": Case(lambda: PoissonGaussian(2.0, 100.0, 1.5), COUNTS),
    "quiet camera": Case(lambda: PoissonGaussian(0.5, 100.0, 0.3), COUNTS[:4]),
    "loud camera": Case(lambda: PoissonGaussian(2.1, 100.0, 6.0), COUNTS),
    "EMCCD": Case(lambda: EMCCD(2.0, 100.0, 0.5), COUNTS),
    "quiet EMCCD": Case(lambda: EMCCD(2.0, 100.0, 0.1), COUNTS),
    "learned G1": Case(lambda: learned(1), UNITS),
    "learned G3": Case(lambda: learned(3), UNITS),
}
CASES |= {
    f"affine {name}": Case(
        lambda case=case: Affine(case.build(), offset=7.0, scale=3.0),
        tuple(7.0 + 3.0 * s for s in case.signals),
    )
    for name, case in CASES.items()
    if name in ("camera", "learned G3")
}


@pytest.fixture(params=list(CASES))
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


@pytest.fixture
def law(case: Case) -> Law:
    """In float64, so that a law is checked and not its rounding."""
    return case.build().double()


@pytest.fixture
def signal(case: Case) -> torch.Tensor:
    return torch.tensor(case.signals, dtype=torch.float64)
