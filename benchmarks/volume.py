"""Denoise a volume that is larger than memory: peak memory, speed beside that in memory, and what a pixel costs.

python benchmarks/volume.py                 # 16 GB, of which 1 block in 100 holds pixels: half an hour on two cores
python benchmarks/volume.py --gigabytes 1

The volume is an OME-Zarr of uint16 in shards of 1×2048×2048 pixels. Its shards with pixels are links to one file, so
that it takes little room on the disk; all others are missing, and are read, recognised as blank, and written. Peak
memory is the largest resident set of the command, as the kernel reports it. The speeds in memory and block by block are
measured in turns on a volume that fits into memory, whose planes show one scene with noise of their own: plane by
plane, and block by block also with the planes around each one. The time of a command that has nothing to do is
subtracted.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from _parts import simulated

from muguet import samples
from muguet.system import machine

_SIDE, _EVERY = 2048, 100


def volume(path: Path, planes: int, across: int, every: int) -> float:
    """Write an OME-Zarr of `planes` planes of `across`×`across` shards; return its size in gigabytes.

    One shard in `every` holds noisy pixels, and all of these are one file.
    """
    group = zarr.open_group(path, mode="w", zarr_format=3)
    shape = (planes, across * _SIDE, across * _SIDE)
    array = group.create_array(
        "0", shape=shape, dtype="uint16", chunks=(1, 512, 512), shards=(1, _SIDE, _SIDE), fill_value=0
    )
    axes = [{"name": name, "type": "space", "unit": "micrometer"} for name in "zyx"]
    levels = [{"path": "0", "coordinateTransformations": [{"type": "scale", "scale": [0.3, 0.1, 0.1]}]}]
    group.attrs["ome"] = {"version": "0.5", "multiscales": [{"axes": axes, "datasets": levels}]}
    tile = simulated(512)[0]
    first = None
    for number in range(0, planes * across * across, every):
        z, y, x = np.unravel_index(number, (planes, across, across))
        file = path / "0" / "c" / str(z) / str(y) / str(x)
        if first is None:
            array[z, :_SIDE, :_SIDE] = np.tile(tile, (_SIDE // 512, _SIDE // 512))
            first = file
        else:
            file.parent.mkdir(parents=True, exist_ok=True)
            os.link(first, file)
    return float(np.prod(shape)) * 2 / 1e9


def small_volume(path: Path, planes: int) -> None:
    """Write an OME-Zarr of planes of one shard, which show one scene and have noise of their own."""
    volume(path, planes, 1, 1)
    array = zarr.open_group(path, mode="r+")["0"]
    tile = (samples.acquisition((512, 512), seed=0) - 100) / 2
    photons = np.roll(
        np.tile(tile, (_SIDE // 512, _SIDE // 512)), (200, 200), (0, 1)
    )  # No seam at the middle.
    for z in range(planes):
        (path / "0" / "c" / str(z) / "0" / "0").unlink()  # It is one file with the others.
        rng = np.random.default_rng(z)
        array[z] = np.rint(100 + 2 * rng.poisson(photons) + rng.normal(0, 4, photons.shape)).clip(0)


def run(*arguments: object) -> dict[str, float]:
    """Run a command of muguet; return its seconds, CPU seconds, and peak memory in bytes."""
    before = time.monotonic()
    process = subprocess.Popen([sys.executable, "-m", "muguet", *map(str, arguments)])
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit("the command failed: see its message above")
    seconds = time.monotonic() - before
    return {"seconds": seconds, "cpu": usage.ru_utime + usage.ru_stime, "peak": usage.ru_maxrss * 1024}


def _per_megapixel(turns: list[dict[str, float]], start: dict[str, float], pixels: int) -> list[float]:
    return [(each["cpu"] - start["cpu"]) / pixels * 1e6 for each in turns]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--gigabytes", type=float, default=16.0, help="size of the large volume")
    parser.add_argument("--memory", default="2GB", help="value of --memory for the large volume")
    parser.add_argument("--turns", type=int, default=3, help="turns in which the speeds are compared")
    parser.add_argument("--out", type=Path, default=Path("build/volume"))
    arguments = parser.parse_args()
    folder: Path = arguments.out
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    found: dict[str, Any] = {"machine": machine(), "memory": arguments.memory}

    small, model = folder / "small.ome.zarr", folder / "model.muguet"
    small_volume(small, 4)
    run("fit", small, "--minutes", 0, "-o", model, "--lines", "keep")
    # The search for lines does not grow with the image, and would count too much in a small one.
    common = ("denoise", small, "--model", model, "--symmetries", 1, "--lines", "keep", "--overwrite")
    ways = {
        "in memory": ("--memory", "9GB", "--z-window", 0),
        "block by block": ("--part", "1/1", "--z-window", 0),
        "with neighbours": ("--part", "1/1"),
    }
    turns: dict[str, list[dict[str, float]]] = {name: [] for name in ways}
    for _ in range(arguments.turns):
        for name, how in ways.items():
            result = folder / f"{name.replace(' ', '-')}.ome.zarr"
            shutil.rmtree(result, ignore_errors=True)
            options = [each for each in common if each != "--overwrite" or how[0] != "--part"]
            turns[name].append(run(*options, *how, "-o", result))
    nothing = run(
        "denoise", small, "--model", model, "--part", "1/1", "-o", folder / "block-by-block.ome.zarr"
    )
    ratios = [
        (blocks["cpu"] - nothing["cpu"]) / (memory["cpu"] - nothing["cpu"])
        for blocks, memory in zip(turns["block by block"], turns["in memory"], strict=True)
    ]
    pixels = 4 * _SIDE**2
    found["speed"] = {
        **turns,
        "start": nothing,
        "cpu of blocks over cpu in memory": ratios,
        "cpu seconds per megapixel": _per_megapixel(turns["block by block"], nothing, pixels),
        "cpu seconds per megapixel with neighbours": _per_megapixel(
            turns["with neighbours"], nothing, pixels
        ),
    }
    written = folder / "block-by-block.ome.zarr" / "0" / "c"
    found["stored bytes per pixel"] = (
        sum(each.stat().st_size for each in written.rglob("*") if each.is_file()) / pixels
    )
    print(
        f"Block by block takes {statistics.median(ratios):.3f} of the CPU time in memory (median of {ratios})."
    )

    across = 4
    planes = max(round(arguments.gigabytes * 1e9 / 2 / (across * _SIDE) ** 2), 1)
    large = folder / "large.ome.zarr"
    size = volume(large, planes, across, _EVERY)
    found["gigabytes"] = size
    found["training and denoising"] = run(
        "denoise", large, "-o", folder / "result.ome.zarr", "--memory", arguments.memory, "--steps", 20
    )
    peak = found["training and denoising"]["peak"] / 1e9
    print(f"{size:.3g} GB with --memory {arguments.memory}: peak memory {peak:.3g} GB.")
    (folder / "volume.json").write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
