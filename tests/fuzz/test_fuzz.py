"""No input of any kind ends in a traceback, hangs, takes much memory, changes a file or leaves half an output."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.batch import MEMORY, SECONDS

ROOT = Path(__file__).parents[2]


def run(first: int, last: int, result: Path) -> dict[str, object]:
    """Run the inputs of these numbers in a process with limited memory, and return its report."""
    paths = [str(ROOT), str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]
    ended = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.batch", str(first), str(last), str(result)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        timeout=120 + (last - first) * SECONDS / 20,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    report: dict[str, object] = json.loads(result.read_text())
    assert report["done"] == last - first
    return report


def check(report: dict[str, object]) -> None:
    assert report["faults"] == [], json.dumps(report["faults"], indent=1)
    assert float(str(report["peak GB"])) * 2**30 < MEMORY


def test_20_inputs(tmp_path):
    check(run(0, 20, tmp_path / "report.json"))


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, 10_000, 1000))
def test_10000_inputs(first, tmp_path):
    check(run(first, first + 1000, tmp_path / "report.json"))
