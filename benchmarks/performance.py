"""Measure the speed of muguet and CAREamics: training, parts of a step, compiling, prediction, start, time to quality.

    python benchmarks/performance.py [train] [steps] [compiled] [predict] [start] [quality] [--quick | --full] [--alone]
                                     [--seconds S] [--show] [--data FOLDER] [--out FILE.json]

Without a name all parts but quality are measured, on simulated images; quality calls versus_careamics.py on one frame
of W2S for two minutes a method. Every measurement runs in a process of its own, one after the other. The results of a
part replace its previous results in FILE.json; then the tables of all parts in the file are printed and drawn. By
default the picture is docs/images/performance.png, and docs/evidence/performance.md gets the tables; with another
--out the picture is written beside that file and nothing else changes. A GPU is used if there is one.

OMP_NUM_THREADS sets the number of cores. "cores" is the mean number of cores that a training used: if it is below the
number of threads, the machine was busy with other work (or the training waits for itself), and the seconds are not
reliable.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from _parts import PARTS, SIZES, Suite, find_peer
from _performance_picture import draw
from _performance_tables import section
from _processes import HERE, about

from muguet import MuguetError

DEFAULT = HERE / "results" / "performance.json"
QUICK = HERE / "results" / "quick_performance.json"
PAGE = HERE.parent / "docs" / "evidence" / "performance.md"
PICTURE = HERE.parent / "docs" / "images" / "performance.png"


def measure(parts: list[str], suite: Suite, out: Path) -> None:
    """Measure parts and write each result at once; a part without results has printed the reason."""
    for part in parts:
        found = PARTS[part](suite)
        if found:
            renew(out, part, {"about": about(), "found": found})


def renew(out: Path, part: str, entry: dict[str, Any]) -> None:
    """Replace the previous results of a part in the file."""
    results = read(out) if out.is_file() else {}
    results[part] = entry
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")


def read(out: Path) -> dict[str, Any]:
    """Return the results in the file, in the order of the parts.

    Raises
    ------
    MuguetError
        If the file does not exist.
    """
    if not out.is_file():
        raise MuguetError(f"{out} does not exist: measure something first, without --show")
    results = json.loads(out.read_text())
    return {part: results[part] for part in PARTS if part in results}


def conclude(results: dict[str, Any], out: Path) -> None:
    """Print the tables, draw the picture, and update the page."""
    sections = {part: section(part, entry) for part, entry in results.items()}
    for part, text in sections.items():
        print(f"\n## {part}\n\n{text}")
    whole = out.resolve() == DEFAULT
    draw(results, PICTURE if whole else out.with_suffix(".png"))
    if whole:
        PAGE.write_text(filled(PAGE.read_text(), sections))


def filled(page: str, sections: dict[str, str]) -> str:
    """Return a page with the given tables between <!-- PART --> and <!-- end -->."""
    for part, text in sections.items():
        before, begin, rest = page.partition(f"<!-- {part} -->\n")
        _, end, after = rest.partition("<!-- end -->")
        if not end:
            raise MuguetError(f"{PAGE} has no place for {part}: add <!-- {part} --> and <!-- end --> lines")
        page = f"{before}{begin}{text}\n{end}{after}"
    return page


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    usual = [part for part in PARTS if part != "quality"]
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    sizes = parser.add_mutually_exclusive_group()
    sizes.add_argument(
        "--quick", action="store_const", dest="size", const="quick", help="only test that it runs"
    )
    sizes.add_argument(
        "--full", action="store_const", dest="size", const="full", help="also images of 256 MPix"
    )
    parser.add_argument("--seconds", type=float, help="of training in each measurement, instead of 30")
    parser.add_argument("--alone", action="store_true", help="without CAREamics")
    parser.add_argument(
        "--show",
        action="store_true",
        help="measure nothing; print the tables and draw the picture of FILE.json",
    )
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("MUGUET_DATA", "../shared/data")))
    parser.add_argument("--out", type=Path, help=f"{DEFAULT.name}, {QUICK.name} with --quick")
    chosen = parser.parse_args()
    unknown = set(chosen.parts) - set(PARTS)
    if unknown:
        parser.error(f"{', '.join(sorted(unknown))} is no part: {', '.join(PARTS)}")
    quick = chosen.size == "quick"
    out = chosen.out or (QUICK if quick else DEFAULT)
    try:
        if not chosen.show:
            size, peer = SIZES[chosen.size or "usual"], find_peer(chosen.alone)
            if chosen.seconds:
                size = replace(size, seconds=chosen.seconds, peak_seconds=chosen.seconds / 15)
            suite = Suite(size, Path(sys.executable), peer, chosen.data, quick)
            measure(chosen.parts or usual, suite, out)
        conclude(read(out), out)
    except MuguetError as error:
        sys.exit(f"Error: {error}")


if __name__ == "__main__":
    main()
