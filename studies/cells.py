"""Measure one cell of the comparison (set, method, seed and budget) in a process of its own, and store the result.

    python studies/cells.py JOB.json

measures the cell of a job file, which `launching.Launcher` writes.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import resource
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import common
import methods
import numpy as np
import sets

import muguet
from muguet import MuguetError
from muguet.figures import most_varied_part
from muguet.quality import psnr, score

Result = Mapping[str, Any]  # the contents of a cell's JSON file
CROP = 128  # pixels along a side of the crops in the picture
_OURS = ("cells.py", "methods.py", "sets.py", "pairs.py")


@dataclass(frozen=True)
class Cell:
    """One measurement: training for `minutes` or `steps`, or neither for methods that are not trained."""

    set: str
    method: str
    seed: int = 0
    minutes: float | None = None
    steps: int | None = None
    held_out: bool = False

    @classmethod
    def of(cls, set: str, method: str, seed: int, budget: Mapping[str, Any], held_out: bool = False) -> Cell:
        """Return a cell; methods without training get no seed and no budget, so that one cell serves all."""
        if method in methods.UNLEARNED:
            return cls(set, method, held_out=held_out)
        return cls(set, method, seed, held_out=held_out, **budget)

    @property
    def budget(self) -> str:
        """The budget as text for tables."""
        if self.steps is not None:
            return f"{self.steps} steps"
        return "" if self.minutes is None else f"{self.minutes:g} min"

    @property
    def title(self) -> str:
        """Set, method, seed and budget as text for messages."""
        seed = f", seed {self.seed}, {self.budget}" if self.budget else ""
        return f"{self.set}, {self.method}{seed}"


# ------------------------------------------------------------------- cache


@dataclass(frozen=True)
class Cache:
    """Finished cells in a folder: `KEY.json` with the scores, and `KEY.npz` with the crops for the picture."""

    folder: Path
    data: Path

    def stem(self, cell: Cell) -> Path:
        """Return the path of a cell without suffix: a hash of everything that the result depends on."""
        described = json.dumps([asdict(cell), _fingerprint(cell.set, self.data), sources()])
        return self.folder / hashlib.sha256(described.encode()).hexdigest()[:32]

    def result(self, cell: Cell) -> Result | None:
        """Return the result of a cell, or None if the cell is not finished."""
        try:
            found: Result = json.loads(self.stem(cell).with_suffix(".json").read_text())
        except (OSError, ValueError):
            return None
        return found

    def crops(self, cell: Cell) -> Mapping[str, np.ndarray]:
        """Return the crops of a finished cell: `estimate` and `clean` ``(y, x)``."""
        with np.load(self.stem(cell).with_suffix(".npz")) as found:
            return dict(found)

    def every(self) -> Iterator[Result]:
        """Yield the results of all cells that the present code measured, for any set, seed and budget."""
        for path in sorted(self.folder.glob("*.json")):
            try:
                found = json.loads(path.read_text())
            except ValueError:
                continue
            if found["sources"] == sources():
                yield found


@functools.cache
def _fingerprint(name: str, data: Path) -> str:
    return sets.fingerprint(name, data)


@functools.cache
def sources() -> str:
    """Return a hash of all code that a result depends on: training, scores, and the scripts of the studies."""
    found = hashlib.sha256(common.sources().encode())
    package = Path(str(muguet.__file__)).parent
    for path in (package / "quality" / "scores.py", *(common.HERE / name for name in _OURS)):
        found.update(path.read_bytes())
    return found.hexdigest()


# ----------------------------------------------------------------- measure


def measure(cell: Cell, data: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Train and score; return the result, and the crops for the picture."""
    seen, parts = sets.split(cell.set, sets.load(cell.set, data), cell.held_out)
    if cell.method in methods.UNLEARNED:
        found = methods.unlearned(cell.method, parts)
    else:
        budget = {"minutes": cell.minutes} if cell.steps is None else {"steps": cell.steps}
        found = methods.learned(methods.LEARNED[cell.method], seen, parts, cell.seed, **budget)
    shown = list(parts)[-1]
    crops = _crops(parts[shown], found.parts[shown])
    scores = {name: _scores(parts[name], estimate) for name, estimate in found.parts.items()}
    result = {
        "cell": asdict(cell),
        "scores": scores,
        "crop_psnr": _finite(psnr(crops["estimate"], crops["clean"])),
        "training_s": round(found.training_s, 2),
        "denoising_s": round(found.denoising_s, 2),
        "memory_mb": round(_peak_memory()),
        "about": dict(found.about),
        "machine": common.machine(),
        "commit": common.commit(),
        "date": time.strftime("%Y-%m-%d"),
        "sources": sources(),
    }
    return result, crops


def _scores(part: sets.Images, estimate: methods.Array) -> dict[str, Any]:
    """Return the PSNR of every frame, and the mean of every score."""
    frames = [score(x, clean) for x, clean in zip(estimate, part.clean, strict=True)]
    values = {
        "psnr": [frame.psnr for frame in frames],
        "ssim": [np.nan if frame.ssim is None else frame.ssim for frame in frames],
        "psnr_matched": [frame.psnr_matched for frame in frames],
    }
    means = {name: _finite(np.mean(each)) for name, each in values.items()}
    return {**means, "frames": [round(value, 3) for value in values["psnr"]]}


def _finite(value: Any) -> float | None:
    """Return a number, or None if it is not finite, because JSON has no NaN."""
    return float(value) if np.isfinite(value) else None


def _crops(part: sets.Images, estimate: methods.Array) -> dict[str, np.ndarray]:
    """Return the part of the second frame, or of the only one, that varies most."""
    frame = min(1, len(part.clean) - 1)
    at = most_varied_part(part.clean[frame], (CROP, CROP))
    return {
        "estimate": estimate[frame][at].astype(np.float32),
        "clean": part.clean[frame][at].astype(np.float32),
    }


def _peak_memory() -> float:
    """Return the peak resident memory of this process in MB, including Python and PyTorch.

    Linux has its own record, which is preferred: the value of getrusage starts at the peak of the parent process.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        lines = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
        if lines:
            return int(lines[0].split()[1]) / 1000
    unit = 1e6 if sys.platform == "darwin" else 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def write(stem: Path, result: Result, crops: Mapping[str, np.ndarray]) -> None:
    """Store a result; the JSON file is written last and completely, so a cell that has one is finished."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    partial = stem.with_name(f"{stem.name}.{os.getpid()}.partial")
    with partial.open("wb") as file:
        np.savez_compressed(file, estimate=crops["estimate"], clean=crops["clean"])
    partial.replace(stem.with_suffix(".npz"))
    partial.write_text(json.dumps(result, indent=1, ensure_ascii=False), encoding="utf-8")
    partial.replace(stem.with_suffix(".json"))


def main() -> None:
    job = json.loads(Path(sys.argv[1]).read_text())
    if job["sources"] != sources():
        raise MuguetError("the sources have changed since the start: start again")
    result, crops = measure(Cell(**job["cell"]), Path(job["data"]))
    write(Path(job["stem"]), result, crops)


if __name__ == "__main__":
    common.run(main)
