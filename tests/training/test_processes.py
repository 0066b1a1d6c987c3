"""Several processes that train one model give the run of one process, and all end when one of them is lost."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch

from muguet import MuguetError, recipes
from muguet.recipes import Parts
from muguet.restoration import FilterBankNet, UNet
from muguet.system import processes
from muguet.training import Plan, Sample, Session, collect
from muguet.training import checkpoint as checkpoints
from tests.conftest import blobs, recorded

STEPS = 4
BATCH = 5  # The parts of two processes differ in size.
RECIPES = ("joint", "noise2noise")


@pytest.fixture(autouse=True)
def _restored(monkeypatch):
    """Restore the networks that `_session` replaces."""
    for name in ("filterbank", "unet"):
        monkeypatch.setitem(recipes.NETS, name, recipes.NETS[name])


def _session(recipe: str) -> Session:
    """A small session on an image with two channels and with saturated and missing pixels."""
    recipes.NETS["filterbank"] = lambda dims, reach: FilterBankNet(dims, (8, 8), reach)
    recipes.NETS["unet"] = lambda dims, reach: UNet(dims, 8)
    photons = blobs(52)
    first, second = np.stack([recorded(photons, 0), recorded(photons, 1)]), recorded(photons, 2)
    noisy = np.minimum(first, 420).astype(np.float32)
    noisy[0, :6, :20] = np.nan
    target = second if recipe == "noise2noise" else None
    sample = Sample(noisy, "CYX", target=None if target is None else np.stack([target, target]))
    return Session(
        collect([sample]),
        Parts(recipe, "filterbank", prior="none"),
        Plan(steps=STEPS, batch=BATCH, device="cpu"),
    )


def _series(session: Session, until: int = STEPS) -> list[float]:
    """Train up to a step; return the losses, the held-out likelihood and a sum over the weights."""
    losses = [float(session.advance().loss) for _ in range(until - session.step)]
    held_out = session.validation.likelihood(session.averaged)
    weights = torch.cat([each.detach().flatten() for each in session.parameters])
    return [*losses, held_out, float(weights.square().sum())]


def _join(rank: int, number: int, port: int, timeout: float = 60) -> None:
    torch.set_num_threads(1)
    os.environ.update(RANK=str(rank), WORLD_SIZE=str(number), MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    processes.join(timedelta(seconds=timeout))


def _launch(number: int, function: Callable[..., None], *arguments: Any) -> tuple[Any, list[int | None]]:
    """Run a function in processes; return what the first of them sends, and their exit codes."""
    context = multiprocessing.get_context("spawn")
    results, port = context.SimpleQueue(), _free_port()
    started = [
        context.Process(target=function, args=(rank, number, port, results, *arguments))
        for rank in range(number)
    ]
    for each in started:
        each.start()
    for each in started:
        each.join(600)
        each.kill()
    return None if results.empty() else results.get(), [each.exitcode for each in started]


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _run(rank: int, number: int, port: int, results: Any, folder: Path) -> None:
    """Train with every recipe; interrupt a run, and continue one of a single process."""
    _join(rank, number, port)
    series = {}
    for recipe in RECIPES:
        session = _session(recipe)
        session.join()
        series[recipe] = _series(session)
    session = _session("joint")
    session.join()
    _series(session, STEPS // 2)
    if processes.is_first():
        checkpoints.save(session, folder / "two")
    session = _session("joint")
    checkpoints.restore(session, folder / "one")
    session.join()
    series["continued"] = _series(session)
    if processes.is_first():
        results.put(series)
    processes.leave()


def test_two_processes_give_the_run_of_one_also_if_their_number_changes_on_the_way(tmp_path):
    session = _session("joint")
    _series(session, STEPS // 2)
    checkpoints.save(session, tmp_path / "one")
    series, codes = _launch(2, _run, tmp_path)
    assert codes == [0, 0]
    assert checkpoints.batch(tmp_path / "two") == BATCH
    expected = {recipe: _series(_session(recipe)) for recipe in RECIPES}
    for recipe in RECIPES:
        np.testing.assert_allclose(series[recipe], expected[recipe], rtol=2e-4, err_msg=recipe)
    rest = expected["joint"][STEPS // 2 :]
    np.testing.assert_allclose(series["continued"], rest, rtol=2e-4)
    session = _session("joint")
    checkpoints.restore(session, tmp_path / "two")
    np.testing.assert_allclose(_series(session), rest, rtol=2e-4)


def _lose(rank: int, number: int, port: int, results: Any, killed: bool) -> None:
    _join(rank, number, port, timeout=5)
    session = _session("l2")
    session.join()
    session.advance()
    if rank == 1:
        if not killed:
            time.sleep(10)
        os._exit(7)
    with pytest.raises(processes.LostProcessError, match="another process of the training has ended"):
        session.advance()
    results.put("a sentence")
    os._exit(0)


@pytest.mark.slow
@pytest.mark.parametrize("killed", [True, False], ids=["killed", "silent"])
def test_a_process_that_is_lost_or_does_not_answer_ends_the_others(killed):
    found, codes = _launch(2, _lose, killed)
    assert found == "a sentence"
    assert codes == [0, 7]


def _disagree(rank: int, number: int, port: int, results: Any) -> None:
    _join(rank, number, port)

    def read() -> None:
        if rank == 1:
            raise MuguetError("a file is not there")

    with pytest.raises(MuguetError if rank == 0 else SystemExit, match=r"not there|2"):
        processes.together(read)
    with pytest.raises(MuguetError if rank == 0 else SystemExit, match=r"wrong|2"):
        processes.from_first(lambda: (_ for _ in ()).throw(MuguetError("wrong")))
    with pytest.raises(MuguetError if rank == 0 else SystemExit, match=r"differ|2"):
        processes.require_same(str(rank), "the images differ")
    with processes.alone():
        assert processes.number() == 1
        assert processes.rows(5) == slice(0, 5)
    assert processes.any_of(rank == 1)
    assert not processes.any_of(False)
    assert processes.longest(float(rank)) == number - 1
    if rank == 0:
        results.put("done")
    processes.leave()


@pytest.mark.slow
def test_an_error_in_one_process_ends_all_and_the_first_one_raises_it():
    assert _launch(3, _disagree) == ("done", [0, 0, 0])


def _start(folder: Path, port: int, rank: int, *options: str) -> subprocess.Popen[str]:
    variables = {"RANK": str(rank), "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    return subprocess.Popen(
        [sys.executable, "-m", "muguet", "fit", "noisy.tif", "-o", "model.muguet", *options],
        cwd=folder,
        env=os.environ | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_ctrl_c_in_one_process_ends_all_and_the_first_one_writes_the_model(tmp_path, noisy):
    tifffile.imwrite(tmp_path / "noisy.tif", noisy[:64, :64])
    port = _free_port()
    both = [_start(tmp_path, port, rank, "--recipe", "l2", "--steps", "100000") for rank in (0, 1)]
    try:
        assert both[0].stderr is not None
        for line in both[0].stderr:
            if "steps/s" in line:
                break
        both[1].send_signal(signal.SIGINT)
        (_, messages), (silent_too, silent) = (each.communicate(timeout=300) for each in both)
    finally:
        for each in both:
            each.kill()
    assert [each.returncode for each in both] == [0, 0]
    assert "stopped by Ctrl-C" in messages
    assert silent == silent_too == ""
    assert (tmp_path / "model.muguet").exists()
    assert not (tmp_path / "model.muguet.checkpoint").exists()


@pytest.mark.slow
def test_an_error_is_shown_once(tmp_path, noisy):
    tifffile.imwrite(tmp_path / "noisy.tif", np.zeros((64, 64), np.uint16))
    port = _free_port()
    both = [_start(tmp_path, port, rank) for rank in (0, 1)]
    messages = [each.communicate(timeout=300)[1] for each in both]
    assert [each.returncode for each in both] == [2, 2]
    assert messages[0].count("constant") == 1
    assert messages[1] == ""
