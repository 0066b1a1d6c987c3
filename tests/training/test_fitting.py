"""Laws of training: repeatable, resumable to the bit, stopped at any time, blind to what is held out."""

from __future__ import annotations

import functools
import itertools
import math
import signal
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import muguet
import muguet.training.fitting
import muguet.training.session
from muguet import MuguetError, recipes
from muguet.recipes import Parts
from muguet.restoration import FilterBankNet, Grid, UNet
from muguet.system import tensor_file
from muguet.training import (
    HELD_OUT,
    MISSING,
    SATURATED,
    TARGET,
    Plan,
    Sample,
    Session,
    checkpoint,
    collect,
    fit,
    steps,
)
from muguet.training.schedule import (
    MAX_VISITS,
    MAX_VISITS_FROM_PRIOR,
    MIN_STEPS,
    MIN_STEPS_FROM_PRIOR,
    Schedule,
    plateaued,
)


@pytest.fixture
def small(monkeypatch, tiny_prior, small_steps):
    """Patches and nets of a few pixels, for time; the laws are those of any size."""
    monkeypatch.setattr(muguet.training.session, "PATCH", {2: (16, 16), 3: (4, 16, 16)})
    monkeypatch.setitem(recipes.NETS, "filterbank", lambda dims, reach: FilterBankNet(dims, (8, 8), reach))
    monkeypatch.setitem(recipes.NETS, "unet", lambda dims, reach: UNet(dims, 8, 4 - dims))


def session(*images, axes="YX", dimensions=2, parts=None, **plan):
    plan.setdefault("batch", 4)
    samples = [Sample(each, axes, f"image {i}") for i, each in enumerate(images)]
    return Session(collect(samples, dimensions), parts, Plan(**plan))


def advanced(run, number):
    for _ in range(number):
        run.advance()
    return run


def state(run):
    """All that two runs which gave the same bits have in common."""
    tensors = {
        **{f"method {name}": value for name, value in run.method.state_dict().items()},
        **{f"averaged {name}": value for name, value in run.averaged.state_dict().items()},
        "host": run.host.get_state(),
        "chance": run.chance.get_state(),
        "loss": run.loss_sum,
    }
    return tensors, (run.step, run.history, run.schedule.total, run.schedule.decay_from)


def assert_same(one, two):
    (tensors, numbers), (others, other_numbers) = state(one), state(two)
    assert numbers == other_numbers
    assert [name for name in tensors if not torch.equal(tensors[name], others[name])] == []


class Clock:
    """A clock that a step of training moves on by a fixed time."""

    def __init__(self, monkeypatch, run, seconds):
        self.now, self.seconds = 0.0, seconds
        run.schedule.seconds = run.schedule.seconds_outside_steps = 0.0  # that it took to prepare
        draw = run.source.draw

        def drawn(*args, **choices):
            self.now += self.seconds
            return draw(*args, **choices)

        object.__setattr__(run.source, "draw", drawn)
        for module in (muguet.training.session, muguet.training.fitting):
            monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: self.now))


# ------------------------------------------------------------ the same bits


def test_the_same_seed_and_steps_give_the_same_bits(small, noisy):
    one = advanced(session(noisy, steps=12), 12)
    torch.manual_seed(12345)
    two = advanced(session(noisy, steps=12), 12)
    assert_same(one, two)
    assert one.finished
    other = advanced(session(noisy, steps=12, seed=1), 1)
    assert not torch.equal(one.method.net.net.head.weight, other.method.net.net.head.weight)


def test_the_state_of_the_world_outside_is_left_alone(small, noisy):
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    advanced(session(noisy, steps=3), 3).denoiser()(noisy[:20, :20])
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == threads


def test_looking_at_a_run_does_not_change_it(small, noisy, tmp_path):
    one, two = session(noisy, steps=8), session(noisy, steps=8)
    for _ in range(6):
        one.advance()
        two.advance()
        two.denoiser()
        two.validation.likelihood(two.averaged)
        two.rehearse()
        checkpoint.save(two, tmp_path / "checkpoint")
    assert_same(one, two)


