"""Every block of code and every line of shell of the documentation runs, as a reader of the page would run it.

Trainings end after two steps, and the prior is a small network. `make test-slow` runs the pages with real processes.
"""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import LANGUAGES, ROOT, Block, blocks, files, name_of, pages
from tests.docs.words import faults, lines, split

needs_shell = pytest.mark.skipif(os.name == "nt", reason="needs the shell of Unix")
with_code = [page for page in pages() if blocks(page)]

SITE = """
from muguet.training import Plan

check = Plan.__post_init__

def shortened(plan):
    check(plan)
    object.__setattr__(plan, "steps", min(plan.steps or 2, 2) if plan.steps != 0 else 0)

Plan.__post_init__ = shortened
"""


def runs(block: Block) -> bool:
    """Whether a block runs in the normal suite."""
    if block.marker == "runs with":
        return all(importlib.util.find_spec(name.split(".")[0]) for name in block.reason.split())
    return block.marker == ""


LONG = {"docs/tutorials/movie.md", "docs/how-to/volumes.md"}  # These pages train on many planes.


@needs_shell
@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, marks=[pytest.mark.slow] if name_of(page) in LONG else [], id=name_of(page))
        for page in with_code
    ],
)
def test_the_blocks_of_a_page_run_one_after_the_other(page, reader, run_line):
    reader(files(page))
    namespace: dict[str, object] = {"__name__": "page"}
    for block in filter(runs, blocks(page)):
        if block.language in ("sh", "console"):
            for line in lines(block.text):
                if line != "set -e" and not unavailable(line):
                    run_line(line)
        elif block.language == "python":
            exec(compile(block.text, str(block), "exec"), namespace)
        elif block.language == "json":
            json.loads(block.text)
        else:
            assert block.language == "text", f"{block}: mark what does not run"


@pytest.mark.parametrize("block", [block for page in with_code for block in blocks(page)], ids=str)
def test_the_words_of_a_block_exist(block):
    assert block.language in LANGUAGES, f"{block}: the language {block.language!r} is not one of {LANGUAGES}"
    assert block.reason or not block.marker, f"{block}: the marker gives no reason"
    if block.language in ("sh", "console", "bash"):
        if os.name != "nt":
            subprocess.run(["bash", "-n"], input=block.text, text=True, check=True)
        assert [each for line in lines(block.text) for each in faults(line)] == []
    elif "rule " in block.text:
        commands = [line.strip().strip('"') for line in block.text.splitlines() if '"muguet ' in line]
        assert commands
        assert [each for line in commands for each in faults(line)] == []
    elif block.language == "python":
        ast.parse(block.text, str(block))


@needs_shell
@pytest.mark.slow
@pytest.mark.parametrize("page", with_code, ids=name_of)
def test_the_blocks_of_a_page_run_as_programs(page, reader, tmp_path):
    """The lines are given to a shell and to Python; only the trainings are shortened."""
    folder = reader(files(page))
    tools = tmp_path.parent / f"{tmp_path.name}-tools"
    tools.mkdir()
    (tools / "sitecustomize.py").write_text(SITE)
    (tools / "muguet").write_text(f'#!/bin/sh\nexec {sys.executable} -m muguet "$@"\n')
    (tools / "muguet").chmod(0o755)
    (tools / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (tools / "python").chmod(0o755)
    (tools / "torchrun").write_text(f'#!/bin/sh\nexec {sys.executable} -m torch.distributed.run "$@"\n')
    (tools / "torchrun").chmod(0o755)
    env = {
        **os.environ,
        "PATH": os.pathsep.join((str(tools), str(Path(sys.executable).parent), os.environ["PATH"])),
        "PYTHONPATH": os.pathsep.join((str(tools), str(ROOT / "src"), os.environ.get("PYTHONPATH", ""))),
    }
    python = ""
    for number, block in enumerate(each for each in blocks(page) if runs(each) or each.marker == "slow"):
        if block.language == "python":
            python += block.text if block.marker == "" else ""
            text, command = python if block.marker == "" else block.text, [sys.executable]
        elif block.language in ("sh", "console"):
            text, command = (
                "\n".join(line for line in lines(block.text) if not unavailable(line)),
                ["bash", "-e"],
            )
        else:
            continue
        script = folder / f"block{number}"
        script.write_text(text)
        done = subprocess.run([*command, script.name], env=env, capture_output=True, text=True, timeout=900)
        allowed = (0, 1) if "--fail-on" in text else (0,)  # A network of two steps may well be judged bad.
        assert done.returncode in allowed, f"{block}\n{done.stdout}\n{done.stderr}"


def unavailable(line: str) -> bool:
    """Whether a line calls a program that is not installed, such as jq."""
    return shutil.which(split(line)[0]) is None and split(line)[0] not in ("muguet", "python", "torchrun")
