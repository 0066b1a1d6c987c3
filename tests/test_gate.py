"""Laws of the gate: without the truth, it finds the share of the pixel with the least error."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

import muguet
from muguet import Method, load, recipes
from muguet.noise import Gaussian, Variance
from muguet.recipes import Parts
from muguet.restoration import FilterBankNet, GatedNet, Grid, Prediction
from muguet.training import Patches, Plan, Sample, Session, checkpoint, collect
from muguet.training.validation import Batch, Validation

SHOT = Variance(constant=0.02, linear=0.1, quadratic=0.0, floor=1e-4)
FIRST = torch.zeros(4, dtype=torch.long)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_each_channel_has_its_own_variance():
    twice = Variance(constant=0.04, linear=0.2, quadratic=0.01, floor=0.05)
    both = Method(Gated(0.5), Grid(), [Gaussian(), Gaussian()])
    both.learn_gate([SHOT, twice])
    signal = torch.rand(4, 1, 3, 5, generator=generator()) - 0.3
    found = both.measured_variance(signal, torch.tensor([0, 1, 0, 1]))
    torch.testing.assert_close(found[::2], SHOT(signal[::2]))
    torch.testing.assert_close(found[1::2], twice(signal[1::2]))


class Gated(GatedNet):
    """The estimate from neighbours is 1 everywhere; the gate is the same everywhere."""

    dims = 2
    stride = halo = (1, 1)

    def __init__(self, gate):
        super().__init__()
        self.gate = gate

    def open_gate(self, share):
        self.gate = share

    def forward(self, image):
        return Prediction(torch.ones_like(image), torch.full_like(image, self.gate))


@pytest.mark.parametrize("skewed", [False, True])
def test_the_likeliest_gate_has_the_least_error(skewed):
    """Signals of a variance τ² about 1, noise of σ², exponential too: g = τ²/(τ² + σ²), found without the truth."""
    prior, noise = 0.3, Variance(constant=0.2, linear=0.0, quadratic=0.0, floor=0.1)
    signal = 1 + prior**0.5 * torch.randn(4, 1, 256, 256, generator=generator(1))
    unit = torch.randn(signal.shape, generator=generator(2))
    if skewed:
        unit = torch.empty(signal.shape).exponential_(generator=generator(2)) - 1
    noisy = signal + noise.constant**0.5 * unit
    gates = np.linspace(0.05, 0.95, 91)
    losses, errors = [], []
    for gate in gates:
        method = Method(Gated(gate), Grid(), [Gaussian()])
        method.learn_gate([noise])
        losses.append(float(method(noisy, noisy, torch.ones_like(noisy), FIRST, generator(3)).gate))
        errors.append(float((1 + gate * (noisy - 1) - signal).square().mean()))
    assert gates[int(np.argmin(losses))] == pytest.approx(0.6, abs=0.02)
    assert gates[int(np.argmin(errors))] == pytest.approx(0.6, abs=0.02)


def test_the_blind_estimate_learns_from_the_law_alone():
    """The gate's likelihood moves the gate; towards the pixel, it must not draw the estimate of what neighbours say."""
    torch.manual_seed(0)
    noisy = torch.randn(4, 1, 32, 32)
    method = Parts("joint", reach=(0, 0)).build()
    method.learn_gate([SHOT])
    loss = method(noisy, noisy, torch.ones_like(noisy), FIRST, generator(3))
    head = method.net.head.bias
    (both,) = torch.autograd.grad(loss.total, head, retain_graph=True)
    (alone,) = torch.autograd.grad(loss.likelihood, head)
    torch.testing.assert_close(both, alone)


@pytest.mark.parametrize("dims", [2, 3])
def test_the_gate_decides_how_much_of_the_pixel_is_in_the_answer(dims):
    torch.manual_seed(0)
    method = Method(FilterBankNet(dims, (8, 8)), Grid(), [Gaussian()])
    image = torch.randn(2, 1, *(4, 16, 16)[-dims:])
    with torch.no_grad():
        blind = method.net(image).blind
        torch.testing.assert_close(method.estimate(image), blind)
        method.open_gate(0.3)
        torch.testing.assert_close(method.estimate(image), blind + 0.3 * (image - blind))
        torch.testing.assert_close(method.estimate(image, own=True), blind + 0.3 * (image - blind))
        torch.testing.assert_close(method.estimate(image, own=False), blind)


def test_until_the_noise_is_known_every_parameter_has_a_gradient():
    """Data-parallel training waits for the gradient of each; the gate's is zero, so that it does not move."""
    torch.manual_seed(0)
    noisy = torch.randn(4, 1, 32, 32)
    method = Parts("joint", reach=(0, 0)).build()
    method(noisy, noisy, torch.ones_like(noisy), FIRST, generator(3)).total.backward()
    assert all(parameter.grad is not None for parameter in method.parameters())
    assert not method.net.gate.weight.grad.any()
    assert not method.net.gate.bias.grad.any()


def test_saturated_pixels_do_not_move_the_gate():
    noisy, gates = torch.randn(4, 1, 32, 32, generator=generator(1)), []
    saturated = noisy > 0.5
    for level in (0.5, 50.0):
        method = Method(Gated(torch.tensor(0.4)), Grid(), [Gaussian()])
        method.learn_gate([SHOT])
        recorded = torch.where(saturated, level, noisy)
        gates.append(method(noisy, recorded, torch.ones_like(noisy), FIRST, generator(3), saturated).gate)
    assert torch.equal(*gates)