# 6: before the first evaluation; 10: at it; 13: in the decay; 23: one before the end.
def test_a_run_that_was_killed_continues_to_the_same_bits(small, noisy, tmp_path, monkeypatch):
    monkeypatch.setattr(muguet.training.session, "EVALUATE_EVERY", 10)
    parts, kills = Parts(components=2), (0, 6, 10, 13, 23)
    whole = session(noisy, parts=parts, steps=24)
    for at in range(24):
        if at in kills:
            checkpoint.save(whole, tmp_path / f"{at}")
        whole.advance()
    for at in kills:
        again = session(noisy, parts=parts, steps=24)
        checkpoint.restore(again, tmp_path / f"{at}")
        assert again.step == at
        list(steps(again))
        assert_same(whole, again)
        for kept, restored in zip(whole.optimiser.state, again.optimiser.state, strict=True):
            assert all(torch.equal(kept[key], restored[key]) for key in kept)


@pytest.mark.parametrize("net", ["filterbank", "unet"])
def test_stacks_of_two_channels_continue_too(small, tmp_path, net):
    rng = np.random.default_rng(0)
    stack = rng.poisson(30, (2, 6, 20, 24)).astype(np.uint16)

    def begin():
        return session(stack, axes="CZYX", dimensions=3, parts=Parts(net=net), steps=6, batch=2)

    whole = advanced(begin(), 6)
    checkpoint.save(advanced(begin(), 3), tmp_path / "checkpoint")
    again = begin()
    checkpoint.restore(again, tmp_path / "checkpoint")
    assert_same(whole, advanced(again, 3))


def test_another_run_cannot_be_continued(small, noisy, tmp_path):
    path = tmp_path / "checkpoint"
    checkpoint.save(advanced(session(noisy, steps=9), 2), path)
    for other, word in [
        (session(noisy[:100], steps=9), "images"),
        (session(np.ascontiguousarray(noisy[::-1] * 2), steps=9), "images"),
        (session(noisy, steps=9, parts=Parts(components=1)), "components"),
        (session(noisy, steps=9, parts=Parts(net="unet")), "net"),
        (session(noisy, steps=10), "steps"),
        (session(noisy, steps=9, seed=2), "seed"),
        (session(noisy, steps=9, batch=5), "batch"),
    ]:
        before = state(other)[1]
        with pytest.raises(MuguetError, match=word):
            checkpoint.restore(other, path)
        assert state(other)[1] == before


def test_a_damaged_or_incomplete_checkpoint_is_refused(small, noisy, tmp_path):
    path = tmp_path / "checkpoint"
    run = advanced(session(noisy, steps=9), 2)
    checkpoint.save(run, path)
    tensors, header = tensor_file.read(path, "checkpoint", dict)
    del tensors["generator.host"]
    tensor_file.write(
        path, "checkpoint", tensors, {k: v for k, v in header.items() if k not in ("kind", "format")}
    )
    with pytest.raises(MuguetError, match="complete checkpoint"):
        checkpoint.restore(session(noisy, steps=9), path)
    run.denoiser().save(tmp_path / "model")
    with pytest.raises(MuguetError, match="model file"):
        checkpoint.restore(session(noisy, steps=9), tmp_path / "model")


# -------------------------------------------------------------- how long


@pytest.mark.parametrize("seconds", [0.05, 1.0])
def test_a_run_of_minutes_ends_when_they_are_over(small, noisy, monkeypatch, seconds):
    run = session(noisy, minutes=0.05)
    clock = Clock(monkeypatch, run, seconds)
    seen = list(steps(run))
    assert 3 - 1.01 * seconds <= clock.now <= 3 * 1.05 + 2 * seconds
    assert seen[-1].step == seen[-1].total == run.step
    assert run.schedule.learning_rate() <= 2e-3 * run.plan.learning_rate
    assert [progress.step for progress in seen] == list(range(1, len(seen) + 1))
    assert seen[-1].seconds_left <= 2 * seconds


def test_a_machine_that_slows_down_ends_in_time_all_the_same(small, noisy, monkeypatch):
    run = session(noisy, minutes=0.05)
    clock = Clock(monkeypatch, run, 0.03)
    for progress in steps(run):
        if progress.seconds > 2:
            clock.seconds = 0.13
    assert clock.now < 3 * 1.04 + 2 * 0.13


def test_the_learning_rate_is_constant_then_falls_to_nothing(small, noisy):
    schedule, rates = session(noisy, steps=200, parts=Parts(prior="none")).schedule, []
    for schedule.step in range(1, 201):
        rates.append(schedule.learning_rate())
    top = schedule.plan.learning_rate
    assert rates[0] < top
    assert set(rates[20:60]) == {top}
    assert all(before > after for before, after in itertools.pairwise(rates[60:-10]))
    assert 0 < rates[-1] <= 2e-3 * top


