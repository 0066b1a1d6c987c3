"""Training steps per second by the number of threads and by what they do while they wait, alone and beside other work.

python benchmarks/threads.py                      # the table in docs/evidence/performance.md, three minutes
python benchmarks/threads.py --seconds 2 --turns 1

Two processes of each setting are started and then wait. In every turn, each setting is measured in windows of equal
length: one training alone, two side by side, and one beside a process that keeps a core busy. The settings take turns,
so that other work on the machine affects all of them alike. The table so far is printed after every turn.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SETTINGS = {
    "1 thread": {"OMP_NUM_THREADS": "1"},
    "2 threads, spinning (the library's default)": {"OMP_NUM_THREADS": "2"},
    "2 threads, sleeping": {"OMP_NUM_THREADS": "2", "OMP_WAIT_POLICY": "PASSIVE"},
}
"""Environment of each setting; a thread that waits spins for a while or sleeps at once."""

SITUATIONS = ("alone", "two side by side", "beside a busy process")


def train(net: str) -> None:
    """Train in windows: read the length of each from standard input, and print the number of steps that were taken."""
    from _parts import simulated

    from muguet.training import Sample, collect, prepare

    dataset = collect([Sample(simulated(512), "TYX")])
    session = prepare(dataset, steps=10**6, net=net, prior="none" if net == "unet" else "auto")
    for _ in range(5):
        session.advance()
    print("ready", flush=True)
    for line in sys.stdin:
        started, first = time.monotonic(), session.step
        while time.monotonic() - started < float(line):
            session.advance()
        print((session.step - first) / (time.monotonic() - started), flush=True)


class Trainer:
    """A process that trains with a setting, whenever it is asked to."""

    def __init__(self, setting: dict[str, str], net: str) -> None:
        plain = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "MKL_"))}
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--train", net],
            env={**plain, **setting},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.read()

    def ask(self, seconds: float) -> None:
        """Start a window."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{seconds}\n")
        self.process.stdin.flush()

    def read(self) -> str:
        """Return the next line, once it is there."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline().strip()
        if not line:
            raise SystemExit("a training failed: see its message above")
        return line

    def end(self) -> None:
        """End the process."""
        self.process.communicate()


def window(pair: Sequence[Trainer], situation: str, seconds: float) -> list[float]:
    """Return the steps per second of each training in one window."""
    trainers = pair if situation == "two side by side" else pair[:1]
    busy = None
    if situation == "beside a busy process":
        busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        for trainer in trainers:
            trainer.ask(seconds)
        return [float(trainer.read()) for trainer in trainers]
    finally:
        if busy is not None:
            busy.kill()
            busy.wait()


def measure(seconds: float, turns: int, net: str) -> dict[str, dict[str, list[float]]]:
    """Return the steps per second, summed over trainings, of every turn by setting and situation."""
    pairs = {name: [Trainer(setting, net) for _ in range(2)] for name, setting in SETTINGS.items()}
    found: dict[str, dict[str, list[float]]] = {name: {each: [] for each in SITUATIONS} for name in SETTINGS}
    for turn in range(turns):
        for situation in SITUATIONS:
            for name, pair in pairs.items():
                found[name][situation].append(sum(window(pair, situation, seconds)))
        print(f"turn {turn + 1} of {turns}\n{table(found)}", file=sys.stderr, flush=True)
    for pair in pairs.values():
        for trainer in pair:
            trainer.end()
    return found


def table(found: dict[str, dict[str, list[float]]]) -> str:
    """Return the medians over turns as a table in Markdown."""
    head = ["", *SITUATIONS, "two side by side, of one after the other"]
    rows = [head, ["---"] * len(head)]
    for name, by_situation in found.items():
        medians = [statistics.median(by_situation[each]) for each in SITUATIONS]
        shares = [
            two / one
            for one, two in zip(by_situation["alone"], by_situation["two side by side"], strict=True)
        ]
        rows.append([name, *(f"{each:.1f}" for each in medians), f"{100 * statistics.median(shares):.0f} %"])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def main() -> None:
    """Measure, print the table, and write the figures of every turn."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=4.0, help="length of a window")
    parser.add_argument("--turns", type=int, default=4)
    parser.add_argument("--net", default="filterbank", choices=("filterbank", "unet"))
    parser.add_argument("--out", type=Path, help="a JSON file for the figures")
    parser.add_argument("--train", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.train:
        train(chosen.train)
        return
    from _processes import about

    found = measure(chosen.seconds, chosen.turns, chosen.net)
    print(table(found))
    load = " ".join(f"{each:.1f}" for each in os.getloadavg())
    result: dict[str, Any] = {"about": {**about(), "load": load, "net": chosen.net}, "found": found}
    if chosen.out:
        chosen.out.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result["about"]))


if __name__ == "__main__":
    main()
