"""Measure the parts of a training step: sampling, masking, forward, likelihood, backward and optimiser."""

from __future__ import annotations

import statistics
import time
from typing import Any

import torch
from _run import settle

from muguet.training import TARGET, Patches, Session

PIECES = ("sampling", "masking", "forward", "likelihood", "backward", "optimiser")
WARM = 5  # number of steps before the measurement
MIN_STEPS = 5  # minimum number of measured steps


class Laps:
    """Milliseconds between calls, stored under the name of the work between them; each call waits for a GPU."""

    def __init__(self) -> None:
        self.times: dict[str, list[float]] = {}
        self.begin()

    def begin(self) -> None:
        """Start the clock."""
        settle()
        self._last = time.perf_counter()

    def __call__(self, name: str) -> None:
        settle()
        now = time.perf_counter()
        self.times.setdefault(name, []).append(1000 * (now - self._last))
        self._last = now


def loss_of(session: Session, patches: Patches) -> torch.Tensor:
    """Return the loss of a step as in `Session.advance`, but without spreading quantised values."""
    weight = patches.role == TARGET
    loss = session.method(patches.noisy, patches.noisy, weight, patches.channel, session.host)
    return torch.as_tensor(loss.total)


def reenact(session: Session, lap: Laps) -> None:
    """Take a step of `session` by the calls that `Session.advance` and `Method` make, and measure each of them."""
    method = session.method
    lap.begin()
    patches = session.source.draw(session.plan.batch, session.chance)
    lap("sampling")
    mask = method.blind.draw(patches.noisy.shape, session.host)
    hidden = method.blind.hide(patches.noisy, mask, session.host)
    lap("masking")
    prediction = method.predict(hidden)
    lap("forward")
    weight = patches.role == TARGET
    loss = method.likelihood(prediction.blind, patches.noisy, weight, patches.channel, mask)
    gate = method.gate_likelihood(prediction, patches.noisy, weight, patches.channel, mask, None)
    loss = loss if gate is None else loss + gate
    lap("likelihood")
    session.optimiser.zero_grad()
    loss.backward()
    lap("backward")
    torch.nn.utils.clip_grad_norm_(session.parameters, 1.0)
    session.optimiser.step(session.plan.learning_rate)
    with torch.no_grad():
        torch._foreach_lerp_(session.averages, session.parameters, 0.01)
    lap("optimiser")


def pieces(session: Session, seconds: float) -> dict[str, Any]:
    """Return the median milliseconds of each part, and of `Session.advance`, run alternately for `seconds`."""
    lap = Laps()
    for _ in range(WARM):
        reenact(session, lap)
        session.advance()
    lap, end = Laps(), time.monotonic() + seconds
    while len(lap.times.get("step", ())) < MIN_STEPS or time.monotonic() < end:
        reenact(session, lap)
        lap.begin()
        session.advance()
        lap("step")
    medians = {name: statistics.median(times) for name, times in lap.times.items()}
    return {"step_ms": medians.pop("step"), "pieces_ms": medians, "steps": len(lap.times["step"])}