@pytest.mark.parametrize(("recipe", "share"), [("joint", 1.0), ("l2", 1.0), ("noise2void", 0.5)])
def test_where_few_pixels_are_hidden_the_learning_rate_is_half(small, noisy, recipe, share):
    schedule = session(noisy, steps=200, parts=Parts(recipe, prior="none")).schedule
    schedule.step = 30
    assert schedule.learning_rate() == share * schedule.plan.learning_rate


@pytest.mark.parametrize(
    ("prior", "visits", "least"),
    [("none", MAX_VISITS, MIN_STEPS), ("scenes", MAX_VISITS_FROM_PRIOR, MIN_STEPS_FROM_PRIOR)],
)
@pytest.mark.parametrize("side", [16, 128])
def test_a_run_of_minutes_ends_when_its_pixels_were_seen_often_enough(small, prior, visits, least, side):
    noisy = np.random.default_rng(0).poisson(50, (side, side)).astype(np.uint16)
    run = session(noisy, minutes=1e5, parts=Parts(prior=prior))
    target = len(Grid().spacings) / sum(1 / spacing**2 for spacing in Grid().spacings)  # one pixel of so many
    seen = run.plan.batch * math.prod(run.source.size) / target
    assert run.schedule.total == max(math.ceil(visits * side**2 / seen), least)
    run.schedule.step = run.schedule.total - 1
    run.advance()
    assert run.finished
    assert "overfit" in run.schedule.remark()
    assert run.schedule.learning_rate() <= 2e-3 * run.plan.learning_rate


def test_steps_beyond_those_that_overfit_learn_next_to_nothing():
    long = Schedule(Plan(steps=1000), useful_steps=100)
    short = Schedule(Plan(steps=100), useful_steps=100)
    for step in range(1, 1001):
        long.step = short.step = step
        assert long.learning_rate() == short.learning_rate()
    assert long.learning_rate() <= 2e-3 * long.plan.learning_rate
    assert "after step 100" in long.remark()
    assert long.finished


def test_clean_targets_may_be_seen_without_end(small, noisy):
    run = Session(collect([Sample(noisy, "YX", "a", noisy)], 2), Parts("supervised"), Plan(minutes=1e5))
    assert run.schedule.total is None


def records(values, every=50):
    return [{"step": (i + 1) * every, "loss": 0.0, "held_out": float(v)} for i, v in enumerate(values)]


def test_a_plateau_is_a_last_third_without_gain():
    falling, flat = np.linspace(1, 0, 90), np.concatenate([np.linspace(1, 0, 30), np.zeros(60)])
    noise = np.random.default_rng(0).normal(0, 2e-4, 90)
    assert not plateaued(records(falling))
    assert not plateaued(records(falling + noise))
    assert plateaued(records(flat))
    assert plateaued(records(flat + np.abs(noise)))
    assert plateaued(records(np.concatenate([falling, np.linspace(0, 0.5, 60)])))
    assert not plateaued(records(flat[:59]))
    assert not plateaued([])


def test_a_plateau_begins_the_decay(small, noisy):
    run = session(noisy, minutes=1e5)
    run.schedule = schedule = Schedule(run.plan)
    schedule.step, schedule.seconds = 4499, 100.0
    run.history = records(np.full(89, -100.0))
    assert schedule.total is None
    run.advance()
    assert schedule.total == math.ceil(4500 / 0.6)
    assert schedule.decay_from == 4500
    assert schedule.expected_steps() == schedule.total
    assert schedule.remark() == ""
    assert not run.finished
    rate = schedule.learning_rate()
    schedule.step = 6000
    assert schedule.learning_rate() < rate
    schedule.step = schedule.total
    assert "stopped improving" in schedule.remark()


def test_a_run_can_be_abandoned_at_any_step(small, noisy):
    run = session(noisy, minutes=100.0)
    for progress in steps(run):
        if progress.step == 3:
            break
    denoised = run.denoiser()(noisy)
    assert np.isfinite(denoised).all()
    assert run.denoiser().training["steps"] == 3


def test_even_a_run_of_no_step_gives_a_denoiser(small, noisy):
    assert np.isfinite(session(noisy).denoiser()(noisy)).all()


def test_a_denoiser_does_not_change_while_training_goes_on(small, noisy):
    run = advanced(session(noisy, steps=20), 5)
    early = run.denoiser()
    before = early(noisy[:40, :40])
    advanced(run, 5)
    np.testing.assert_array_equal(early(noisy[:40, :40]), before)


