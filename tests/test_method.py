"""Laws of the joining: the loss is a likelihood of chosen pixels under the law of their channel."""

from __future__ import annotations

import pytest
import torch

from muguet import Method
from muguet.noise import Gaussian, LearnedLaw
from muguet.recipes import Parts
from muguet.restoration import Grid, Net, Nothing, Prediction, UNet

GENERATOR = torch.Generator()


class Same(Net):
    """The estimate is the image."""

    dims = 2
    stride = halo = (1, 1)

    def forward(self, image):
        return Prediction(image)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def batch():
    torch.manual_seed(0)
    return torch.randn(4, 1, 24, 24), torch.ones(4, 1, 24, 24), torch.tensor([0, 1, 0, 1])


def test_the_true_width_of_the_noise_has_the_least_loss():
    torch.manual_seed(0)
    signal = torch.rand(2, 1, 32, 32)
    recorded = signal + 0.3 * torch.randn_like(signal)
    everything, first = torch.ones_like(signal), torch.zeros(2, dtype=torch.long)
    losses = {
        std: float(
            Method(Same(), Nothing(), [Gaussian(std)])(signal, recorded, everything, first, generator()).total
        )
        for std in (0.1, 0.2, 0.3, 0.45, 1.0)
    }
    assert min(losses, key=losses.__getitem__) == 0.3


def test_a_better_estimate_has_a_lower_loss(batch):
    noisy, weight, channel = batch
    method = Method(Same(), Nothing(), [Gaussian(), Gaussian()])
    exact = method(noisy, noisy, weight, channel, generator()).total
    assert exact < method(noisy + 0.1, noisy, weight, channel, generator()).total


def test_l2_is_half_the_mean_squared_error_and_a_constant(batch):
    noisy, weight, channel = batch
    torch.manual_seed(0)
    method = Parts("l2", "unet", channels=2).build()
    mask = method.blind.draw(noisy.shape, generator())
    loss = method(noisy, noisy, weight, channel, GENERATOR, mask=mask).total
    estimate = method.estimate(method.blind.hide(noisy, mask))
    error = (estimate - noisy)[mask].square().mean()
    constant = 0.5 * torch.log(torch.tensor(2 * torch.pi))
    torch.testing.assert_close(loss, 0.5 * error + constant)


@pytest.mark.parametrize("components", [1, 3])
def test_pixels_of_no_weight_and_pixels_not_hidden_are_no_targets(batch, components):
    noisy, weight, channel = batch
    weight = (torch.rand(noisy.shape, generator=generator(3)) > 0.3).float()
    method = Method(UNet(2, 8), Grid(), [LearnedLaw(components), LearnedLaw(components)])
    target = noisy.clone().requires_grad_()
    mask = method.blind.draw(noisy.shape, generator())
    method(noisy, target, weight, channel, GENERATOR, mask=mask).total.backward()
    hidden = torch.zeros(noisy.shape, dtype=torch.bool)
    hidden[mask] = True
    assert (target.grad[(weight == 0) | ~hidden] == 0).all()
    assert (target.grad[(weight > 0) & hidden] != 0).all()


def test_the_loss_is_a_mean_over_targets(batch):
    noisy, weight, channel = batch
    method = Method(Same(), Nothing(), [Gaussian(), Gaussian()])
    estimate_off = noisy + 1
    whole = method(estimate_off, noisy, weight, channel, generator()).total
    weight[:, :, ::2] = 0
    torch.testing.assert_close(method(estimate_off, noisy, weight, channel, generator()).total, whole)


def test_no_target_at_all_is_no_loss(batch):
    noisy, weight, channel = batch
    method = Method(Same(), Grid(), [LearnedLaw(2), LearnedLaw(2)])
    assert method(noisy, noisy, 0 * weight, channel, generator()).total == 0


def test_every_channel_has_its_own_law(batch):
    noisy, weight, channel = batch
    laws = [LearnedLaw(2, 0.3), LearnedLaw(2, 1.5)]
    method = Method(UNet(2, 8), Grid(), laws)
    likelihood = method.log_prob(noisy, 0.5 * noisy, channel.view(-1, 1, 1, 1).expand(noisy.shape))
    for c, law in enumerate(laws):
        mine = channel == c
        torch.testing.assert_close(likelihood[mine], law(0.5 * noisy[mine]).log_prob(noisy[mine]))
    method(noisy, noisy, weight, torch.zeros_like(channel), generator()).total.backward()
    assert all((p.grad is None) or (p.grad == 0).all() for p in laws[1].parameters())
    assert all((p.grad != 0).any() for p in laws[0].head.parameters())


