"""Kill `muguet denoise` while it writes to a Zarr store, run it again, and compare the results byte by byte.

python benchmarks/interruptions.py                # 20 kills, two parts at once, a lost Dask worker: ten minutes
python benchmarks/interruptions.py --kills 3

Each trial kills the command at a random moment between its first block and its last, some trials more than once, and
then repeats it until it ends. "parts" starts all parts of a job at the same time and kills one of them. "worker" kills
one of two Dask workers. A trial passes if all files of the store have the bytes of an uninterrupted run and nothing is
left beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from _parts import simulated

from muguet import formats
from muguet.image import Image

_PLANES = 8


def command(*arguments: object) -> list[str]:
    """Return the command line of muguet."""
    return [sys.executable, "-m", "muguet", *map(str, arguments)]


def files_of(store: Path) -> dict[str, bytes]:
    """Return all files of a store with their content."""
    return {str(each.relative_to(store)): each.read_bytes() for each in store.rglob("*") if each.is_file()}


def shards(folder: Path) -> int:
    """Return how many shards of the full resolution are in an unfinished store."""
    return sum(1 for each in (folder / "0" / "c").rglob("*") if each.is_file() and each.suffix != ".partial")


def started(arguments: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start a command in a group of its own, so that its workers can be found."""
    return subprocess.Popen(arguments, stderr=subprocess.DEVNULL, start_new_session=True)


def ended(arguments: Sequence[str]) -> None:
    """Run a command to its end."""
    subprocess.run(arguments, check=True, stderr=subprocess.DEVNULL)


def kill_and_repeat(arguments: Sequence[str], result: Path, chance: random.Random) -> int:
    """Kill a command at random moments and repeat it until it ends; return how often it was killed."""
    unfinished, kills = result.with_name(f"{result.name}.unfinished"), 0
    for _ in range(chance.choice((1, 1, 2))):
        process, goal = started(arguments), chance.randrange(_PLANES)
        while process.poll() is None and shards(unfinished) <= goal:
            time.sleep(0.01)
        time.sleep(chance.random() * 0.7)
        if process.poll() is None:
            process.kill()
            kills += 1
        process.wait()
    if not result.exists():
        ended(arguments)
    return kills


def parts_at_once(arguments: Sequence[str], result: Path, chance: random.Random) -> int:
    """Run all parts of a job at the same time, kill one of them, and repeat it."""
    processes = [started([*arguments, "--part", f"{part}/3"]) for part in (1, 2, 3)]
    time.sleep(8 + 4 * chance.random())
    processes[0].kill()
    for each in processes:
        each.wait()
    ended([*arguments, "--part", "1/3"])
    return 1


def lost_worker(arguments: Sequence[str], result: Path, chance: random.Random) -> int:
    """Kill one of two Dask workers after the first block."""
    process = started([*arguments, "--workers", "2"])
    unfinished, kills = result.with_name(f"{result.name}.unfinished"), 0
    while process.poll() is None and shards(unfinished) < 1:
        time.sleep(0.02)
    workers = [pid for pid in descendants(process.pid) if b"spawn_main" in command_of(pid)]
    if workers and process.poll() is None:
        os.kill(chance.choice(workers), signal.SIGKILL)
        kills = 1
    if process.wait() != 0:
        raise SystemExit("the command did not survive the loss of a worker")
    return kills


def descendants(parent: int) -> list[int]:
    """Return the identifiers of the processes that a process has started, and those that they have started."""
    found, waiting = list[int](), [parent]
    while waiting:
        for listing in Path(f"/proc/{waiting.pop()}/task").glob(
            "*/children"
        ):  # Each thread has a list of its own.
            children = [int(each) for each in listing.read_text().split()]
            found += children
            waiting += children
    return found


def command_of(pid: int) -> bytes:
    """Return the command line of a process."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=20, help="trials with a killed command")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("build/interruptions"))
    arguments = parser.parse_args()
    os.environ["SOURCE_DATE_EPOCH"] = "0"  # A store names the date on which it was made.
    folder, chance = arguments.out, random.Random(arguments.seed)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    planes = np.concatenate([simulated(512) for _ in range(_PLANES)])[:_PLANES]
    formats.write(folder / "noisy.ome.zarr", Image(planes, "TYX"))
    model = folder / "model.muguet"
    ended(command("fit", folder / "noisy.ome.zarr", "--minutes", 0, "-o", model))
    fixed = ("--model", model, "--symmetries", 8)
    ended(
        command(
            "denoise", folder / "noisy.ome.zarr", "-o", folder / "whole.ome.zarr", *fixed, "--part", "1/1"
        )
    )
    expected = files_of(folder / "whole.ome.zarr")
    trials: list[dict[str, Any]] = []
    kinds = [kill_and_repeat] * arguments.kills + [parts_at_once, lost_worker]
    for number, trial in enumerate(kinds):
        result = folder / f"trial{number}.ome.zarr"
        line = command("denoise", folder / "noisy.ome.zarr", "-o", result, *fixed)
        if trial is kill_and_repeat:
            line += ["--part", "1/1"]
        kills = trial(line, result, chance)
        left = [each.name for each in folder.glob(f"{result.name}.*")] + [
            each.name for each in folder.glob(".muguet*")
        ]
        same = result.is_dir() and files_of(result) == expected
        trials.append({"kind": trial.__name__, "kills": kills, "same": same, "left": left})
        print(
            f"{number + 1:3} {trial.__name__:16} killed {kills} times: {'same bytes' if same else 'DIFFERS'} {left}"
        )
        shutil.rmtree(result, ignore_errors=True)
    (folder / "interruptions.json").write_text(json.dumps(trials, indent=1))
    passed = sum(each["same"] and not each["left"] for each in trials)
    print(f"{passed} of {len(trials)} trials gave the bytes of an uninterrupted run and left nothing.")
    raise SystemExit(passed < len(trials))


if __name__ == "__main__":
    main()