def test_ctrl_c_ends_fit_with_the_best_so_far(small, noisy, monkeypatch):
    advance, taken = Session.advance, []

    def pressed(self):
        taken.append(1)
        if len(taken) == 4:
            signal.raise_signal(signal.SIGINT)
        return advance(self)

    monkeypatch.setattr(Session, "advance", pressed)
    assert fit(noisy, minutes=100).training["steps"] == 4


def test_checkpoints_are_written_as_time_goes_by(small, noisy, monkeypatch, tmp_path):
    run = session(noisy, steps=20)
    Clock(monkeypatch, run, 8.0)
    path, written = tmp_path / "checkpoint", []
    for progress in steps(run, path):
        if path.exists():
            written.append((progress.step, tensor_file.read(path, "checkpoint", dict)[1]["schedule"]["step"]))
    assert written[0] == (5, 4)
    assert written[-1] == (20, 16)


def test_a_full_disk_does_not_end_a_run(small, noisy, monkeypatch, tmp_path):
    run = session(noisy, steps=8)
    Clock(monkeypatch, run, 100.0)
    (tmp_path / "file").write_text("in the way")
    with pytest.warns(UserWarning, match="goes on without a checkpoint"):
        assert len(list(steps(run, tmp_path / "file" / "checkpoint"))) == 8


# ------------------------------------------------------- what is learned from


def influence(run, role):
    """Gradient of the loss with respect to the targets of pixels of a role, and of all others, over some masks."""
    patches = run.source.draw(4, run.chance)
    assert (patches.role == role).any()
    mine, others = torch.zeros(()), torch.zeros(())
    for _ in range(12):
        target = patches.noisy.clone().requires_grad_()
        run.method(patches.noisy, target, patches.role == TARGET, patches.channel, run.host).total.backward()
        mine += target.grad[patches.role == role].abs().sum()
        others += target.grad[patches.role != role].abs().sum()
    return mine, others


def weights_of_targets(run, monkeypatch):
    """The role of each pixel of some steps, whether it was a target, and whether it was marked as saturated."""
    seen, forward = [], run.method.forward
    draw = run.source.draw

    def drawn(*args, **choices):
        seen.append([draw(*args, **choices)])
        return seen[-1][0]

    def watched(noisy, target, weight, channel, generator, saturated=None, mask=None):
        seen[-1].append((weight, saturated))
        return forward(noisy, target, weight, channel, generator, saturated, mask)

    object.__setattr__(run.source, "draw", drawn)
    monkeypatch.setattr(run.method, "forward", watched)
    advanced(run, 3)
    role = torch.cat([patches.role.flatten() for patches, _ in seen])
    return role, *(torch.cat([told[i].flatten() for _, told in seen]) for i in range(2))


def test_held_out_and_missing_pixels_are_never_targets_and_saturated_ones_are_marked(
    small, noisy, monkeypatch
):
    picture = noisy.astype(np.float32)
    picture[40:60, 40:60] = np.nan
    picture = np.minimum(picture, np.nanpercentile(picture, 90))
    run = session(picture, steps=9, batch=16)
    role, weight, saturated = weights_of_targets(run, monkeypatch)
    assert set(role.tolist()) == {MISSING, TARGET, HELD_OUT, SATURATED}
    assert ((weight > 0) == ((role == TARGET) | (role == SATURATED))).all()
    assert (saturated == (role == SATURATED)).all()
    for each in (MISSING, HELD_OUT):
        mine, others = influence(run, each)
        assert mine == 0
        assert others > 0


def test_the_held_out_likelihood_is_of_held_out_pixels_alone(small, noisy):
    run = advanced(session(noisy, steps=9), 2)

    def likelihood(change):
        batches = tuple(replace(each, target=change(each)) for each in run.validation.batches)
        return replace(run.validation, batches=batches).likelihood(run.averaged)

    before = run.validation.likelihood(run.averaged)
    assert before == likelihood(lambda b: torch.where(b.patches.role == HELD_OUT, b.target, 1e6))
    assert before != likelihood(lambda b: b.target + 1)


def test_repeated_values_are_spread_over_their_step(small, noisy):
    run = session(noisy, steps=3)
    patches = run.source.draw(4, run.chance)
    away = (run.source.target(patches, run.chance) - patches.noisy) * run.scalings[0].scale
    assert away.abs().max() <= 0.5 + 1e-3
    assert away.std().item() == pytest.approx(1 / math.sqrt(12), rel=0.1)


# ----------------------------------------------------------------- all kinds


