"""Measure muguet in this process: training, the parts of a step, prediction, and loading a model.

performance.py calls `python _measure_muguet.py FOLDER` and writes the job to that folder.
"""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _peak import flops, peak
from _pieces import WARM, loss_of, pieces
from _run import device_memory, large_image, peak_memory, read_job, settle, timed_predictions, write_report

import muguet
from muguet.recipes import Parts
from muguet.training import TARGET, Plan, Sample, Session, collect

MAX_MINUTES = 1e4  # The measurement is the beginning of a training of this length.


def begin(folder: Path, net: str) -> Session:
    """Return a session on the images of the folder."""
    noisy = np.load(folder / "noisy.npy")
    return Session(collect([Sample(noisy, "TYX", "the images")]), Parts(net=net), Plan(minutes=MAX_MINUTES))


def train(job: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return steps, pixels and targets per second, the arithmetic of a step, and the best speed of the machine."""
    session = begin(folder, job["net"])
    for _ in range(WARM):
        session.advance()
    settle()
    started, cpu_started, count = time.perf_counter(), time.process_time(), 0
    while not count or time.perf_counter() - started < job["seconds"]:
        session.advance()
        count += 1
    settle()
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu_started
    patches = session.source.draw(session.plan.batch, session.chance)
    memory = peak_memory()  # before the best speed of the machine is measured, which needs memory of its own
    return {
        "steps_per_s": count / seconds,
        "pixels_per_s": count / seconds * patches.noisy.numel(),
        "targets_per_s": count / seconds * _targets(session),
        "cores": cpu / seconds,
        "training_mb": memory,
        "device_mb": device_memory(),
        "parameters": sum(each.numel() for each in session.parameters),
        "flops_per_step": flops(lambda: torch.autograd.grad(loss_of(session, patches), session.parameters)),
        "peak": peak(session.device, job["peak_seconds"]),
    }


def _targets(session: Session) -> float:
    """Return the mean number of pixels of a batch whose recorded values are compared with the estimate."""
    method: Any = session.method
    role = session.source.draw(session.plan.batch, session.chance).role
    return method.blind.share(role.ndim - 2) * int((role == TARGET).sum())


def steps(job: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return the duration of the parts of a step."""
    return pieces(begin(folder, job["net"]), job["seconds"])


def compiled(job: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return the seconds to compile the network, and the milliseconds of a step before and after."""
    session = begin(folder, job["net"])
    before = _step_seconds(session, job["seconds"])
    session.method.net.compile(mode=job["mode"])
    started = time.perf_counter()
    for _ in range(WARM):
        session.advance()
    settle()
    first = time.perf_counter() - started
    after = _step_seconds(session, job["seconds"])
    return {"before_ms": 1000 * before, "after_ms": 1000 * after, "compiling_s": first - WARM * after}


def _step_seconds(session: Session, seconds: float) -> float:
    """Return the median duration of the steps of a training for `seconds`."""
    for _ in range(WARM):
        session.advance()
    settle()
    times: list[float] = []
    while sum(times) < seconds:
        started = time.perf_counter()
        session.advance()
        settle()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def model(job: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Train a model for the predictions; its quality does not matter here."""
    muguet.fit(np.load(folder / "noisy.npy"), "TYX", steps=2).save(job["model"])
    return {}


def load(job: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return the seconds to load the model after all imports."""
    started = time.perf_counter()
    muguet.load(job["model"])
    settle()
    return {"load_s": time.perf_counter() - started}


def predict(job: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return the seconds and the memory for an image of the given megapixels and one way to call the model."""
    denoiser = muguet.load(job["model"])
    image = large_image(job["mpix"])
    denoiser(image[:256, :256], "YX", **job["way"])  # the first call does work that later calls do not
    return timed_predictions(image, lambda: denoiser(image, "YX", **job["way"]), job["repeats"])


def main() -> None:
    job, folder = read_job()
    tasks = {each.__name__: each for each in (train, steps, compiled, model, load, predict)}
    found = tasks[job["task"]](job, folder)
    write_report(folder, "muguet", muguet.__version__, **found)


if __name__ == "__main__":
    main()
