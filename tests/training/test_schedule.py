"""Laws of the schedule: the learning rate rises, stays and falls, and a plateau ends a run of minutes."""

from __future__ import annotations

from itertools import pairwise

import pytest

from muguet.training import Plan
from muguet.training.schedule import Schedule, count_useful_steps, plateaued


def rates(steps: int, **choices: float) -> list[float]:
    """The learning rates of a run, relative to the plan's."""
    schedule = Schedule(Plan(steps=steps), **choices)
    found = []
    for schedule.step in range(1, steps + 1):
        found.append(schedule.learning_rate() / schedule.plan.learning_rate)
    return found


def history(first: float, last: float, steps: int = 6000) -> list[dict[str, float]]:
    """A held-out likelihood that is `first` for two thirds of a run and `last` afterwards."""
    return [
        {"step": step, "held_out": first if step <= 2 * steps / 3 else last}
        for step in range(50, steps + 1, 50)
    ]


def test_the_rate_rises_for_twenty_steps_stays_until_thirty_per_cent_and_falls():
    found = rates(1000)
    assert found[:20] == pytest.approx([step / 20 for step in range(1, 21)])
    assert found[19:300] == pytest.approx([1.0] * 281)
    assert all(one > two for one, two in pairwise(found[301:951]))
    assert found[649] == pytest.approx(0.5, abs=0.01)  # Half of the way from 30 % to the end.
    assert found[-1] == pytest.approx(1e-3)


def test_a_share_of_the_rate_and_few_targets_lower_all_rates():
    plain = rates(200)
    assert rates(200, rate_share=0.3) == pytest.approx([0.3 * rate for rate in plain])
    assert rates(200, target_share=0.02) == pytest.approx([0.5 * rate for rate in plain])


def test_a_plateau_is_a_last_third_that_gains_nothing():
    assert plateaued(history(1.0, 1.0))
    assert plateaued(history(1.0, 1.0 - 4e-4))
    assert not plateaued(history(1.0, 1.0 - 6e-4))
    assert plateaued(history(1.0, 1.1))
    assert not plateaued(history(1.0, 1.0, steps=2950))
    assert not plateaued([])


def test_a_plateau_before_the_rate_falls_is_sixty_per_cent_of_a_run_of_minutes():
    schedule = Schedule(Plan(minutes=1000.0))
    schedule.step = 3000
    schedule.decay_at_plateau(history(1.0, 1.0, steps=3000))
    assert (schedule.total, schedule.decay_from) == (5000, 3000)
    fixed = Schedule(Plan(steps=9000))
    fixed.step = 2000
    fixed.decay_at_plateau(history(1.0, 1.0, steps=3000))
    assert fixed.total == 9000


def test_each_pixel_is_a_target_a_hundred_times_at_most_and_25_times_from_a_prior():
    assert count_useful_steps(0.01, from_prior=False) == 10_000
    assert count_useful_steps(0.01, from_prior=True) == 2500
    assert count_useful_steps(100.0, from_prior=False) == 400  # Random weights need steps to learn anything.
    assert count_useful_steps(100.0, from_prior=True) == 30