@pytest.mark.parametrize("choices", [{"components": 1}, {"components": 2}, {"recipe": "l2"}, {"net": "unet"}])
def test_every_choice_trains(small, noisy, choices):
    model = fit(noisy, steps=5, **choices)
    assert np.isfinite(model(noisy[:30, :31])).all()
    assert model.training["steps"] == 5
    if choices.get("recipe") != "l2":
        assert (model.noise.std(np.linspace(80, 500, 9)) > 0).all()


@pytest.mark.parametrize("net", ["filterbank", "unet"])
@pytest.mark.parametrize("shape", [(16, 16), (17, 31), (50, 50), (19, 200)])
def test_images_of_any_size_train_with_the_nets_as_they_are(net, shape):
    picture = np.random.default_rng(0).poisson(50, shape)
    assert session(picture, steps=2, batch=2, parts=Parts(net=net)).advance().loss.isfinite()


@pytest.mark.slow
@pytest.mark.parametrize("net", ["filterbank", "unet"])
@pytest.mark.parametrize("shape", [(4, 16, 16), (7, 17, 30)])
def test_stacks_of_any_size_train_and_are_saved(small, net, shape, tmp_path):
    stack = np.random.default_rng(0).poisson(50, shape)
    model = fit(stack, "ZYX", steps=2, net=net, dimensions=3)
    model.save(tmp_path / "model")
    np.testing.assert_array_equal(muguet.load(tmp_path / "model")(stack, "ZYX"), model(stack, "ZYX"))


def test_images_of_different_sizes_train_together(small, noisy):
    model = fit([noisy, noisy[:40, :90], noisy[:17, :16]], steps=4)
    assert len(model.training["data"]) == 3
    assert model(noisy[:17, :16]).shape == (17, 16)


def test_a_trained_model_is_saved_with_all_that_is_known(small, noisy, tmp_path):
    model = fit(noisy, steps=20)
    model.save(tmp_path / "model")
    again = muguet.load(tmp_path / "model")
    np.testing.assert_array_equal(again(noisy), model(noisy))
    assert again.training["held_out"] == model.training["held_out"]
    assert again.training["plan"]["steps"] == 20


def test_channels_of_different_scales_have_laws_of_different_scales(small, noisy):
    both = np.stack([noisy.astype(np.float32), 10.0 * noisy + 500])
    model = fit(both, "CYX", steps=40)
    middle = float(np.median(noisy))
    std = [
        float(law.std(np.array([at]))[0])
        for law, at in zip(model.laws, (middle, 10 * middle + 500), strict=True)
    ]
    assert 5 < std[1] / std[0] < 20
    low, high = (np.ptp(ends) for ends in model.training["signal_range"])
    assert 5 < high / low < 20


def test_what_cannot_be_trained_is_refused_with_a_sentence(small, noisy):
    for call in (
        lambda: fit([]),
        lambda: fit(np.ones((30, 30))),
        lambda: fit(noisy, "ZZ"),
        lambda: fit(noisy, steps=-1),
        lambda: fit(noisy, steps=0, prior="none"),
        lambda: fit(noisy, minutes=0, recipe="l2"),
        lambda: fit(noisy, minutes=-1),
        lambda: fit(noisy, steps=1, prior="scenes", net="unet"),
        lambda: fit(noisy, minutes=float("nan")),
        lambda: fit(noisy, steps=1, net="nonsense"),
        lambda: fit(noisy, steps=1, recipe="nonsense"),
        lambda: fit(noisy, steps=1, device="nonsense"),
        lambda: fit(noisy, steps=1, dimensions=3),
        lambda: fit(noisy, steps=1, components=4),
    ):
        with pytest.raises(ValueError, match=r"\w+ \w+"):
            call()


# ------------------------------------------------------------------- quality


def psnr(clean, image):
    return 10 * np.log10(np.ptp(clean) ** 2 / np.mean((clean - image) ** 2))


def test_it_learns_the_signal_and_the_law_of_its_noise(noisy, clean, monkeypatch):
    monkeypatch.setattr(muguet.training.session, "PATCH", {2: (32, 32)})
    monkeypatch.setattr(muguet.training.fitting, "Plan", functools.partial(Plan, batch=4))
    noisy, clean = noisy[:96, :96], clean[:96, :96]
    model = fit(noisy, steps=40, components=2)
    denoised = model(noisy)
    assert psnr(clean, denoised) > psnr(clean, noisy) + 6
    middle = np.array([np.median(clean)])
    truth = np.sqrt(2 * (middle - 100) + 16)
    np.testing.assert_allclose(model.noise.std(middle), truth, rtol=0.25)
