"""Run a range of fuzzed inputs in this process, one after the other, and write what went wrong as JSON.

``python -m tests.fuzz.batch FIRST LAST RESULT [KIND]`` limits the memory of its process and the time of each input.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import re
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from random import Random

import numpy as np
import tifffile

from tests.fuzz.case import Case
from tests.fuzz.commands import command_case, pixel_case
from tests.fuzz.tensors import checkpoint_case, model_case
from tests.fuzz.tiffs import picture, tiff_case

MEMORY = 2 * 2**30
"""Bytes of address space that the inputs may take beyond those of Python and PyTorch."""

SECONDS = 30
"""Longest processor time of an input. The slowest take a second."""

_RAW = re.compile(r"encountered|slice|degrees of freedom|overflow|divide", re.IGNORECASE)
"""Warnings of NumPy, which tell a user nothing."""

SHARES = {"tiff": 0.42, "model": 0.25, "command": 0.15, "pixels": 0.1, "checkpoint": 0.08}


class Hang(BaseException):
    """An input took longer than `SECONDS`."""


def make_case(seed: int, sound: Path, kind: str | None = None) -> Case:
    """Return the input of this number; the same number gives the same input."""
    chance = Random(seed)
    drawn = chance.choices(list(SHARES), list(SHARES.values()))[0]
    makers: dict[str, Callable[[], Case]] = {
        "tiff": lambda: tiff_case(chance),
        "model": lambda: model_case(chance, sound),
        "checkpoint": lambda: checkpoint_case(chance, sound),
        "command": lambda: command_case(chance),
        "pixels": lambda: pixel_case(chance),
    }
    return makers[kind or drawn]()


def call(words: list[str]) -> tuple[int, str]:
    """Run the command line, and return its exit code and what it wrote to standard output and standard error."""
    from muguet.cli import main

    out, err = io.StringIO(), io.StringIO()
    sys.argv = ["muguet", *words]
    code = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
    return code, f"{out.getvalue()}\n{err.getvalue()}"


def prepare(sound: Path) -> None:
    """Make small networks, and write sound files: an image, two models and a checkpoint."""
    from muguet import recipes
    from muguet.recipes import parts
    from muguet.restoration import FilterBankNet, Stabilised
    from muguet.training import prior_start

    def prior(predicts_error: bool = True) -> Stabilised:
        return Stabilised(FilterBankNet(2, (8, 8), brightest=10.0, predicts_error=predicts_error))

    recipes.NETS["filterbank"] = lambda dims, reach: FilterBankNet(dims, (8, 8), reach)
    parts.prior_net = prior  # type: ignore[assignment]
    prior_start.load_prior = lambda name: prior()  # type: ignore[assignment]
    os.chdir(sound)
    tifffile.imwrite("sound.tif", picture((32, 40)), photometric="minisblack")
    tifffile.imwrite("two.tif", picture((2, 24, 28)), imagej=True, metadata={"axes": "CYX"})
    for words in (
        ["fit", "sound.tif", "-o", "sound.muguet", "--steps", "2"],
        ["fit", "two.tif", "-o", "two.muguet", "--steps", "2", "--prior", "none"],
    ):
        assert call(words)[0] == 0, call(words)
    _write_checkpoint(sound / "sound.checkpoint")


def _write_checkpoint(path: Path) -> None:
    """Write the checkpoint of a run of four steps after its second one."""
    from muguet.formats import read
    from muguet.training import Sample, collect
    from muguet.training import prepare as session_of
    from muguet.training.checkpoint import save

    image = read("sound.tif")
    session = session_of(collect([Sample(image.data, image.axes, "sound.tif", None)]), steps=4, prior="none")
    for _ in range(2):
        session.advance()
    save(session, path)


def fault(case: Case, folder: Path, sound: Path) -> str:
    """Run the input in a folder, and return what went wrong; an empty text if nothing did."""
    for name in ("sound.tif", "sound.muguet"):
        (folder / name).write_bytes((sound / name).read_bytes())
    for name, content in case.files.items():
        (folder / name).write_bytes(content)
    before = _hashes(folder)
    os.chdir(folder)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        code, said = call(case.words)
    except Hang:
        return f"hang: {traceback.format_exc(limit=-3)}"
    except BaseException:
        return f"traceback: {traceback.format_exc(limit=-6)}"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    after = _hashes(folder)
    lines = [line for line in said.splitlines() if line.strip()]
    kept = {name for name in before if name in after and after[name] == before[name]}
    changed = before.keys() - kept - ({"out.tif.checkpoint"} if code == 0 else set())
    log = {case.words[at + 1] for at, word in enumerate(case.words[:-1]) if word == "--log"}
    new = after.keys() - before.keys() - log - {word.removeprefix("--log=") for word in case.words}
    if "Traceback" in said and "--verbose" not in case.words:
        return f"traceback: {said}"
    if changed:
        return f"input changed: {changed} by {said[-500:]}"
    if code not in (0, 2, 3):
        return f"exit code {code}: {said[-500:]}"
    if raw := [line for line in lines if line.startswith("Warning: ") and _RAW.search(line)]:
        return f"raw warning: {raw[:3]}"
    if code == 2:
        if new:
            return f"output despite failure: {new} {said[-500:]}"
        if not lines or not any(line.startswith(("muguet: ", "Usage: ")) for line in lines):
            return f"no sentence: {said[-500:]}"
        if "not enough memory" in said and not case.large:
            return f"memory: {said[-500:]}"
    return _numbers(case, folder, said) if code == 0 else ""


def _numbers(case: Case, folder: Path, said: str) -> str:
    """Return what is wrong with the numbers of a command that succeeded."""
    numbers = re.sub(r"(muguet|torch|numpy): .*", "", said)  # A version may be any text.
    if (
        case.kind != "tiff"
        and case.words[0] in ("info", "noise")
        and re.search(r"(deviation|:|to) nan\b", numbers)
    ):
        return f"NaN shown: {said[-500:]}"
    out = folder / "out.tif"
    if case.words[0] != "denoise" or not out.exists() or case.kind == "command":
        return ""
    if case.kind == "tiff":
        tifffile.imread(out)
        return ""
    noisy, denoised = tifffile.imread(folder / case.words[1]), tifffile.imread(out)
    known = np.isfinite(noisy)
    if not np.isfinite(denoised[known]).all():
        return f"NaN written: {said[-500:]}"
    return ""


def _hashes(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


def _hang(*_: object) -> None:
    raise Hang


def limit_memory() -> None:
    """Limit the address space of this process to what it has now and `MEMORY`."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def peak_memory() -> int:
    """Return the largest memory of this process so far, in kB; `ru_maxrss` includes that of the calling process."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    raise OSError("the system does not say how much memory this process has used")


def main(first: int, last: int, result: Path, kind: str | None = None) -> None:
    """Run the inputs first … last − 1, and write counts by kind and the faults."""
    counts = dict.fromkeys(SHARES, 0)
    faults: list[dict[str, object]] = []
    signal.signal(signal.SIGPROF, _hang)
    started = time.process_time()
    with tempfile.TemporaryDirectory() as name:
        sound = Path(name) / "sound"
        sound.mkdir()
        prepare(sound)
        limit_memory()
        for seed in range(first, last):
            case = make_case(seed, sound, kind)
            with tempfile.TemporaryDirectory(dir=name) as place:
                found = fault(case, Path(place), sound)
                os.chdir(name)
            counts[case.kind] += 1
            if found:
                faults.append(
                    {"seed": seed, "kind": case.kind, "what": case.what, "words": case.words, "fault": found}
                )
            report = {"done": seed + 1 - first, "counts": counts, "seconds": time.process_time() - started}
            if found or seed % 50 == 0 or seed == last - 1:
                peak = peak_memory() / 2**20
                result.write_text(json.dumps({**report, "peak GB": peak, "faults": faults}, indent=1))
        os.chdir("/")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]).absolute(), *sys.argv[4:5])
