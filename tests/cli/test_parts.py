"""Parts, workers and kills on the command line; and the page on large images, followed as it stands."""

from __future__ import annotations

import os
import re
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from muguet.formats import read
from muguet.system.unfinished import unfinished_of
from tests.blockwise.conftest import save_model, write_store
from tests.blockwise.test_jobs import files_of

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "big-data.md"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save_model(tmp_path_factory.mktemp("model") / "model.muguet")


@pytest.fixture
def small_nets():
    """Networks have their own size here: processes of their own read the same model."""


@pytest.fixture
def store(tmp_path):
    write_store(tmp_path / "a.zarr", shape=(2, 40, 50))
    return tmp_path / "a.zarr"


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "muguet", *map(str, arguments)]


def test_parts_are_the_whole(muguet, store, model, tmp_path):
    common = ("denoise", store, "--model", model, "--symmetries", 1)
    assert muguet(*common, "-o", tmp_path / "whole.zarr", "--part", "1/1").code == 0
    first = muguet(*common, "-o", tmp_path / "b.zarr", "--part", "2/2")
    assert first.code == 0
    assert "part 2/2 is done" in first.err
    assert not (tmp_path / "b.zarr").exists()
    assert muguet(*common, "-o", tmp_path / "b.zarr", "--part", "1/2").code == 0
    assert files_of(tmp_path / "b.zarr") == files_of(tmp_path / "whole.zarr")
    late = muguet(*common, "-o", tmp_path / "b.zarr", "--part", "2/2")
    assert late.code == 0
    assert "nothing to do" in late.err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--part", "1/2"), "--part needs --model"),
        (("--part", "3/2", "--model", "M"), "there is no part 3 of 2"),
        (("--part", "x", "--model", "M"), "is no part of a job"),
        (("--part", "1/2", "--model", "M", "--overwrite"), "contradict each other"),
        (("--part", "1/2", "--workers", "2", "--model", "M"), "choose one of them"),
        (("--workers", "2", "-o", "b.tif"), "ends in .ome.zarr"),
        (("--part", "1/2", "--recipe", "gaussian-blur"), "--part is an option for recipes that are trained"),
    ],
)
def test_options_that_cannot_be_are_refused_before_the_work(muguet, store, model, tmp_path, options, words):
    named = [model if each == "M" else each for each in options]
    answer = muguet("denoise", store, "-o", tmp_path / "b.zarr", *named)
    assert answer.code == 2
    assert words in answer.err
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.zarr"]


def test_an_unfinished_result_in_a_folder_is_no_input(muguet, store, model, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    store.rename(folder / "a.zarr")
    (folder / "a_denoised.zarr.unfinished").mkdir()
    ((folder / "a_denoised.zarr.unfinished") / "zarr.json").write_text("{}")
    answer = muguet("denoise", folder, "--model", model, "--symmetries", 1, "-o", tmp_path / "out")
    assert answer.code == 0, answer.err
    assert [each.name for each in (tmp_path / "out").iterdir()] == ["a.zarr"]


@pytest.mark.slow
def test_a_killed_command_goes_on_to_the_same_bits(muguet, model, tmp_path):
    write_store(tmp_path / "a.zarr", shape=(20, 64, 80))
    common = ("denoise", tmp_path / "a.zarr", "--model", model, "--symmetries", 1, "--part", "1/1", "-o")
    out = tmp_path / "b.zarr"
    process = subprocess.Popen(command(*common, out), stderr=subprocess.DEVNULL)
    while process.poll() is None and not any((unfinished_of(out) / "0" / "c").glob("*")):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert muguet(*common, out).code == 0
    assert muguet(*common, tmp_path / "whole.zarr").code == 0
    assert files_of(out) == files_of(tmp_path / "whole.zarr")


@pytest.mark.slow
def test_workers_give_the_same_bits(store, model, tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")  # A store names the date on which it was made.
    common = ("denoise", store, "--model", model, "--symmetries", 1, "-o")
    subprocess.run(command(*common, tmp_path / "whole.zarr", "--part", "1/1"), check=True)
    subprocess.run(command(*common, tmp_path / "b.zarr", "--workers", 2), check=True)
    assert files_of(tmp_path / "b.zarr") == files_of(tmp_path / "whole.zarr")


SBATCH = """#!/bin/sh
# Runs the tasks of a job array one after the other, as SLURM would on as many computers.
last=$(sed -n 's/^#SBATCH --array=1-//p' "$1")
for task in $(seq 1 "$last"); do SLURM_ARRAY_TASK_ID=$task bash "$1" || exit 1; done
"""


@pytest.mark.slow
def test_the_page_is_followed_as_it_stands(tmp_path, tiny_prior):
    write_store(tmp_path / "volume.ome.zarr", shape=(6, 40, 50))
    blocks = re.findall(r"```(\w+)\n(.*?)```", PAGE.read_text(), re.DOTALL)
    tools = tmp_path / "bin"
    tools.mkdir()
    for name, text in (("sbatch", SBATCH), ("muguet", f'#!/bin/sh\nexec {sys.executable} -m muguet "$@"\n')):
        (tools / name).write_text(text)
        (tools / name).chmod(stat.S_IRWXU)
    environment = {**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "OMP_NUM_THREADS": "1"}
    for language, text in blocks:
        if language == "bash":
            (tmp_path / "denoise.sh").write_text(text)
            continue
        lines = [each for each in text.splitlines() if not each.startswith("pip ")]
        text = "\n".join(lines).replace("--minutes 20", "--steps 2")
        if "--model" not in text and "denoise" in text and language == "sh" and "sbatch" not in text:
            text += " --steps 2"
        name = "block.py" if language == "python" else "block.sh"
        (tmp_path / name).write_text(text)
        runner = [sys.executable, name] if language == "python" else ["bash", "-e", name]
        subprocess.run(runner, cwd=tmp_path, env=environment, check=True, timeout=600)
    results = [
        read(path).data for path in sorted(tmp_path.glob("*.ome.zarr")) if path.name != "volume.ome.zarr"
    ]
    assert len(results) == 4
    assert all((each == results[1]).all() for each in results[1:])
    assert not unfinished_of(tmp_path / "denoised.ome.zarr").exists()
