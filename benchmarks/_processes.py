"""Measurements in processes of their own: how one is started, what comes back, and where and when it was."""

from __future__ import annotations

import functools
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from muguet import MuguetError

HERE = Path(__file__).resolve().parent
IMPORTS = {  # the package alone, and all that a training needs
    "muguet": ("import muguet", "import muguet; muguet.fit"),
    "careamics": (
        "import careamics",
        "from careamics.config.factories import create_n2v_config; import careamics",
    ),
}


def measured(
    python: Path,
    script: str,
    job: Mapping[str, Any],
    noisy: np.ndarray | None = None,
    folder: Path | None = None,
) -> dict[str, Any]:
    """Run a script of this folder with a job, and give back its report.

    Parameters
    ----------
    python
        With which interpreter, so with which packages.
    script
        Its file name; it finds its job with `_run.read_job` and ends with `_run.write_report`.
    job
        What it is to do.
    noisy
        Images for it, in noisy.npy.
    folder
        Where it leaves other files; None: nowhere.

    Raises
    ------
    MuguetError
        If it fails: with the last line that it wrote.
    """
    if folder is None:
        with tempfile.TemporaryDirectory() as name:
            return measured(python, script, job, noisy, Path(name))
    if noisy is not None:
        np.save(folder / "noisy.npy", noisy)
    (folder / "job.json").write_text(json.dumps(job))
    log = folder / "log.txt"
    with log.open("w") as out:
        command = [str(python), str(HERE / script), str(folder)]
        done = subprocess.run(command, stdout=out, stderr=subprocess.STDOUT, cwd=folder, check=False)
    if done.returncode:
        last = (log.read_text(errors="replace").strip() or "it wrote nothing").splitlines()[-1]
        told = ", ".join(f"{key} {value}" for key, value in job.items())
        raise MuguetError(f"{script} failed ({told}): {last} (exit status {done.returncode})")
    report: dict[str, Any] = json.loads((folder / "report.json").read_text())
    return report


@functools.cache
def import_seconds(python: Path, statement: str) -> float:
    """The shortest of three times that an import takes in a fresh process."""
    code = f"import time; t = time.perf_counter(); {statement}; print(time.perf_counter() - t)"
    times = [
        subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=True).stdout.split()
        for _ in range(3)
    ]
    return min(float(words[-1]) for words in times)


def _told(arguments: list[str]) -> list[str]:
    """Arguments without the places of files, which differ from machine to machine and change no figure."""
    places = ("--data", "--out")
    pairs = zip(["", *arguments], arguments, strict=False)
    return [each for before, each in pairs if each not in places and before not in places]


def about() -> dict[str, str]:
    """Where, when and with what code it is measured."""
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty=+", "--exclude=*"],
        capture_output=True,
        text=True,
        cwd=HERE,
        check=False,
    )
    processor = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.is_file():
        lines = [line for line in information.read_text().splitlines() if line.startswith("model name")]
        processor = lines[0].partition(":")[2].strip() if lines else processor
    return {
        "commit": done.stdout.strip() or "unknown",
        "date": time.strftime("%Y-%m-%d"),
        "machine": f"{processor}, {os.cpu_count()} cores",
        "command": " ".join([f"python benchmarks/{Path(sys.argv[0]).name}", *_told(sys.argv[1:])]),
    }
