"""A cell of the comparison, measured in a process of its own and kept on disk: set, method, seed and budget.

    python studies/cells.py JOB.json

measures one, as `launching.Launcher` starts it.
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

Result = Mapping[str, Any]  # of a cell, as its file holds it
CROP = 128  # pixels a side of what a picture shows
_OURS = ("cells.py", "methods.py", "sets.py", "pairs.py")


@dataclass(frozen=True)
class Cell:
    """What is measured once: `minutes` or `steps` of training, neither for methods without."""

    set: str
    method: str
    seed: int = 0
    minutes: float | None = None
    steps: int | None = None
    held_out: bool = False

    @classmethod
    def of(cls, set: str, method: str, seed: int, budget: Mapping[str, Any], held_out: bool = False) -> Cell:
        """Methods that do not learn have no seed and no budget: one cell serves all."""
        if method in methods.UNLEARNED:
            return cls(set, method, held_out=held_out)
        return cls(set, method, seed, held_out=held_out, **budget)

    @property
    def budget(self) -> str:
        """As tables have it."""
        if self.steps is not None:
            return f"{self.steps} steps"
        return "" if self.minutes is None else f"{self.minutes:g} min"

    @property
    def title(self) -> str:
        """As a line about it begins."""
        seed = f", seed {self.seed}, {self.budget}" if self.budget else ""
        return f"{self.set}, {self.method}{seed}"


# ------------------------------------------------------------------- cache


@dataclass(frozen=True)
class Cache:
    """Finished cells in a folder: `KEY.json` with the scores, and `KEY.npz` with what a picture shows."""

    folder: Path
    data: Path

    def stem(self, cell: Cell) -> Path:
        """Where a cell is kept: its name holds all that the result depends on."""
        described = json.dumps([asdict(cell), _fingerprint(cell.set, self.data), sources()])
        return self.folder / hashlib.sha256(described.encode()).hexdigest()[:32]

    def result(self, cell: Cell) -> Result | None:
        """What was found, or None if it is not finished."""
        try:
            found: Result = json.loads(self.stem(cell).with_suffix(".json").read_text())
        except (OSError, ValueError):
            return None
        return found

    def crops(self, cell: Cell) -> Mapping[str, np.ndarray]:
        """What a picture shows of a finished cell: `estimate` and `clean` ``(y, x)``."""
        with np.load(self.stem(cell).with_suffix(".npz")) as found:
            return dict(found)

    def every(self) -> Iterator[Result]:
        """All cells of the present sources, whatever their sets, seeds and budgets."""
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
    """Of all code that a result depends on: that of trainings, scores, and the studies' own."""
    found = hashlib.sha256(common.sources().encode())
    package = Path(str(muguet.__file__)).parent
    for path in (package / "quality" / "scores.py", *(common.HERE / name for name in _OURS)):
        found.update(path.read_bytes())
    return found.hexdigest()


# ----------------------------------------------------------------- measure


def measure(cell: Cell, data: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Train and score: the result, and the crops for a picture."""
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
    """Of every frame, and their means."""
    frames = [score(x, clean) for x, clean in zip(estimate, part.clean, strict=True)]
    values = {
        "psnr": [frame.psnr for frame in frames],
        "ssim": [np.nan if frame.ssim is None else frame.ssim for frame in frames],
        "psnr_matched": [frame.psnr_matched for frame in frames],
    }
    means = {name: _finite(np.mean(each)) for name, each in values.items()}
    return {**means, "frames": [round(value, 3) for value in values["psnr"]]}


def _finite(value: Any) -> float | None:
    """JSON has no NaN."""
    return float(value) if np.isfinite(value) else None


def _crops(part: sets.Images, estimate: methods.Array) -> dict[str, np.ndarray]:
    """The liveliest corner of the second frame, or of the only one."""
    frame = min(1, len(part.clean) - 1)
    at = most_varied_part(part.clean[frame], (CROP, CROP))
    return {
        "estimate": estimate[frame][at].astype(np.float32),
        "clean": part.clean[frame][at].astype(np.float32),
    }


def _peak_memory() -> float:
    """Peak resident memory of this process in MB, Python and PyTorch in it.

    Not by getrusage where Linux tells it: there a process starts with the peak of the one that started it.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        lines = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
        if lines:
            return int(lines[0].split()[1]) / 1000
    unit = 1e6 if sys.platform == "darwin" else 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def write(stem: Path, result: Result, crops: Mapping[str, np.ndarray]) -> None:
    """Keep a result; its JSON comes last and whole, so a cell with one is finished."""
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
