"""The parts of the performance suite: each runs its measurements, one process after the other, and collects results."""

from __future__ import annotations

import argparse
import functools
import itertools
import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _careamics_environment import environment
from _comparison import matched, time_to_quality
from _processes import HERE, IMPORTS, import_seconds, measured

from muguet import MuguetError

NETS = ("filterbank", "unet")
OURS, PEER = "muguet", "careamics"
# Keywords of the call that denoises, one entry for each way to compare.
WAYS: dict[str, dict[str, dict[str, Any]]] = {
    OURS: {"muguet, seen once": {"symmetries": 1}, "muguet, from eight sides": {"symmetries": 8}},
    PEER: {
        "CAREamics, tiles of 256": {"tile_size": [256, 256], "tile_overlap": [48, 48]},
        "CAREamics, whole image": {},
    },
}
# MPix. CAREamics denoises whole images and muguet averages over flips only up to this size: the memory of the former
# grows with the image, and muguet denoises larger ones once by default.
WHOLE_UP_TO = 4
Entry = dict[str, Any]


@dataclass(frozen=True)
class Size:
    """The extent of the measurements.

    Attributes
    ----------
    seconds
        Duration of a training, and of the measurement of the parts of a step.
    peak_seconds
        Duration for each shape with which the best speed of the machine is measured.
    mpix
        Sizes of the images to denoise, in 2²⁰ pixels.
    peer_mpix
        Size of the largest image for CAREamics, which may take an hour for larger ones.
    image
        Side of the image to train on, in pixels.
    """

    seconds: float = 30.0
    peak_seconds: float = 2.0
    mpix: tuple[float, ...] = (1, 4, 16, 64)
    peer_mpix: float = 16
    image: int = 1024


SIZES = {
    "quick": Size(seconds=1.0, peak_seconds=0.1, mpix=(0.0625, 0.25), peer_mpix=0.25, image=512),
    "usual": Size(),
    "full": Size(mpix=(1, 4, 16, 64, 256), peer_mpix=64),
}


@dataclass(frozen=True)
class Suite:
    """The settings that all parts use.

    Attributes
    ----------
    size
        The extent of the measurements.
    python, peer
        The Python executables with muguet and with CAREamics; if `peer` is None, muguet is measured alone.
    data
        The folder of real images for the time to quality.
    quick
        Whether the time to quality is measured for seconds only, without storing its figures in the results.
    """

    size: Size
    python: Path
    peer: Path | None
    data: Path
    quick: bool = False

    def ask(self, package: str, task: str, noisy: np.ndarray | None = None, **job: Any) -> Entry:
        """Run one measurement in a process of its own and return its report."""
        python = self.python if package == OURS else self.peer
        assert python is not None
        details = (str(job[key]) for key in ("net", "mode", "mpix", "way") if key in job)
        print(" ".join([f"{package}: {task}", *details]), flush=True)
        return measured(python, f"_measure_{package}.py", {"task": task, **job}, noisy)

    @property
    def packages(self) -> tuple[str, ...]:
        """The packages to measure."""
        return (OURS,) if self.peer is None else (OURS, PEER)


@functools.cache
def simulated(side: int) -> np.ndarray:
    """Return a camera's image of simulated cells, ``(1, side, side)`` uint16, which needs no data."""
    from muguet.samples import acquisition

    photons = (acquisition((side, side), seed=0) - 100) / 2
    rng = np.random.default_rng(0)
    counts = 100 + 2 * rng.poisson(photons) + rng.normal(0, 4, photons.shape)
    return np.clip(np.rint(counts), 0, 65535).astype(np.uint16)[None]


def train(suite: Suite) -> Entry:
    """Measure the training speed of both networks and of CAREamics, and its share of the machine's best speed."""
    noisy, seconds = simulated(suite.size.image), suite.size.seconds
    how: Entry = {"seconds": seconds, "peak_seconds": suite.size.peak_seconds}
    found = {net: suite.ask(OURS, "train", noisy, net=net, **how) for net in NETS}
    if suite.peer:
        found[PEER] = suite.ask(PEER, "train", noisy, seconds=seconds)
    return found


def steps(suite: Suite) -> Entry:
    """Measure the parts of a step."""
    noisy, seconds = simulated(suite.size.image), suite.size.seconds
    return {net: suite.ask(OURS, "steps", noisy, net=net, seconds=seconds) for net in NETS}


