"""Compare muguet with CAREamics' N2V and N2V2: PSNR against seconds, on the same images and in equal time.

    python benchmarks/versus_careamics.py [--set w2s_ch1 …] [--frame 1|all] [--minutes 2] [--seeds 0 …]
                                          [--methods n2v n2v2 muguet] [--data FOLDER] [--out FILE.json]

The first call installs CAREamics' latest release in an environment of its own, benchmarks/.careamics, with the PyTorch
that constraints.txt pins; delete that folder to install it again. The methods train one after the other, each in a
process of its own with its library's defaults for the given time. The time starts when the images are in memory;
imports are measured separately. At some moments the clock is stopped and the model is stored. After the training, every
stored model denoises the images that it was trained on, by its library's default, and is scored here with the same
PSNR.

muguet lowers its learning rate toward the end of the given time, so the earlier points are those of an unfinished run.
CAREamics' rate does not depend on the given time.

Runs are added to FILE.json (a run of the same images, minutes, method and seed is replaced), and the tables and the
picture FILE.png show all its runs on these images and with this time. More seeds can be added later, and `--methods`
without a name measures nothing. OMP_NUM_THREADS=1 keeps both to one core (CAREamics' loader has a second process).
"cores" is the mean number of cores that a run used: if it is below the number of threads, the machine was busy with
other work, and the seconds are not reliable.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from _careamics_environment import environment
from _comparison import NAMES, OURS, costs, draw, duels
from _processes import HERE, IMPORTS, about, import_seconds, measured

from muguet import MuguetError
from muguet.quality import psnr


def load(data: Path, name: str, frame: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the noisy and clean images of a set, ``(n, y, x)``: one of its frames, or all."""
    found = []
    for kind in ("noisy", "clean"):
        path = data / f"{name}_{kind}.tif"
        if not path.is_file():
            raise MuguetError(f"{path} does not exist: give the folder of images with --data or MUGUET_DATA")
        found.append(tifffile.imread(path))
    noisy, clean = (image if image.ndim == 3 else image[None] for image in found)
    if frame != "all" and not frame.isdecimal():
        raise MuguetError(f"--frame is {frame}: give a number, or all")
    which = slice(None) if frame == "all" else slice(int(frame), int(frame) + 1)
    noisy = noisy[which] if len(noisy) > 1 else noisy
    if not len(noisy):
        raise MuguetError(f"{name} has no frame {frame}: its frames are counted from 0")
    clean = clean[which] if len(clean) > 1 else clean
    return noisy, np.broadcast_to(clean, noisy.shape)


def measure(method: str, seed: int, seconds: float, noisy: np.ndarray, clean: np.ndarray) -> dict[str, Any]:
    """Train and predict in a process of its own, and score the estimates of the stored models."""
    python, peer = (Path(sys.executable), None) if method == OURS else environment()
    job = {"method": method, "seed": seed, "seconds": seconds, "moments": moments(seconds)}
    script = "_run_muguet.py" if method == OURS else "_run_careamics.py"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = measured(python, script, job, noisy, folder)
        for number, point in enumerate(found["points"]):
            point["psnr"] = round(psnr(np.load(folder / f"estimate_{number}.npy"), clean), 4)
    alone, ready = (
        import_seconds(python, statement)
        for statement in IMPORTS["muguet" if method == OURS else "careamics"]
    )
    return found | {"pixels": noisy.size, "import_s": alone, "ready_s": ready, "peer": peer}


def moments(seconds: float, count: int = 16) -> list[float]:
    """Return the seconds at which to store a model, closer together at first; the final model is always stored."""
    return [round(float(each), 2) for each in np.geomspace(min(0.1, seconds / 2), seconds, count)[:-1]]


def reference(noisy: np.ndarray, clean: np.ndarray) -> dict[str, float]:
    """Return the PSNR of the noisy images, and of the best Gaussian blur for each of them."""
    from quality import best_blur

    blurs = [best_blur(y, x) for y, x in zip(noisy, clean, strict=True)]
    return {"noisy": psnr(noisy, clean), "best_blur": float(np.mean(blurs))}


def compare(choices: argparse.Namespace) -> None:
    """Measure the chosen runs one after the other, and write each as soon as it has ended."""
    results: dict[str, Any] = {"references": {}, "runs": []}
    if choices.out.is_file():
        results = json.loads(choices.out.read_text())
    choices.out.parent.mkdir(parents=True, exist_ok=True)
    which = "all frames" if choices.frame == "all" else f"frame {choices.frame}"
    for name in choices.set:
        images = f"{name}, {which}"
        noisy, clean = load(choices.data, name, choices.frame)
        for seed, method in itertools.product(choices.seeds, choices.methods):
            run = {"images": images, "minutes": choices.minutes, "method": method, "seed": seed}
            kept = [other for other in results["runs"] if any(other[key] != run[key] for key in run)]
            run |= about()
            run |= measure(method, seed, 60 * choices.minutes, noisy, clean)
            print_curve(run)
            results["runs"] = [*kept, run]
            choices.out.write_text(json.dumps(results, indent=1))
        results["references"][images] = reference(noisy, clean)
        choices.out.write_text(json.dumps(results, indent=1))
    chosen = [f"{name}, {which}" for name in choices.set]
    runs = [r for r in results["runs"] if r["images"] in chosen and r["minutes"] == choices.minutes]
    conclude(runs, results["references"], choices.out)


def print_curve(run: dict[str, Any]) -> None:
    """Print the curve of a run in one line."""
    curve = ", ".join(f"{point['seconds']:.3g} s {point['psnr']:.2f}" for point in run["points"])
    print(f"{run['images']}, {NAMES[run['method']]}, seed {run['seed']}: {curve}", flush=True)


def conclude(runs: list[dict[str, Any]], references: dict[str, Any], out: Path) -> None:
    """Print the tables and their provenance, and draw the picture."""
    if not runs:
        raise MuguetError(f"{out} has no run on these images with this time: give --methods")
    order = sorted(runs, key=lambda run: (run["images"], list(NAMES).index(run["method"]), run["seed"]))
    print(f"\n{costs(order, references)}\n\n{duels(order)}\n")
    for method in dict.fromkeys(run["method"] for run in order):
        print(f"{NAMES[method]}: {next(run['setting'] for run in order if run['method'] == method)}.")
    for line in dict.fromkeys(_conditions(run) for run in order):
        print(line)
    draw(order, references, out.with_suffix(".png"))
    print(f"{out} and {out.with_suffix('.png')}")


def _conditions(run: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {number}" for name, number in run["versions"].items())
    if run["peer"]:
        versions += f" (torchvision is {run['peer']['torchvision']})"
        if run["peer"]["careamics"] != run["peer"]["latest"]:
            versions += f" (CAREamics {run['peer']['latest']} could not be installed)"
    return (
        f"{versions}; {run['threads']} thread{'s' * (run['threads'] > 1)}, {run['device']}, "
        f"{run['machine']}; commit {run['commit']}, {run['date']}; `{run['command']}`."
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--set", nargs="+", default=["w2s_ch1"], help="NAME_noisy.tif and NAME_clean.tif")
    parser.add_argument("--frame", default="1", help="a number, or all")
    parser.add_argument("--minutes", type=float, default=2.0, help="minutes of training for each run")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--methods", nargs="*", default=list(NAMES), choices=list(NAMES))
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("MUGUET_DATA", "../shared/data")))
    parser.add_argument("--out", type=Path, default=HERE / "results" / "versus_careamics.json")
    try:
        compare(parser.parse_args())
    except MuguetError as error:
        sys.exit(f"Error: {error}")


if __name__ == "__main__":
    main()