def test_one_wild_pixel_counts_as_one_of_five_standard_deviations():
    noise = Variance(constant=1.0, linear=0.0, quadratic=0.0, floor=0.1)
    method = Method(Gated(0.5), Grid(), [Gaussian()])
    method.learn_gate([noise])
    losses = []
    for away in (0.0, 5.0, 1000.0):
        noisy = torch.ones(4, 1, 32, 32)
        mask = method.blind.draw(noisy.shape, generator(3))
        noisy[mask][0, 0, 0, 0] += away
        losses.append(
            float(method(noisy, noisy, torch.ones_like(noisy), FIRST, generator(3), mask=mask).gate)
        )
    assert losses[2] == pytest.approx(losses[1])
    assert losses[1] > losses[0]


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_the_gate_starts_at_the_share_of_the_signal_in_the_variance(share):
    """Blind estimates of an error τ² and noise of σ² = 1: g = τ²/(τ² + σ²), and one wild pixel changes little."""
    noise = Variance(constant=1.0, linear=0.0, quadratic=0.0, floor=0.1)
    method = Method(Gated(0.0), Grid(), [Gaussian()])
    method.learn_gate([noise])
    recorded = 1 + (share / (1 - share) + 1) ** 0.5 * torch.randn(4, 1, 128, 128, generator=generator(4))
    mask = method.blind.draw(recorded.shape, generator(5))
    recorded[mask][0, 0, 0, 0] = 1e4
    role = torch.zeros_like(recorded, dtype=torch.uint8)
    batch = Batch(Patches(recorded, role, FIRST, torch.zeros(4)), recorded, mask)
    assert Validation((batch,), 0).gate_start(method) == pytest.approx(share, abs=0.04)


# ------------------------------------------------------------------ in a run


@pytest.fixture
def small(monkeypatch, tiny_prior):
    monkeypatch.setattr(muguet.training.session, "PATCH", {2: (32, 32), 3: (4, 16, 16)})
    monkeypatch.setitem(recipes.NETS, "filterbank", lambda dims, reach: FilterBankNet(dims, (8, 8), reach))


@pytest.fixture(scope="module")
def bright():
    """Beads of up to 400 photo-electrons, little larger than a pixel: their neighbours hardly predict them."""
    rng = np.random.default_rng(0)
    clean = 100 + 4800 * gaussian_filter((rng.random((192, 192)) < 0.03).astype(float), 1.5)
    return rng.poisson(clean).astype(np.float32), clean


def run(image, steps, **parts):
    return Session(collect([Sample(image, "YX", "image")], 2), Parts(**parts), Plan(steps=steps, batch=4))


def trained(image, steps, **parts):
    session = run(image, steps, **parts)
    while not session.finished:
        session.advance()
    return session


@pytest.mark.slow
def test_it_uses_the_pixel_where_that_says_much(small, bright):
    noisy, clean = bright
    errors = {
        recipe: np.square(trained(noisy, 160, recipe=recipe).denoiser()(noisy, "YX") - clean).mean()
        for recipe in ("joint", "joint-blind")
    }
    assert errors["joint"] < 0.7 * errors["joint-blind"]
    assert errors["joint"] < 0.9 * np.square(noisy - clean).mean()


def test_a_prior_sees_the_pixels_from_the_first_step(small, bright):
    session = run(bright[0], 4)
    assert float(session.method.gate_open) == 1
    assert session.method.noise_variance is not None
    before = session.method.net.net.gate.bias.clone()
    session.advance()
    assert not torch.equal(session.method.net.net.gate.bias, before)


def test_the_second_half_sees_the_pixels_and_the_file_says_so(small, bright, tmp_path):
    session = run(bright[0], 20, prior="none")
    seen = []
    while not session.finished:
        session.advance()
        seen.append(float(session.method.gate_open))
    assert seen == [0.0] * 9 + [1.0] * 11
    model = session.denoiser()
    model.save(tmp_path / "m.muguet")
    again = load(tmp_path / "m.muguet")
    np.testing.assert_array_equal(again(bright[0], "YX"), model(bright[0], "YX"))


def test_a_killed_run_continues_to_the_same_bits(small, bright, tmp_path):
    whole = run(bright[0], 20)
    for at in range(20):
        if at in (9, 10, 14):
            checkpoint.save(whole, tmp_path / f"{at}")
        whole.advance()
    for at in (9, 10, 14):
        again = run(bright[0], 20)
        checkpoint.restore(again, tmp_path / f"{at}")
        while not again.finished:
            again.advance()
        for one, two in zip(whole.averages, again.averages, strict=True):
            assert torch.equal(one, two)


@pytest.mark.parametrize(
    ("parts", "image"),
    [
        ({"recipe": "joint-blind"}, "bright"),
        ({"net": "unet"}, "bright"),
        ({"recipe": "l2"}, "bright"),
        ({"reach": (0, 1)}, "bright"),
        ({"prior": "none"}, "small"),
    ],
)
def test_it_stays_blind_where_it_should(small, bright, parts, image):
    """As published, without a gate, without a law, with neighbours that share noise, and with too few pixels."""
    noisy = bright[0] if image == "bright" else bright[0][:17, :18]
    session = trained(noisy, 12, **parts)
    assert session.method.noise_variance is None
    assert float(session.method.gate_open) == 0


def test_with_clean_targets_nothing_is_hidden(small, bright):
    noisy, clean = bright
    data = collect([Sample(noisy, "YX", "image", clean.astype(np.float32))], 2)
    session = Session(data, Parts("supervised"), Plan(steps=4, batch=4))
    assert float(session.method.gate_open) == 1