def compiled(suite: Suite) -> Entry:
    """Measure the cost and the gain of `torch.compile`, also with CUDA graphs on a GPU."""
    noisy, seconds = simulated(suite.size.image), suite.size.seconds
    modes = ("default", "reduce-overhead") if torch.cuda.is_available() else ("default",)
    found: Entry = {}
    for net, mode in itertools.product(NETS, modes):
        try:
            found[f"{net}, {mode}"] = suite.ask(OURS, "compiled", noisy, net=net, mode=mode, seconds=seconds)
        except MuguetError as error:  # for example, there is no compiler
            print(f"{net}: {error}", flush=True)
    return found


def predict(suite: Suite) -> Entry:
    """Measure the seconds and the memory of a prediction against the size of the image."""
    found: dict[str, list[Entry]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for package in suite.packages:
            model = _model(suite, package, Path(folder))
            for name, way in WAYS[package].items():
                for mpix in (m for m in suite.size.mpix if _given(suite, package, way, m)):
                    job: Entry = {"model": model, "mpix": mpix, "way": way, "repeats": 3 if mpix <= 4 else 1}
                    try:
                        entry = suite.ask(package, "predict", **job)
                    except MuguetError as error:  # for example, too little memory, which is a result too
                        print(f"{name}: {error}", flush=True)
                        break
                    found.setdefault(name, []).append(entry)
    return found


def _given(suite: Suite, package: str, way: Entry, mpix: float) -> bool:
    if package == OURS:
        return way["symmetries"] == 1 or mpix <= WHOLE_UP_TO
    return mpix <= suite.size.peer_mpix and (bool(way) or mpix <= WHOLE_UP_TO)


def start(suite: Suite) -> Entry:
    """Measure the time before any work begins: imports and loading a model, the shortest of three runs."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for package in suite.packages:
            model = _model(suite, package, Path(folder))
            loads = [suite.ask(package, "load", model=model) for _ in range(3)]
            python = suite.python if package == OURS else suite.peer
            assert python is not None
            alone, ready = (import_seconds(python, statement) for statement in IMPORTS[package])
            load = min(each["load_s"] for each in loads)
            found[package] = loads[0] | {"import_s": alone, "ready_s": ready, "load_s": load}
    return found


def _model(suite: Suite, package: str, folder: Path) -> str:
    """Return the file of a model of a package with very little training."""
    path = str(folder / f"model.{'muguet' if package == OURS else 'ckpt'}")
    suite.ask(package, "model", simulated(256), model=path)
    return path


def quality(suite: Suite) -> Entry:
    """Measure the seconds to a PSNR on one W2S frame by versus_careamics.py, which writes time_to_quality.*."""
    import versus_careamics as versus

    minutes = 0.1 if suite.quick else 2.0
    with tempfile.TemporaryDirectory() as folder:
        out = (Path(folder) if suite.quick else HERE / "results") / "time_to_quality.json"
        methods = [OURS] if suite.peer is None else ["n2v", OURS]
        choices = argparse.Namespace(
            set=["w2s_ch1"], frame="1", minutes=minutes, seeds=[0], methods=methods, data=suite.data, out=out
        )
        versus.compare(choices)
        results = json.loads(out.read_text())
    images = "w2s_ch1, frame 1"
    runs = [run for run in results["runs"] if (run["minutes"], run["seed"]) == (minutes, 0)]
    ours = next(run for run in runs if (run["images"], run["method"]) == (images, OURS))
    found = {key: ours[key] for key in ("versions", "threads", "device")}
    found |= {"images": images, "minutes": minutes, "psnr": ours["points"][-1]["psnr"]}
    found["best_blur"] = results["references"][images]["best_blur"]
    found["blur_after_s"] = time_to_quality(ours["points"], found["best_blur"])
    for theirs, _ in matched(runs, images, "n2v") if suite.peer else ():
        found["peer_psnr"] = theirs["points"][-1]["psnr"]
        found["peer_after_s"] = time_to_quality(ours["points"], found["peer_psnr"])
    return {OURS: found}


PARTS: dict[str, Callable[[Suite], Entry]] = {
    p.__name__: p for p in (train, steps, compiled, predict, start, quality)
}


def find_peer(alone: bool) -> Path | None:
    """Return the Python with CAREamics; if it cannot be installed, print a sentence and return None."""
    if alone:
        return None
    try:
        return environment()[0]
    except MuguetError as error:
        print(f"muguet is measured alone: {error}", flush=True)
        return None
