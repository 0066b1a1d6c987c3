"""What denoising large images costs: seconds, bytes and memory for 1 to 1,000 workers, from figures measured here.

python benchmarks/volume.py && python benchmarks/cost.py        # the tables in docs/evidence/large-images.md
python benchmarks/cost.py --disk 2000 --terabytes 100

A worker is one thread. Its time for a pixel, and the bytes that a pixel takes in the result, are those that
benchmarks/volume.py has measured. Each pixel of the input is read once for its own block and again for the halos of
its neighbours: (side + 2 halo)² / side² times in all for blocks of a side, whole chunks included. The pyramid reads
each level once and writes a quarter of it. The time is that of the arithmetic or of the disk, whichever is longer.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
from pathlib import Path

_HALO, _CHUNK, _BLOCK = 64, 512, 2048
_WORKERS = (1, 10, 100, 1000)


def read_share(block: int, halo: int, chunk: int) -> float:
    """Return how often each pixel of the input is decoded: blocks are read with all chunks that their halo touches."""
    around = math.ceil(halo / chunk) * chunk
    return ((block + 2 * around) / block) ** 2


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--measured", type=Path, default=Path("build/volume/volume.json"))
    parser.add_argument("--neighbours", action="store_true", help="frames or planes that help each other")
    parser.add_argument("--terabytes", type=float, nargs="+", default=[0.1, 1, 10, 100, 1000])
    parser.add_argument(
        "--disk", type=float, default=1000, help="MB/s that the shared disk reads, and writes"
    )
    arguments = parser.parse_args()
    measured = json.loads(arguments.measured.read_text())
    name = "cpu seconds per megapixel" + " with neighbours" * arguments.neighbours
    seconds = statistics.median(measured["speed"][name]) * 1e-6
    stored, peak = measured["stored bytes per pixel"], measured["training and denoising"]["peak"] / 1e9
    read = read_share(_BLOCK, _HALO, _CHUNK) + 4 / 3  # The pyramid reads the result level by level.
    print(f"{measured['machine']['Processor']}: {1e6 * seconds:.2f} CPU s per megapixel, one view.")
    print(
        f"Bytes: read {read:.2f} times the input, written {stored * 4 / 3:.2f} per pixel; memory {peak:.2g} GB.\n"
    )
    print("| uint16 | pixels | " + " | ".join(f"{n} worker{'s' * (n > 1)}" for n in _WORKERS) + " | disk |")
    print("|" + "---|" * (len(_WORKERS) + 3))
    for size in arguments.terabytes:
        pixels = size * 1e12 / 2
        disk = (pixels * 2 * read + pixels * stored * 4 / 3) / (arguments.disk * 1e6)
        cells = [
            f"{duration(max(pixels * seconds / n, disk))}{' (disk)' * (disk > pixels * seconds / n)}"
            for n in _WORKERS
        ]
        print(f"| {size:g} TB | {pixels:.1e} | {' | '.join(cells)} | {duration(disk)} |")


def duration(seconds: float) -> str:
    """Return a time in the largest unit that keeps it above one."""
    for unit, length in (("years", 3.15e7), ("days", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * length:
            return f"{seconds / length:.3g} {unit}"
    return f"{seconds:.3g} s"


if __name__ == "__main__":
    main()