def test_the_net_and_the_law_learn_together(batch):
    noisy, weight, channel = batch
    method = Parts("joint", channels=2).build()
    method(noisy, noisy, weight, channel, generator()).total.backward()
    for name, parameter in method.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name


def test_the_generator_alone_decides_on_the_mask(batch):
    noisy, weight, channel = batch
    method = Parts("joint", channels=2).build()
    first = method(noisy, noisy, weight, channel, generator(5)).total
    torch.manual_seed(99)
    assert torch.equal(first, method(noisy, noisy, weight, channel, generator(5)).total)


@pytest.mark.parametrize("components", [1, 3])
def test_the_quasi_score_is_without_bias_whatever_the_law_is_like(components):
    """Nine of ten pixels are dark and one is a photon, as behind a photomultiplier: far from the law at its start."""
    torch.manual_seed(0)
    recorded = torch.tensor([0.1] * 9 + [2.1]).repeat(10).reshape(1, 1, 10, 10)
    first = torch.zeros(1, dtype=torch.long)
    slopes = {}
    for quasi in (False, True):
        torch.manual_seed(1)
        method = Method(Same(), Nothing(), [LearnedLaw(components, 0.5)], quasi=quasi)
        signal = torch.full_like(recorded, 0.3).requires_grad_()
        method(signal, recorded, torch.ones_like(recorded), first, generator()).total.backward()
        slopes[quasi] = float(signal.grad.sum())
    assert slopes[True] == pytest.approx(0.0, abs=1e-6)
    assert abs(slopes[False]) > 0.01


def test_the_quasi_score_leaves_the_value_and_what_the_laws_learn(batch):
    noisy, weight, channel = batch
    found = {}
    for quasi in (False, True):
        torch.manual_seed(0)
        method = Method(UNet(2, 8), Grid(), [LearnedLaw(2), LearnedLaw(3)], quasi=quasi)
        loss = method(noisy, noisy, weight, channel, generator()).total
        loss.backward()
        found[quasi] = loss.detach(), [p.grad for p in method.laws.parameters()]
    torch.testing.assert_close(found[True][0], found[False][0])
    for mine, other in zip(found[True][1], found[False][1], strict=True):
        torch.testing.assert_close(mine, other)


def test_the_quasi_score_is_the_error_over_the_variance_of_its_channel(batch):
    noisy, weight, channel = batch
    method = Method(Same(), Nothing(), [Gaussian(0.5), Gaussian(2.0)], quasi=True)
    signal = torch.zeros_like(noisy).requires_grad_()
    method(signal, noisy, weight, channel, generator()).total.backward()
    variance = torch.tensor([0.25, 4.0])[channel].view(-1, 1, 1, 1)
    torch.testing.assert_close(signal.grad, -noisy / variance / noisy.numel())


@pytest.mark.parametrize("recipe", ["joint", "l2"])
def test_where_half_of_the_pixels_are_saturated_the_estimate_is_the_mean_of_all(recipe):
    """Without the saturated pixels the estimate would be the mean of the others, one standard deviation too small."""
    recorded = torch.randn((1, 1, 64, 64), generator=generator(1)).clamp(max=0.0)
    law = LearnedLaw(2, 0.6) if recipe == "joint" else Gaussian()
    method = Method(Same(), Nothing(), [law], quasi=recipe == "joint")
    signal = torch.full_like(recorded, float(recorded.mean())).requires_grad_()
    first, everything = torch.zeros(1, dtype=torch.long), torch.ones_like(recorded)
    method(signal, recorded, everything, first, generator(), recorded == 0).total.backward()
    assert float(signal.grad.sum()) == pytest.approx(0.0, abs=1e-6)


def test_a_learned_law_does_not_learn_from_saturated_pixels(batch):
    noisy, weight, channel = batch
    saturated = noisy > 0.5
    found = []
    for last in (0.5, 9.0):
        torch.manual_seed(0)
        method = Method(UNet(2, 8), Nothing(), [LearnedLaw(2), LearnedLaw(3)], quasi=True)
        recorded = torch.where(saturated, last, noisy)
        method(noisy, recorded, weight, channel, generator(), saturated).total.backward()
        found.append(([p.grad for p in method.laws.parameters()], method.net.out.bias.grad))
    for mine, other in zip(*(laws for laws, _ in found), strict=True):
        assert torch.equal(mine, other)
    assert not torch.equal(found[0][1], found[1][1])
