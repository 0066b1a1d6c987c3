"""Plant one-line faults in the sources, one at a time, and count those that the related tests do not notice.

    python benchmarks/mutants.py                # all faults; results are kept, and a second call goes on
    python benchmarks/mutants.py noise image    # those in files whose path contains one of these words
    python benchmarks/mutants.py --again        # forget the results, after a change of sources or tests

Each fault is planted in a copy of the sources in a temporary folder. The related tests run in a process of their own,
forked from one that has loaded PyTorch, and end at the first failure. The list is `benchmarks/_mutants.py`.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path

from _mutants import MUTANTS, Mutant

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "build" / "mutants.json"
TIMEOUT = 600  # Seconds after which a fault that hangs the tests counts as noticed.


def planted(mutant: Mutant, folder: Path) -> Path:
    """Plant a fault in the copy of the sources in a folder, and return the file that was changed."""
    path = folder / "muguet" / mutant.file
    text = path.read_text(encoding="utf-8")
    if text.count(mutant.old) != 1:
        raise SystemExit(f"{mutant.file} holds {mutant.old!r} {text.count(mutant.old)} times, and not once")
    path.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
    return path


def _in_child(tests: tuple[str, ...], sources: Path) -> int:
    """Run tests in a process of their own, and return pytest's exit code."""
    os.setpgid(0, 0)
    os.chdir(ROOT)
    os.environ["PYTHONPATH"] = str(sources)
    sys.path[:] = [str(sources), str(ROOT), *(each for each in sys.path if not each.endswith("/src"))]
    log = os.open(RESULTS.with_suffix(".log"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    import pytest

    quiet = ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # Hypothesis is loaded already.
    return int(pytest.main(["-x", "-q", *quiet, "-p", "no:cacheprovider", "-p", "no:xdist", *tests]))


def run_tests(tests: tuple[str, ...], sources: Path) -> str:
    """Run tests against the sources in a folder, and return "noticed", "survived", or "broken" if none could run."""
    child = os.fork()
    if child == 0:
        code = 4
        try:
            code = _in_child(tests, sources)
        except Exception:
            traceback.print_exc()
        finally:
            os._exit(code)  # The clean-up of the parent must not run in the child.
    ends = time.monotonic() + TIMEOUT
    while time.monotonic() < ends:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            code = os.waitstatus_to_exitcode(status)
            return {0: "survived", 1: "noticed"}.get(code, "broken" if code > 1 else "noticed")
        time.sleep(0.05)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "noticed"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "words", nargs="*", help="Plant only faults in files whose path contains one of these."
    )
    parser.add_argument("--again", action="store_true", help="Forget earlier results.")
    choices = parser.parse_args()
    chosen = [m for m in MUTANTS if not choices.words or any(word in m.file for word in choices.words)]
    found: dict[str, str] = {}
    if RESULTS.exists() and not choices.again:
        found = json.loads(RESULTS.read_text())
    RESULTS.parent.mkdir(exist_ok=True)
    import hypothesis  # noqa: F401  # These are loaded once, for all tests.
    import pytest  # noqa: F401
    import scipy.ndimage  # noqa: F401
    import torch  # noqa: F401

    with tempfile.TemporaryDirectory() as folder:
        sources = Path(folder) / "src"
        shutil.copytree(ROOT / "src", sources, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        sys.dont_write_bytecode = True
        for mutant in chosen:
            if mutant.key not in found:
                path = planted(mutant, sources)
                found[mutant.key] = run_tests(mutant.tests, sources)
                shutil.copy(ROOT / "src" / "muguet" / mutant.file, path)
                RESULTS.write_text(json.dumps(found, indent=1))
            print(f"{found[mutant.key]:8}  {mutant.file}: {mutant.old}  →  {mutant.new}", flush=True)
    for name in ("survived", "broken"):
        number = sum(found[mutant.key] == name for mutant in chosen)
        print(f"{number} of {len(chosen)} {name}")


if __name__ == "__main__":
    main()
