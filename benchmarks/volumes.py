"""What the planes before and after each one are worth in a stack, compared with every plane by itself.

python benchmarks/volumes.py                   # simulated stacks
python benchmarks/volumes.py --cost            # only the time for 30 planes of 512×512 pixels, added to --out
python benchmarks/volumes.py --steps 300 --axial 1.5   # also training, every plane by itself, for comparison
python benchmarks/volumes.py --resampled --side 160 --axial 1.5   # only stacks that were filtered along Z
python benchmarks/volumes.py --network 55      # only a network of volumes, trained for 55 steps, for comparison
python benchmarks/volumes.py --picture docs/images/volumes.png

The results are those before any training (`muguet denoise --minutes 0`). The simulated stacks have filaments, puncta
and cells behind a point spread function of 1.3 pixels and of 1.0, 1.5 or 2.5 planes (`_phantom.py`). Gains are in dB
over every plane by itself, all from one view: of all planes, of the worst plane, and of the first and last one. "8
views" is that of eight views, which take about eight times as long as one. In the
stack "unrelated", every plane is turned and moved, so that its neighbours show something else. Seconds are those of the
processor.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from _phantom import GAIN, OFFSET, recorded, stack
from scipy.ndimage import gaussian_filter1d

import muguet
from muguet.image import ArrayPlanes, Layout
from muguet.system import machine

Result = TypeVar("Result")

_LATERAL = 1.3


FILTERS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "shifted by a quarter of a plane": lambda stack: 0.75 * stack[:-1] + 0.25 * stack[1:],
    "shifted by half a plane": lambda stack: 0.5 * stack[:-1] + 0.5 * stack[1:],
    "Gaussian of 0.6 planes": lambda stack: gaussian_filter1d(stack, 0.6, axis=0),
    "resampled to other distances": lambda stack: resampled(stack, round(1.4 * len(stack))),
}
"""Filters along Z, after which the noise of successive planes is correlated."""


def resampled(stack: np.ndarray, planes: int) -> np.ndarray:
    """Return a stack of another number of planes, interpolated linearly."""
    places = np.linspace(0, len(stack) - 1, planes)
    low = np.minimum(places.astype(int), len(stack) - 2)
    share = (places - low)[:, None, None]
    result: np.ndarray = (1 - share) * stack[low] + share * stack[low + 1]
    return result


def unrelated(signal: np.ndarray) -> np.ndarray:
    """Return a stack of which every plane is turned and moved."""
    return np.stack([np.roll(np.rot90(plane, k % 4), 37 * k, 0) for k, plane in enumerate(signal)])


def measured(
    signal: np.ndarray,
    seed: int,
    eight: bool,
    steps: int,
    filtered: Callable[[np.ndarray], np.ndarray] = lambda stack: stack,
) -> dict[str, Any]:
    """Measure what neighbours are worth in a stack whose signal is given in photo-electrons."""
    noisy = filtered(recorded(signal, seed).astype(np.float32)).astype(np.float32)
    truth = filtered(OFFSET + GAIN * signal)
    model = muguet.fit(noisy, "ZYX", minutes=0)
    layout = Layout("ZYX", noisy.shape)
    source = ArrayPlanes(noisy, layout)
    neighbours, seconds_weights = timed(lambda: model.find_neighbours(source, layout))

    def denoised(views: int, helped: bool) -> tuple[np.ndarray, float]:
        out = np.empty(noisy.shape, np.float32)
        planes = model.denoise_planes(source, ArrayPlanes(out, layout), views, neighbours if helped else None)
        return out, timed(lambda: list(planes))[1]

    def errors(image: np.ndarray) -> np.ndarray:
        return ((image - truth) ** 2).mean((1, 2))

    (alone, seconds_alone), (result, seconds) = denoised(1, False), denoised(1, True)
    std = np.empty(noisy.shape, np.float32)
    list(model.std_planes(source, ArrayPlanes(std, layout), neighbours))
    before, after = errors(alone), errors(result)
    planes = 10 * np.log10(before / after)
    found = {
        "psnr": 10 * np.log10(np.ptp(truth) ** 2 / after.mean()),
        "gain": 10 * np.log10(before.mean() / after.mean()),
        "gain of the worst plane": planes.min(),
        "gain of the ends": 10 * np.log10(before[[0, -1]].mean() / after[[0, -1]].mean()),
        "coverage": (np.abs(result - truth) < 1.96 * std).mean(),
        "seconds alone": seconds_alone,
        "seconds of the weights": seconds_weights,
        "seconds with neighbours": seconds,
    }
    if eight:
        for name, helped in (("alone", False), ("with neighbours", True)):
            views, taken = denoised(8, helped)
            found[f"gain of 8 views {name}"] = 10 * np.log10(before.mean() / errors(views).mean())
            found[f"seconds of 8 views {name}"] = taken
    if steps:
        trained, taken = timed(
            lambda: muguet.fit(noisy, "ZYX", steps=steps)(noisy, "ZYX", symmetries=1, z_window=0)
        )
        found[f"gain of {steps} steps alone"] = 10 * np.log10(before.mean() / errors(trained).mean())
        found[f"seconds of {steps} steps alone"] = taken
    return {**{name: float(value) for name, value in found.items()}, "sentence": neighbours.sentence}


def against_network(signal: np.ndarray, seed: int, steps: int) -> dict[str, float]:
    """Compare planes with neighbours, before any training, with a network of volumes that is trained on the stack."""
    noisy, truth = recorded(signal, seed), OFFSET + GAIN * signal

    def psnr(image: np.ndarray) -> float:
        return float(10 * np.log10(np.ptp(truth) ** 2 / ((image - truth) ** 2).mean()))

    found: dict[str, float] = {}
    for name, options, windows in (
        ("alone", {"minutes": 0}, {"z_window": 0}),
        ("with neighbours", {"minutes": 0}, {}),
        ("network of volumes", {"steps": steps, "dimensions": 3}, {}),
    ):
        image, seconds = timed(lambda o=options, w=windows: muguet.fit(noisy, "ZYX", **o)(noisy, "ZYX", **w))
        found |= {f"psnr {name}": psnr(image), f"seconds {name}": seconds}
    return found


def picture(path: Path, seed: int) -> None:
    """Draw a plane of a stack, and a cut along Z: noisy, the plane by itself, with neighbours, and the truth."""
    import matplotlib.pyplot as plt

    signal = 10 * stack(16, 160, _LATERAL, 1.5, seed)
    noisy, truth = recorded(signal, seed + 1), OFFSET + GAIN * signal
    model = muguet.fit(noisy, "ZYX", minutes=0)
    shown = {
        "noisy, 10 photo-electrons": noisy,
        "every plane by itself": model(noisy, "ZYX", symmetries=1, z_window=0),
        "with neighbours": model(noisy, "ZYX", symmetries=1),
        "truth": truth,
    }
    limits = {
        "cmap": "gray",
        "vmin": OFFSET,
        "vmax": float(np.quantile(truth, 0.999)),
        "interpolation": "nearest",
    }
    figure, axes = plt.subplots(2, 4, figsize=(10, 3.9), height_ratios=(160, 64), layout="constrained")
    for column, (title, image) in zip(axes.T, shown.items(), strict=True):
        column[0].imshow(image[8], **limits)
        column[0].set_title(title, fontsize=9)
        column[1].imshow(image[:, 80], aspect=4, **limits)
        for each in column:
            each.set_axis_off()
    figure.savefig(path, dpi=110)


def timed(function: Callable[[], Result]) -> tuple[Result, float]:
    """Return the result of a function, and the seconds of the processor that it takes."""
    started = time.process_time()
    result = function()
    return result, time.process_time() - started


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--levels", type=float, nargs="+", default=[5, 30, 200], help="photo-electrons of the brightest"
    )
    parser.add_argument("--axial", type=float, nargs="+", default=[1.0, 1.5, 2.5], help="planes")
    parser.add_argument("--planes", type=int, default=16)
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=0, help="of a training with every plane by itself")
    parser.add_argument("--cost", action="store_true", help="only measure the time for a larger stack")
    parser.add_argument("--resampled", action="store_true", help="only stacks that were filtered along Z")
    parser.add_argument("--network", type=int, default=0, help="steps of a network of volumes, only compared")
    parser.add_argument("--picture", type=Path, help="only draw a picture of one stack")
    parser.add_argument("--out", type=Path, default=Path("build/volumes.json"))
    arguments = parser.parse_args()
    if arguments.picture is not None:
        return picture(arguments.picture, arguments.seed)
    rows: list[dict[str, Any]] = []
    found: dict[str, Any] = {"machine": machine(), "seed": arguments.seed, "stacks": rows}
    if arguments.cost and arguments.out.exists():
        found = json.loads(arguments.out.read_text())
        rows = found["stacks"]
    arguments.out.parent.mkdir(parents=True, exist_ok=True)

    def add(name: str, signal: np.ndarray, level: float, eight: bool = False, **filters: Any) -> None:
        rows.append(
            {"stack": name, "photo-electrons": level, "shape": list(signal.shape)}
            | measured(level * signal, arguments.seed + 1, eight, arguments.steps, **filters)
        )
        print(
            {key: round(value, 3) if isinstance(value, float) else value for key, value in rows[-1].items()}
        )
        arguments.out.write_text(json.dumps(found, indent=1))

    if arguments.network:
        signal = stack(12, 128, _LATERAL, 1.5, arguments.seed)
        for level in (10.0, 100.0):
            row = against_network(level * signal, arguments.seed + 1, arguments.network)
            rows.append({"stack": "network", "photo-electrons": level, "steps": arguments.network, **row})
            print(
                {
                    name: round(value, 2) if isinstance(value, float) else value
                    for name, value in rows[-1].items()
                }
            )
            arguments.out.write_text(json.dumps(found, indent=1))
        return None
    if arguments.resampled:
        signal = stack(arguments.planes, arguments.side, _LATERAL, arguments.axial[0], arguments.seed)
        for level in arguments.levels:
            for name, filtered in FILTERS.items():
                add(name, signal, level, filtered=filtered)
        return None
    if arguments.cost:
        return add("cost", stack(30, 512, _LATERAL, 1.5, arguments.seed), 30.0)
    for axial in arguments.axial:
        signal = stack(arguments.planes, arguments.side, _LATERAL, axial, arguments.seed)
        for level in arguments.levels:
            add(f"{axial} planes", signal, level, eight=(axial, level) == (1.5, 30))
    signal = unrelated(stack(arguments.planes, arguments.side, _LATERAL, 1.5, arguments.seed))
    for level in arguments.levels:
        add("unrelated", signal, level)


if __name__ == "__main__":
    main()
