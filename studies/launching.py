"""Measure cells of the comparison, each in a process of its own, several at a time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict
from pathlib import Path

import cells
from cells import Cache, Cell

from muguet import MuguetError

Launch = Callable[[Cell, Cache], None]


class Launcher:
    """Measure cells in processes with `threads` threads each; `stop` ends the running ones."""

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self.running: list[subprocess.Popen[str]] = []
        self.stopped = threading.Event()

    def __call__(self, cell: Cell, cache: Cache) -> None:
        """Measure a cell.

        Raises
        ------
        MuguetError
            If the process fails: with the last line that it printed.
        """
        if self.stopped.is_set():
            raise MuguetError("stopped")
        threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(self.threads))
        job = {
            "cell": asdict(cell),
            "data": str(cache.data),
            "stem": str(cache.stem(cell)),
            "sources": cells.sources(),
        }
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "job.json"
            path.write_text(json.dumps(job))
            process = subprocess.Popen(
                [sys.executable, cells.__file__, str(path)],
                env={**os.environ, **threads},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                # Ctrl-C must only reach this process: a training would end early and its result would be stored.
                start_new_session=True,
            )
            self.running.append(process)
            if self.stopped.is_set():  # `stop` was called while the process started
                process.terminate()
            _, errors = process.communicate()
            self.running.remove(process)
        if process.returncode:
            lines = errors.strip().splitlines() or [f"ended by signal or status {process.returncode}"]
            raise MuguetError(lines[-1].removeprefix("Error: "))

    def stop(self) -> None:
        """End all running processes; cells that are not finished leave no files."""
        self.stopped.set()
        for process in list(self.running):
            process.terminate()


def finish(
    wanted: Sequence[Cell],
    cache: Cache,
    launch: Launch,
    jobs: int = 1,
    report: Callable[[int, Cell, str], None] = lambda done, cell, failure: None,
) -> dict[Cell, str]:
    """Measure cells, `jobs` at a time, and return the cells that failed with their error messages.

    `report` is called after each cell. A failure does not affect other cells. Ctrl-C ends the running cells; finished
    cells stay in the cache.
    """
    failed: dict[Cell, str] = {}
    with ThreadPoolExecutor(jobs) as pool:
        futures: dict[Future[None], Cell] = {pool.submit(launch, cell, cache): cell for cell in wanted}
        waiting = set(futures)
        try:
            while waiting:
                ready, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in ready:
                    error = future.exception()
                    if error is not None and not isinstance(error, MuguetError):
                        raise error
                    if error is not None:
                        failed[futures[future]] = str(error)
                    report(len(wanted) - len(waiting), futures[future], str(error or ""))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            getattr(launch, "stop", lambda: None)()
            raise
    return failed
