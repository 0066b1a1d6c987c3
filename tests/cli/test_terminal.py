"""Whatever the names of files and whatever the terminal, a command ends with a sentence and never with a traceback."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

from muguet import MuguetError, __version__
from muguet.cli.shared.checkpoints import checkpoint_of
from muguet.system.terminal import json_for, printable
from muguet.training import Progress, Session
from tests.cli.conftest import noise

NAMES = (
    "x[stack].tif",
    "[/b].tif",
    ":heart: [red]a[/red].tif",
    "\x1b[31mred\x1b[0m.tif",
    "a\nb\u202e.tif",
    "σ.tif",
)
BLUR = ("--recipe", "gaussian-blur")


def shown(name: str) -> str:
    """Return a name as it must reach the terminal."""
    return name.replace("\x1b", "\\x1b").replace("\n", "\\n").replace("\u202e", "\\u202e")


@pytest.mark.parametrize("name", NAMES)
def test_names_are_shown_as_they_are(muguet, tmp_path, name):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    tifffile.imwrite(path, noise((40, 40)))
    out = tmp_path / f"out {name}"
    answers = [
        muguet("info", path),
        muguet("check", path),
        muguet("judge", path, path),
        muguet("noise", path),
        muguet("denoise", path, "-o", out, *BLUR),
        muguet("simulate", path, "-o", tmp_path / f"s {name}"),
    ]
    for answer in answers:
        assert answer.code == 0, answer.err
        text = (answer.out + answer.err).replace("\n", "")
        assert shown(path.name) in text
        assert "\x1b" not in text
        assert "\u202e" not in text
    assert json.loads(muguet("info", path, "--json").out)["file"] == str(path)
    for answer in (muguet("info", f"{path}.gone"), muguet("denoise", path, "--dtype", name), muguet(name)):
        assert answer.code == 2
        assert "\x1b" not in answer.err
        assert len(answer.err.splitlines()) == 1


def test_names_of_a_folder_are_shown_in_tables(muguet, tmp_path):
    where = tmp_path / "in"
    where.mkdir()
    files = [name for name in NAMES if "/" not in name]
    for name in files:
        tifffile.imwrite(where / name, noise((40, 40)))
    answer = muguet("judge", where, where)
    for name in files:
        assert shown(name) in answer.out


def run(*words: object, **options: object) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "muguet", *map(os.fsencode, map(str, words))]
    return subprocess.run(command, capture_output="stdout" not in options, timeout=120, **options)


def several(
    commands: list[list[str]], encodings: tuple[str | None, ...] = (None,), **settings: str
) -> list[bytes]:
    """Run commands in one process, once for each encoding of its streams; None: that of the process.

    Returns what each command printed, followed by its exit code.
    """
    script = (
        f"import sys\nfrom muguet.cli import main\nfor encoding in {encodings!a}:\n"
        "    if encoding:\n"
        "        sys.stdout.reconfigure(encoding=encoding)\n        sys.stderr.reconfigure(encoding=encoding)\n"
        f"    for words in {commands!a}:\n"
        "        sys.argv = ['muguet', *words]\n        code = 0\n"
        "        try:\n            main()\n        except SystemExit as end:\n            code = end.code or 0\n"
        "        print('exit', code, flush=True)\n"
    )
    environment = {**os.environ, **settings}
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, env=environment, timeout=120)
    assert (answer.returncode, b"Traceback" in answer.stderr) == (0, False), answer.stderr
    return re.split(rb"exit (\d)\n", answer.stdout)


@pytest.mark.parametrize(
    ("encodings", "settings"),
    [
        ((None, "ascii"), {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}),
        *(
            pytest.param((None,), {"PYTHONIOENCODING": name}, marks=pytest.mark.slow)
            for name in ("cp1252", "ascii", "utf-8")
        ),
    ],
    ids=str,
)
def test_terminals_that_lack_characters(tmp_path, encodings, settings):
    path = tmp_path / "cells.tif"
    tifffile.imwrite(path, noise((64, 64)), imagej=True, resolution=(10, 10), metadata={"unit": "um"})
    commands = [
        ["info", str(path)],
        ["noise", str(path)],
        ["--help"],
        ["noise", str(path), "--json"],
        ["info", "σ"],
    ]
    parts = several(commands, encodings, **settings)
    assert parts[1::2] == [b"0", b"0", b"0", b"0", b"2"] * len(encodings)
    for start in range(0, 10 * len(encodings), 10):
        json.loads(parts[start + 6])
    if "ascii" in encodings or "ascii" in settings.values():
        assert b"0.1 um" in parts[-11]
        assert b"sigma" in parts[-9]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
@pytest.mark.slow
def test_a_name_that_is_no_utf8(tmp_path):
    path = tmp_path / os.fsdecode(b"cells\xff.tif")
    tifffile.imwrite(path, noise((64, 64)))
    log = tmp_path / "log.txt"
    out = tmp_path / os.fsdecode(b"o\xff.tif")
    commands = [
        ["info", str(path)],
        ["info", str(path), "--json"],
        ["denoise", str(path), "-o", str(out), *BLUR, "--log", str(log)],
    ]
    parts = several(commands)
    assert parts[1::2] == [b"0", b"0", b"0"]
    assert b"cells\\xff.tif" in parts[0]
    assert json.loads(parts[2])["file"] == str(path)
    assert "cells\\xff.tif" in log.read_text(encoding="utf-8")
    assert out.exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.slow
def test_a_full_disk_behind_the_output(image):
    with Path("/dev/full").open("w") as full:
        answer = run("--help", stdout=full, stderr=subprocess.PIPE)
        assert answer.returncode == 2
        assert answer.stderr.startswith(b"muguet: standard output cannot be used")
        assert answer.stderr.count(b"\n") == 1
        answer = run("denoise", image, *BLUR, stdout=subprocess.PIPE, stderr=full)
        assert answer.returncode == 0
    assert image.with_name("cells_denoised.tif").exists()


def test_a_reader_that_leaves():
    command = [sys.executable, "-m", "muguet", "--help"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()
        assert process.wait(60) != 0


def test_text_for_terminals():
    assert printable("σ = 3 µm") == "σ = 3 µm"
    assert printable("a\x1b[0m\t\x9b\udcff") == "a\\x1b[0m\\t\\x9b\\xff"

    class Stream:
        encoding = "cp1252"

    assert json_for('{"a": "µσ\x9b"}', Stream()) == '{"a": "µ\\u03c3\\u009b"}'


# --- Messages ----------------------------------------------------------------------------------------------


def test_version(muguet):
    answer = muguet("--version")
    assert (answer.code, answer.out) == (0, f"muguet {__version__}\n")


def test_without_a_command_the_help_is_shown(muguet):
    answer = muguet()
    assert answer.code == 2
    assert "denoise" in answer.out


def test_quiet_and_verbose(muguet, image, tmp_path):
    out = ("-o", tmp_path / "o.tif", "--overwrite")
    assert muguet("denoise", image, *out, *BLUR, "--quiet").err == ""
    normal = muguet("denoise", image, *out, *BLUR).err
    verbose = muguet("denoise", image, *out, *BLUR, "--verbose").err
    assert f"muguet {__version__}, Python" in verbose
    assert verbose.endswith(normal)
    assert muguet("info", image, "--quiet").out == muguet("info", image).out
    assert "leave one" in muguet("info", image, "-q", "-v").err
    quiet = muguet("info", image / "gone", "--quiet")
    assert (quiet.code, quiet.err.count("\n")) == (2, 1)
    assert "Traceback" in muguet("info", tmp_path / "gone", "--verbose").err


def test_a_log_is_appended(muguet, image, tmp_path):
    log = tmp_path / "logs" / "run.log"
    out = ("-o", tmp_path / "o.tif", "--overwrite")
    answer = muguet("denoise", image, *out, "--steps", 2, "--quiet", "--log", log)
    assert (answer.code, answer.err) == (0, "")
    first = log.read_text(encoding="utf-8")
    assert first.startswith(f"# muguet log, version {__version__}")
    assert "denoise" in first.splitlines()[0]
    assert "Trained for 2 steps" in first
    assert muguet("denoise", tmp_path / "gone.tif", *out, "--log", log).code == 2
    second = log.read_text(encoding="utf-8")
    assert second.startswith(first)
    assert "gone.tif does not exist" in second


def test_help_comes_without_pytorch():
    heavy = ("torch", "tifffile", "matplotlib", "scipy")
    code = f"import sys, muguet.cli; print(*[name for name in {heavy} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "\n"


# --- Checkpoints and leftovers -----------------------------------------------------------------------------


def test_jobs_in_one_folder_have_their_own_checkpoints(tmp_path):
    jobs = [
        ["a.tif"],
        ["b.tif"],
        ["a.tif", "b.tif"],
        ["a.tif", "c.tif"],
        ["P/a.tif", "Q/a.tif"],
        ["a.tif", "b/a.tif"],
    ]
    paths = [checkpoint_of([tmp_path / name for name in job]) for job in jobs]
    assert len(set(paths)) == len(jobs)
    assert {path.parent for path in paths} == {tmp_path}
    assert checkpoint_of([tmp_path / "b.tif", tmp_path / "a.tif"]) == paths[2]


@pytest.mark.slow
def test_two_folders_are_denoised_into_one_at_the_same_time(muguet, tmp_path, monkeypatch):
    commands = {}
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        for number in range(2):
            tifffile.imwrite(tmp_path / name / f"{name}{number}.tif", noise((32, 32), number))
        commands[name] = ["denoise", tmp_path / name, "-o", tmp_path / "out", "--steps", 2, "--symmetries", 1]
    advance, answers = Session.advance, []

    def both(session: Session) -> Progress:
        """Take a step; during the first one, another process denoises the other folder."""
        if session.step == 0:
            answers.append(run(*commands["two"], "--prior", "none"))
        return advance(session)

    monkeypatch.setattr(Session, "advance", both)
    answer = muguet(*commands["one"])
    assert answer.code == 0, answer.err
    assert answers[0].returncode == 0, answers[0].stderr
    assert len(list((tmp_path / "out").iterdir())) == 4


def test_a_killed_run_leaves_nothing_after_the_next_one(muguet, image, tmp_path):
    script = tmp_path / "slow.py"
    script.write_text(
        "import os, time\n"
        "os.fsync = lambda file: (print('writing', flush=True), time.sleep(60))\n"
        "from muguet.cli import main\n"
        "main()\n"
    )
    out = tmp_path / "out" / "o.tif"
    words = ["denoise", str(image), "-o", str(out), *BLUR]
    process = subprocess.Popen(
        [sys.executable, script, *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout.readline() == b"writing\n"
    left = list(
        out.parent.iterdir()
    )  # The result in parts, and the claim that no other command writes to it.
    assert len(left) == 2
    assert all(each.name.endswith(".part") for each in left)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert muguet(*words).code == 0
    assert [file.name for file in out.parent.iterdir()] == ["o.tif"]
    assert tifffile.imread(out).dtype == np.uint16


@pytest.mark.filterwarnings("default")
def test_a_warning_is_one_line_and_is_logged(muguet, image, tmp_path, monkeypatch):
    from muguet.training import checkpoint, fitting

    def full(session: object, path: Path) -> None:
        raise MuguetError("the disk is full")

    monkeypatch.setattr(fitting, "CHECKPOINT_EVERY", 0.0)
    monkeypatch.setattr(checkpoint, "save", full)
    out = ("-o", tmp_path / "o.tif", "--steps", 2, "--quiet", "--log", tmp_path / "log")
    answer = muguet("denoise", image, *out)
    assert answer.code == 0
    warnings = answer.err.splitlines()
    assert warnings[0] == "Warning: training goes on without a checkpoint: the disk is full"
    assert all(line in (tmp_path / "log").read_text(encoding="utf-8") for line in warnings)
