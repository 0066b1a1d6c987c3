"""The rate of a training on two processes of one thread each, as a multiple of that of one process.

python benchmarks/processes.py                    # a minute
python benchmarks/processes.py --turns 3 --seconds 2

One process and a pair of processes take turns on two cores, in windows of equal length, so that other work on the
machine affects both alike. The rate counts the pixels of the patches of all steps: a step of the pair has twice as
many as one of the single process. The ratio of the CPU is what the time would give if no process waited for a core or
for the other: it shows what is computed in addition. The table so far is printed after every turn.
"""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import subprocess
import sys
import time

from _parts import simulated

from muguet.system import machine, processes
from muguet.training import Plan, Sample, collect, prepare

BATCH = Plan().batch


def train() -> None:
    """Train in windows of as many seconds as standard input names; print the steps per second of time and of CPU."""
    processes.join()
    dataset = collect([Sample(simulated(512), "TYX")])
    session = prepare(dataset, steps=10**6, batch=BATCH * processes.number(), device="cpu")
    session.join()
    for _ in range(3):
        session.advance()
    if processes.is_first():
        print("ready", flush=True)
    while True:
        seconds = processes.from_first(lambda: float(sys.stdin.readline() or 0))
        if not seconds:
            return
        started, used, first = time.monotonic(), time.process_time(), session.step
        while not processes.any_of(time.monotonic() - started >= seconds):
            session.advance()
        if processes.is_first():
            steps = session.step - first
            print(steps / (time.monotonic() - started), steps / (time.process_time() - used), flush=True)


def start(number: int) -> list[subprocess.Popen[str]]:
    """Start processes that train one model together."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = str(found.getsockname()[1])
    common = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE", "WORLD_SIZE": str(number)}
    return [
        subprocess.Popen(
            [sys.executable, __file__, "--train"],
            env=os.environ | common | {"RANK": str(rank), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for rank in range(number)
    ]


def rates(trainers: list[subprocess.Popen[str]], seconds: float) -> tuple[float, float]:
    """Return the batches of a single process that the trainers compute per second of time and of each one's CPU."""
    stdin, stdout = trainers[0].stdin, trainers[0].stdout
    assert stdin is not None
    assert stdout is not None
    stdin.write(f"{seconds}\n")
    stdin.flush()
    wall, cpu = (len(trainers) * float(value) for value in stdout.readline().split())
    return wall, cpu


def main() -> None:
    """Measure in turns and print the rates and their ratio."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--turns", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--train", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.train:
        return train()
    one, two = start(1), start(2)
    try:
        for each in (one, two):
            assert each[0].stdout is not None
            assert each[0].stdout.readline() == "ready\n"
        print(machine())
        found = []
        for turn in range(options.turns):
            single, pair = rates(one, options.seconds), rates(two, options.seconds)
            found.append([pair[0] / single[0], pair[1] / single[1]])
            time_ratio, cpu_ratio = (statistics.median(each) for each in zip(*found, strict=True))
            print(
                f"turn {turn + 1}: {BATCH} patches {single[0]:.2f} and {pair[0]:.2f} times a second, ratio "
                f"{found[-1][0]:.2f}, of the CPU {found[-1][1]:.2f}; medians {time_ratio:.2f} and {cpu_ratio:.2f}",
                flush=True,
            )
    finally:
        for each in (*one, *two):
            each.kill()


if __name__ == "__main__":
    main()
