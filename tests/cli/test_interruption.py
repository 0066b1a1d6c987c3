"""Training that is stopped by Ctrl-C, twice Ctrl-C or a kill is never lost."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

from muguet import MuguetError, training
from muguet.training import checkpoint, fitting


def wait_for(process: subprocess.Popen[str], phrase: str) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        if phrase in line:
            return
    raise AssertionError(f"the command ended without printing {phrase!r}")


def test_ctrl_c_once_uses_the_best_model_so_far(muguet, image, tmp_path, monkeypatch):
    out = tmp_path / "o.tif"
    advance = training.Session.advance

    def interrupted(session: training.Session) -> training.Progress:
        progress = advance(session)
        if session.step == 2:
            signal.raise_signal(signal.SIGINT)
        return progress

    monkeypatch.setattr(training.Session, "advance", interrupted)
    answer = muguet("denoise", image, "-o", out, "--steps", 100_000)
    assert answer.code == 0
    assert "Stopping" in answer.err
    assert "Trained for 2 steps" in answer.err
    assert tifffile.imread(out).shape == (48, 56)
    assert [p.name for p in tmp_path.iterdir() if "checkpoint" in p.name] == []


def test_ctrl_c_twice_quits_at_once_with_130_and_leaves_the_checkpoint(image, tmp_path):
    # The second Ctrl-C comes while the first is handled; a sleep makes the handling slow.
    slow = tmp_path / "slow.py"
    slow.write_text(
        "import time, muguet.training as t\n"
        "answer = t.Session.denoiser\n"
        "t.Session.denoiser = lambda self: (self.step and (print('saved', file=__import__('sys').stderr, flush=True),"
        " time.sleep(60)), answer(self))[-1]\n"
        "from muguet.cli import main\nmain()\n"
    )
    arguments = ["denoise", str(image), "-o", str(tmp_path / "o.tif"), "--steps", "100000", "--prior", "none"]
    process = subprocess.Popen([sys.executable, slow, *arguments], stderr=subprocess.PIPE, text=True)
    wait_for(process, "step 1,")
    process.send_signal(signal.SIGINT)
    wait_for(process, "saved")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 130
    assert (tmp_path / "o.tif.checkpoint").stat().st_size > 0
    assert (tmp_path / "o.tif.checkpoint.first").exists() == (tmp_path / "o.tif").exists()


class KilledError(Exception):
    pass


@pytest.fixture
def killed(muguet, monkeypatch):
    """Return a function that runs a command which is killed after seven steps, with a checkpoint of each step."""
    advance = training.Session.advance

    def dying(session: training.Session) -> training.Progress:
        if session.step == 7:
            raise KilledError
        return advance(session)

    def run(*arguments: object) -> None:
        with monkeypatch.context() as patched:
            patched.setattr(fitting, "CHECKPOINT_EVERY", 0.0)
            patched.setattr(training.Session, "advance", dying)
            with pytest.raises(KilledError):
                muguet(*arguments)

    return run


def test_the_same_command_after_a_kill_goes_on_to_the_same_bits(muguet, killed, image, tmp_path, monkeypatch):
    whole, parts = tmp_path / "whole.tif", tmp_path / "parts.tif"
    options = ("--steps", 12, "--dtype", "float32")
    assert muguet("denoise", image, "-o", whole, *options).code == 0
    killed("denoise", image, "-o", parts, *options)
    kept = Path(f"{parts}.checkpoint")
    content = kept.read_bytes()
    assert Path(f"{kept}.first").exists() == parts.exists()

    flipped = tmp_path / "flipped.tif"
    tifffile.imwrite(flipped, tifffile.imread(image)[::-1])
    for source, other, difference in (
        (image, ("--steps", 13), "with other steps"),
        (image, ("--steps", 12, "--seed", 1, "--overwrite"), "with other seed"),
        (flipped, options, "with other images"),
    ):
        answer = muguet("denoise", source, "-o", parts, *other)
        assert answer.code == 2
        assert difference in answer.err.splitlines()[-1]
        assert "--no-resume" in answer.err
        assert kept.read_bytes() == content

    moved = tmp_path / "elsewhere" / "moved.tif"
    moved.parent.mkdir()
    moved.write_bytes(image.read_bytes())
    monkeypatch.chdir(moved.parent)  # The content counts, not the name.
    resumed = muguet("denoise", "moved.tif", "-o", "../parts.tif", *options)
    assert resumed.code == 0, resumed.err
    assert re.search(r"Continuing from step \d", resumed.err)
    np.testing.assert_array_equal(tifffile.imread(parts), tifffile.imread(whole))
    assert not kept.exists()
    assert not Path(f"{kept}.first").exists()


def test_a_run_starts_anew_only_if_the_user_wants_this(muguet, killed, image, tmp_path):
    out = tmp_path / "m.muguet"
    killed("fit", image, "-o", out, "--steps", 12)
    answer = muguet("fit", image, "-o", out, "--steps", 2, "--no-resume")
    assert answer.code == 0, answer.err
    assert "Continuing" not in answer.err
    assert "Trained for 2 steps" in answer.err
    assert sorted(file.name for file in tmp_path.iterdir()) == ["cells.tif", "m.muguet"]


def test_first_results_of_a_killed_run_are_made_again(muguet, image, tmp_path, monkeypatch):
    whole, out = tmp_path / "whole.tif", tmp_path / "out.tif"
    options = ("--steps", 3, "--symmetries", 1, "--skip-existing")
    assert muguet("denoise", image, "-o", whole, *options).code == 0

    def killed(session: training.Session) -> training.Progress:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(training.Session, "advance", killed)
        assert muguet("denoise", image, "-o", out, *options).code == 130
    assert out.exists() == Path(f"{out}.checkpoint.first").exists()  # The first result, of the prior.
    answer = muguet("denoise", image, "-o", out, *options)
    assert answer.code == 0, answer.err
    assert "Trained for 3 steps" in answer.err
    assert out.read_bytes() == whole.read_bytes()
    assert "nothing to do" in muguet("denoise", image, "-o", out, *options).err
    assert sorted(file.name for file in tmp_path.iterdir()) == ["cells.tif", "out.tif", "whole.tif"]


def test_nothing_to_resume(muguet, image):
    answer = muguet("denoise", image, "--resume")
    assert answer.code == 2
    assert "nothing to --resume" in answer.err


def test_ctrl_c_on_a_full_disk_keeps_what_was_learned(muguet, image, tmp_path, monkeypatch):
    def full(session: training.Session, path: Path) -> None:
        raise MuguetError(f"{path} was not written, the disk is full")

    monkeypatch.setattr(checkpoint, "save", full)
    answer = muguet("denoise", image, "-o", tmp_path / "o.tif", "--steps", 2)
    assert answer.code == 0, answer.err
    assert "the disk is full" in answer.err
    assert (tmp_path / "o.tif").exists()
    assert (tmp_path / "o.tif.muguet").exists()


def test_a_checkpoint_that_cannot_be_written_does_not_end_the_run(tmp_path, monkeypatch):
    from muguet.training import Sample, collect

    session = training.Session(
        collect([Sample(np.random.default_rng(0).poisson(20, (32, 32)), "YX")]), plan=training.Plan(steps=4)
    )

    def full(session: training.Session, path: Path) -> None:
        raise MuguetError("the disk is full")

    monkeypatch.setattr(fitting, "CHECKPOINT_EVERY", 0.0)
    monkeypatch.setattr(checkpoint, "save", full)
    with pytest.warns(UserWarning, match="without a checkpoint"):
        assert len(list(training.steps(session, tmp_path / "c"))) == 4
