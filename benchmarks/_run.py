"""Functions for the runs of both packages: the job, a clock that stops while a model is stored, and the report."""

from __future__ import annotations

import json
import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np


class Watch:
    """A clock of the training that stores the model at given moments and stops while it does so.

    Parameters
    ----------
    moments
        Seconds at which to store a model, in increasing order.
    budget
        Seconds after which training ends.
    keep
        Function that stores the present model under a number.
    """

    def __init__(self, moments: list[float], budget: float, keep: Callable[[int], None]) -> None:
        self.moments, self.budget, self.keep = list(moments), budget, keep
        self.points: list[dict[str, Any]] = []
        self._zero, self._cpu_zero = time.monotonic(), time.process_time()

    @property
    def seconds(self) -> float:
        """Seconds of training so far."""
        return time.monotonic() - self._zero

    @property
    def cores(self) -> float:
        """Mean number of cores that this process used in training: fewer than its threads on a busy machine."""
        return (time.process_time() - self._cpu_zero) / self.seconds

    def look(self, step: int) -> bool:
        """Store the model if the next moment is reached; return whether the time is over."""
        seconds = self.seconds
        if self.moments and seconds >= self.moments[0]:
            self.mark(step)
            self.moments = [moment for moment in self.moments if moment > seconds]
        return seconds >= self.budget

    def mark(self, step: int, **remarks: Any) -> None:
        """Store the model now."""
        settle()
        started, cpu_started = time.monotonic(), time.process_time()
        self.keep(len(self.points))
        self.points.append({"seconds": round(started - self._zero, 3), "step": step, **remarks})
        self._zero += time.monotonic() - started
        self._cpu_zero += time.process_time() - cpu_started


def read_job() -> tuple[dict[str, Any], Path]:
    """Return the job and the folder for results; the noisy images ``(n, y, x)`` are in noisy.npy of that folder."""
    folder = Path(sys.argv[1])
    return json.loads((folder / "job.json").read_text()), folder


def predictions(points: list[dict[str, Any]], predict: Callable[[int], np.ndarray], folder: Path) -> float:
    """Write the estimate of every stored model for the noisy images; return the median seconds of a prediction."""
    seconds = []
    for number in range(len(points)):
        started = time.monotonic()
        estimate = predict(number)
        settle()
        seconds.append(time.monotonic() - started)
        np.save(folder / f"estimate_{number}.npy", estimate)
    return statistics.median(seconds)


def large_image(mpix: float) -> np.ndarray:
    """Return a square uint16 image of `mpix` · 2²⁰ pixels: counts of a dim scene, filled in without a second copy."""
    side = max(round(1024 * mpix**0.5), 256)
    block = np.random.default_rng(0).poisson(50, (1024, 1024)).astype(np.uint16)
    image = np.empty((side, side), np.uint16)
    for row in range(0, side, 1024):
        for column in range(0, side, 1024):
            part = image[row : row + 1024, column : column + 1024]
            part[:] = block[: part.shape[0], : part.shape[1]]
    return image


def timed_predictions(image: np.ndarray, predict: Callable[[], np.ndarray], repeats: int) -> dict[str, Any]:
    """Return the shortest seconds of a prediction, and the peak memory in MB before it and beyond image and result."""
    base, result = peak_memory(), 0
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        estimate = predict()
        settle()
        seconds.append(time.perf_counter() - started)
        result = estimate.nbytes
        del estimate  # so that the peak memory does not include two results
    peak = peak_memory()
    return {
        "pixels": image.size,
        "seconds": min(seconds),
        "all_seconds": seconds,
        "peak_mb": peak,
        "beyond_mb": peak - (image.nbytes + result) / 1e6,
        "base_mb": base - image.nbytes / 1e6,
        "device_mb": device_memory(),
    }


def peak_memory() -> float:
    """Return the peak resident memory of this process so far in MB, without the worker processes that load data.

    Linux has its own record, which is preferred: the value of getrusage starts at the peak of the parent process.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        lines = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
        if lines:
            return int(lines[0].split()[1]) / 1000
    unit = 1e6 if sys.platform == "darwin" else 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def device_memory() -> float | None:
    """Return the peak GPU memory that PyTorch used in this process, in MB."""
    import torch

    return torch.cuda.max_memory_allocated() / 1e6 if torch.cuda.is_available() else None


def write_report(folder: Path, package: str, version: str, **found: Any) -> None:
    """Write the results of a measurement, with versions, threads and device."""
    import torch

    versions = {
        package: version,
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }
    place = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    report = {**found, "versions": versions, "threads": torch.get_num_threads(), "device": place}
    (folder / "report.json").write_text(json.dumps(report))


def settle() -> None:
    """Wait until a GPU has finished its work."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.synchronize()
