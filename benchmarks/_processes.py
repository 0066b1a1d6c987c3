"""Run measurements in processes of their own, and return their reports with machine, code and date."""

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
IMPORTS = {  # statements that import the package alone, and everything that a training needs
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
    """Run a script of this folder with a job, and return its report.

    Parameters
    ----------
    python
        The Python executable, which determines the installed packages.
    script
        File name of the script, which reads its job with `_run.read_job` and ends with `_run.write_report`.
    job
        The parameters of the measurement.
    noisy
        Images for the script, which are written to noisy.npy.
    folder
        Folder for the script's other files; None: a temporary folder.

    Raises
    ------
    MuguetError
        If the script fails: with the last line that it printed.
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
        last = (log.read_text(errors="replace").strip() or "it printed nothing").splitlines()[-1]
        parameters = ", ".join(f"{key} {value}" for key, value in job.items())
        raise MuguetError(f"{script} failed ({parameters}): {last} (exit status {done.returncode})")
    report: dict[str, Any] = json.loads((folder / "report.json").read_text())
    return report


@functools.cache
def import_seconds(python: Path, statement: str) -> float:
    """Return the seconds of an import in a fresh process, the shortest of three runs."""
    code = f"import time; t = time.perf_counter(); {statement}; print(time.perf_counter() - t)"
    times = [
        subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=True).stdout.split()
        for _ in range(3)
    ]
    return min(float(words[-1]) for words in times)


def _without_paths(arguments: list[str]) -> list[str]:
    """Return the arguments without paths of files, which differ between machines and change no result."""
    places = ("--data", "--out")
    pairs = zip(["", *arguments], arguments, strict=False)
    return [each for before, each in pairs if each not in places and before not in places]


def about() -> dict[str, str]:
    """Return the provenance of a measurement: commit, date, machine and command."""
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
        "command": " ".join([f"python benchmarks/{Path(sys.argv[0]).name}", *_without_paths(sys.argv[1:])]),
    }
