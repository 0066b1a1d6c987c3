"""Functions that all studies use: stored trainings, tables with their provenance, figures, and options."""

from __future__ import annotations

import argparse
import csv
import functools
import hashlib
import json
import math
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from pairs import Floats, Measured, Pair

import muguet
from muguet import MuguetError

HERE = Path(__file__).resolve().parent
SMALL = {"font.size": 7, "axes.titlesize": 7.5}  # matplotlib settings for figures with many panels
QUICK, FULL = 400, 10_000  # steps of a training with --quick and with --full


# --------------------------------------------------------------- trainings


def trained(pair: Pair, choices: argparse.Namespace, components: int = 3) -> muguet.Denoiser:
    """Return the denoiser trained on the noisy images of a pair, from the cache if it is there."""
    parameters = {"steps": choices.steps, "seed": choices.seed, "components": components}
    path = Path(choices.cache) / f"{_key(pair.noisy, parameters)}.muguet"
    cached = path.is_file()
    if not cached:
        muguet.fit(pair.noisy, "TYX", prior="none", **parameters).save(_in_folder(path))
    model = muguet.load(path, "cpu")  # the studies use only its laws from here on
    strength = "" if math.isnan(pair.level) else f", {pair.level:g} dB"
    how = "from the cache" if cached else f"{model.training['seconds']:.0f} s"
    print(f"{pair.name}, {pair.kind}{strength}, G{components}: {choices.steps} steps, {how}", flush=True)
    return model


def _key(noisy: npt.NDArray[np.generic], parameters: Mapping[str, int]) -> str:
    described = json.dumps([noisy.shape, noisy.dtype.str, parameters, muguet.__version__, sources()])
    return hashlib.sha256(described.encode() + np.ascontiguousarray(noisy).tobytes()).hexdigest()[:32]


@functools.cache
def sources() -> str:
    """Return a hash of the modules that a training uses; the version number does not change with every edit."""
    folder = Path(str(muguet.__file__)).parent
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        if path.relative_to(folder).parts[0] not in ("cli", "quality", "figures", "report"):
            found.update(path.read_bytes())
    return found.hexdigest()


# ------------------------------------------------------------------ results


def write_table(path: Path, rows: Sequence[Mapping[str, Any]], about: Mapping[str, Any]) -> None:
    """Write rows as CSV below one line ``# {JSON}`` with their provenance; numbers have six digits."""
    with _in_folder(path).open("w", newline="", encoding="utf-8") as file:
        file.write(f"# {json.dumps(about, ensure_ascii=False)}\n")
        table = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        table.writeheader()
        for row in rows:
            table.writerow({name: _shown(value) for name, value in row.items()})


def markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the rows as a Markdown table; numbers have three digits."""
    lines = [[*rows[0]], ["---"] * len(rows[0])]
    lines += [[_shown(value, 3) for value in row.values()] for row in rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def print_table(rows: Sequence[Mapping[str, Any]], about: Mapping[str, Any]) -> None:
    """Print a Markdown table and its provenance."""
    print(f"\n{markdown(rows)}\n")
    print(
        f"`{about['command']}`: {about['steps']} steps a training, seed {about['seed']}, commit {about['commit']}, "
    )
    print(f"{about['machine']}, {about['date']}, {about['seconds']} s.")


def _shown(value: object, digits: int = 6) -> str:
    if isinstance(value, float | np.floating):
        return "" if math.isnan(value) else f"{value:.{digits}g}"
    return str(value)


def save_figure(figure: Any, path: Path) -> None:
    """Write a figure as PNG and as SVG; `path` has no suffix."""
    from muguet.figures import style

    for suffix in (".png", ".svg"):
        style.save(figure, _in_folder(path.with_name(path.name + suffix)))


def letter(panels: Iterable[Any]) -> None:
    """Write the letters a, b, c … above the upper left corners of panels."""
    for name, axes in zip("abcdefghijklmnopqrstuvwxyz", panels, strict=False):
        axes.annotate(name, (0, 1), (-22, 4), "axes fraction", "offset points", fontweight="bold", fontsize=9)


def draw_measured(axes: Any, found: Measured, values: Floats) -> None:
    """Draw the measured value of each bin as a point; the points of bins with clipped pixels are hollow."""
    from muguet.figures import style

    looks = {"linestyle": "none", "marker": "o", "ms": 2.4, "mew": 0.5, "color": style.INK}
    whole = ~found.cut
    axes.plot(found.points.signal[whole], values[whole], label="measured", **looks)
    if found.cut.any():
        axes.plot(found.points.signal[found.cut], values[found.cut], **{**looks, "mfc": "none"})


def plain_numbers(axis: Any) -> None:
    """Label 1, 3, 10, 30 … on a logarithmic axis, as numbers rather than powers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(subs=(1.0, 3.0)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def _without_paths(arguments: Sequence[str]) -> list[str]:
    """Return the arguments without paths of files, which differ between machines and change no result."""
    places = ("--data", "--out", "--cache")
    pairs = zip(["", *arguments], arguments, strict=False)
    return [each for before, each in pairs if each not in places and before not in places]


def about(choices: argparse.Namespace) -> dict[str, Any]:
    """Return the provenance of numbers: the command, the seed and steps, the commit, versions, machine and date."""
    return {
        "command": " ".join(["python", f"studies/{choices.script}", *_without_paths(choices.arguments)]),
        "seed": choices.seed,
        "steps": choices.steps,
        "commit": commit(),
        "versions": {"muguet": muguet.__version__, "torch": torch.__version__, "numpy": np.__version__},
        "machine": machine(),
        "date": time.strftime("%Y-%m-%d"),
        "seconds": round(time.monotonic() - choices.started),
    }


def machine() -> str:
    """Return the processor, its cores, PyTorch's threads, and the GPU if there is one."""
    name = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.is_file():
        lines = [line for line in information.read_text().splitlines() if line.startswith("model name")]
        name = lines[0].partition(":")[2].strip() if lines else name
    threads = torch.get_num_threads()
    parts = [name, f"{os.cpu_count()} cores", f"{threads} thread{'s' * (threads > 1)}"]
    if torch.cuda.is_available():
        parts.append(torch.cuda.get_device_name())
    return ", ".join(parts)


def commit() -> str:
    """Return the commit of the repository, with a + if tracked files have changed since."""

    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], capture_output=True, text=True, cwd=HERE, check=False)
        return done.stdout.strip()

    try:
        changed = git("status", "--porcelain", "--untracked-files=no", "--", "../src", ".")
        return (git("rev-parse", "--short", "HEAD") or "unknown") + ("+" if changed else "")
    except FileNotFoundError:  # git is not installed
        return "unknown"


def _in_folder(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


# ----------------------------------------------------------------- commands


def parser(
    script: str, doc: str | None, sets: Sequence[str], default: Sequence[str] | None = None
) -> argparse.ArgumentParser:
    """Return a parser with the options that all studies have; `sets` are the allowed names of image sets."""
    found = argparse.ArgumentParser(
        prog=Path(script).name, description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    length = found.add_mutually_exclusive_group()
    length.add_argument(
        "--quick", dest="full", action="store_false", help="minutes on two cores (the default)"
    )
    length.add_argument("--full", action="store_true", help="hours, for a GPU")
    found.set_defaults(full=False)  # the default of a store_false would be True
    found.add_argument(
        "--steps", type=int, help="steps of each training, instead of those of --quick or --full"
    )
    taken = list(default or sets)
    named = f"images (default: {' '.join(taken)})"
    found.add_argument("--sets", nargs="+", default=taken, choices=sets, metavar="SET", help=named)
    found.add_argument("--data", type=Path, default=Path(os.environ.get("MUGUET_DATA", "../shared/data")))
    found.add_argument("--seed", type=int, default=0, help="seed of the trainings")
    found.add_argument("--out", type=Path, default=HERE / "results", help="folder for figures and tables")
    found.add_argument(
        "--cache", type=Path, default=HERE.parent / "build" / "studies", help="folder for trained models"
    )
    return found


def parsed(options: argparse.ArgumentParser, arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the options; without --steps, the steps of a quick or a full run are filled in."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    choices = options.parse_args(given)
    choices.steps = choices.steps or (FULL if choices.full else QUICK)
    choices.script, choices.arguments, choices.started = options.prog, given, time.monotonic()
    return choices


def run(main: Callable[[], None]) -> None:
    """Run a study; an error that the user can correct is printed as one sentence."""
    try:
        main()
    except MuguetError as error:
        sys.exit(f"Error: {error}")
