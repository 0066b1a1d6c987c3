"""Adam against PyTorch's own."""

import subprocess
import sys

import pytest
import torch

from muguet.training.optimiser import BETAS, Adam


def weights() -> list[torch.Tensor]:
    """Of several shapes and layouts, the last without a gradient for a while."""
    chance = torch.Generator().manual_seed(0)
    shapes = [(5,), (4, 3, 3, 3), (2, 3), ()]
    made = [torch.randn(shape, generator=chance) for shape in shapes]
    made[1] = made[1].contiguous(memory_format=torch.channels_last)
    return [each.requires_grad_() for each in made]


def test_steps_are_those_of_pytorch():
    ours, theirs = weights(), weights()
    one, two = Adam(ours), torch.optim.Adam(theirs, betas=BETAS, fused=True)
    for step in range(20):
        rate = 1e-2 / (1 + step)
        two.param_groups[0]["lr"] = rate
        for optimiser, parameters in ((one, ours), (two, theirs)):
            optimiser.zero_grad()
            used = parameters if step >= 7 else parameters[:-1]
            sum((each - k).square().sum() * (1 + k) for k, each in enumerate(used)).backward()
        one.step(rate)
        two.step()
        assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))
    assert [int(kept["step"]) for kept in one.state] == [20, 20, 20, 13]


def test_what_has_no_gradient_stays():
    parameters = weights()
    before = [each.detach().clone() for each in parameters]
    Adam(parameters).step(1.0)
    assert all(torch.equal(a, b) for a, b in zip(before, parameters, strict=True))


def test_the_way_to_a_minimum():
    """Of a parabola that is a million times steeper along one axis than along the other."""
    place = torch.tensor([3.0, -2.0], requires_grad=True)
    optimiser = Adam([place])
    for step in range(400):
        optimiser.zero_grad()
        (torch.tensor([1e3, 1e-3]) * (place - 1).square()).sum().backward()
        optimiser.step(0.05 * (1 - step / 400))
    assert place.detach().tolist() == pytest.approx([1, 1], abs=1e-2)


@pytest.mark.slow
def test_training_does_not_wait_for_the_compiler():
    """`torch._dynamo` takes a second and 70 MB, and nothing here is compiled."""
    code = (
        "import sys, numpy, muguet; image = numpy.random.default_rng(0).poisson(9, (32, 32));"
        "muguet.fit(image, 'YX', steps=1); sys.exit('torch._dynamo' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
