"""How fast: training, a step taken apart or compiled, prediction, start, time to quality; beside CAREamics.

    python benchmarks/performance.py [train] [steps] [compiled] [predict] [start] [quality] [--quick | --full] [--alone]
                                     [--show] [--data FOLDER] [--out FILE.json]

Without a name all parts but quality are measured, on images that are simulated; quality calls versus_careamics.py
on one frame of W2S for two minutes a method. Every measurement has a process of its own, one after the other. What
a part finds replaces what it found before in FILE.json; the tables of all parts there are printed, and drawn: by
default the picture is docs/images/performance.png and the tables in docs/performance.md are renewed too, with
another --out the picture lies beside the file and nothing else is touched. A GPU is used if there is one.

OMP_NUM_THREADS says how many cores are used. "cores" is how many a training had on average: below the number of
threads, the machine was busy with something else (or the training waits for itself), and the seconds are not to be
trusted.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from _parts import PARTS, SIZES, Suite, find_peer
from _performance_picture import draw
from _performance_tables import section
from _processes import HERE, about

from muguet import MuguetError

DEFAULT = HERE / "results" / "performance.json"
QUICK = HERE / "results" / "quick_performance.json"
PAGE = HERE.parent / "docs" / "performance.md"
PICTURE = HERE.parent / "docs" / "images" / "performance.png"


def measure(parts: list[str], suite: Suite, out: Path) -> None:
    """Measure parts, each written as soon as it is found; one that cannot be had here has said so."""
    for part in parts:
        found = PARTS[part](suite)
        if found:
            renew(out, part, {"about": about(), "found": found})


def renew(out: Path, part: str, entry: dict[str, Any]) -> None:
    """Put what a part found in the place of what it found before."""
    results = read(out) if out.is_file() else {}
    results[part] = entry
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")


def read(out: Path) -> dict[str, Any]:
    """What was found, in the order of the parts.

    Raises
    ------
    MuguetError
        If there is nothing yet.
    """
    if not out.is_file():
        raise MuguetError(f"{out} is not there: measure something first, without --show")
    results = json.loads(out.read_text())
    return {part: results[part] for part in PARTS if part in results}


def conclude(results: dict[str, Any], out: Path) -> None:
    """Print the tables, draw the picture, renew the page."""
    sections = {part: section(part, entry) for part, entry in results.items()}
    for part, text in sections.items():
        print(f"\n## {part}\n\n{text}")
    whole = out.resolve() == DEFAULT
    draw(results, PICTURE if whole else out.with_suffix(".png"))
    if whole:
        PAGE.write_text(filled(PAGE.read_text(), sections))


def filled(page: str, sections: dict[str, str]) -> str:
    """A page whose tables, between <!-- PART --> and <!-- end -->, are these."""
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
    sizes.add_argument("--quick", action="store_const", dest="size", const="quick", help="does it run?")
    sizes.add_argument("--full", action="store_const", dest="size", const="full", help="256 MPix too")
    parser.add_argument("--alone", action="store_true", help="without CAREamics")
    parser.add_argument(
        "--show", action="store_true", help="measure nothing: tables and picture of FILE.json"
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
            suite = Suite(size, Path(sys.executable), peer, chosen.data, quick)
            measure(chosen.parts or usual, suite, out)
        conclude(read(out), out)
    except MuguetError as error:
        sys.exit(f"Error: {error}")


if __name__ == "__main__":
    main()
