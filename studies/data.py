"""Where the published image sets come from, and how they become the files that the studies and benchmarks read.

python studies/data.py list                                    where each set comes from, and which files are in --data
python studies/data.py fetch convallaria                       download a set by name, and compare it with its checksum
python studies/data.py w2s raw/ --out ../shared/data           the captures of W2S (Image001/wf_channel0.npy ...)
python studies/data.py fmd Confocal_MICE/ --name fmd_mice      the captures of FMD (raw/19/*.png)

The archives of W2S and FMD have no recorded checksum, and are downloaded by hand from the addresses of `list`.
"""

from __future__ import annotations

import argparse
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import sets
import tifffile
from common import run

from muguet import MuguetError

NOT_RECORDED = "not recorded"


@dataclass(frozen=True)
class Origin:
    """Where a published set comes from.

    Attributes
    ----------
    publication
        The publication that describes it.
    address
        Where it is published.
    archive
        Name of the published file.
    sha256
        Checksum of that file; None if it is not recorded.
    note
        What is used of it.
    """

    publication: str
    address: str
    archive: str
    sha256: str | None
    note: str


def _of(archive: sets.Archive, publication: str, note: str) -> Origin:
    return Origin(publication, archive.address, archive.name, archive.sha256 or None, note)


PN2V = "Prakash et al. 2020, arXiv:1911.12291"
ORIGINS = {
    "w2s": Origin(
        "Zhou et al. 2020, arXiv:2003.05961",
        "https://github.com/IVRL/w2s",
        "raw.zip",
        None,
        "single captures, and the mean of the 400 captures of the same field of view",
    ),
    "fmd": Origin(
        "Zhang et al. 2019, arXiv:1812.10366",
        "https://github.com/yinhaoz/denoising-fluorescence",
        "Confocal_BPAE_*.tar, Confocal_FISH.tar, Confocal_MICE.tar",
        None,
        "single captures, and the mean of the 50 captures of the same field of view",
    ),
    "convallaria": _of(sets.CONVALLARIA, PN2V, "100 captures of one field of view"),
    "mouse_actin": _of(
        sets.MOUSE_ACTIN, PN2V, "captures of one field of view; the record has an MD5 checksum"
    ),
    "mouse_nuclei": _of(
        sets.MOUSE_NUCLEI, PN2V, "captures of one field of view; the record has an MD5 checksum"
    ),
}
"""Where the sets come from."""

MEASURED = {
    "w2s_ch0_clean.tif": "a43d971492ffd2320bdb16827a01c82f0808ff8f955acfc5b254fc24c691d3e8",
    "w2s_ch0_noisy.tif": "3363c4d0416eecdca91accd55b894b78dab1bc197185f87e98e5db0f81af3889",
    "w2s_ch1_clean.tif": "e8ef6abe5dde6d32bdd0655e5099a2fcbbfab48a3dab365fe1f2bd16dcdf392e",
    "w2s_ch1_noisy.tif": "889b9c1bc8efeb87b87333ba19445eca31f4b4aea1fbc10f1cc2d97a8879f633",
    "w2s_ch2_clean.tif": "36c3091e52de675e45d41ae12bedd7de820fe6967938fa679fb45c623a93e94e",
    "w2s_ch2_noisy.tif": "2c36c84ca1928c59d5205cb35986523a8937cdc3c119b19bb3a8218854eb5b8b",
    "fmd_bpae_clean.tif": "a4ed023dece4a38f3dba38a05e3edfa6c03f6cc98ace2652cb745eb90fc77a6b",
    "fmd_bpae_noisy.tif": "9cadd61e1d41fa1e0a1e9a9330d44e7321e23d2fa6b7362660100f5eb1113595",
    "fmd_fish_clean.tif": "452ab23bdf097126baa89d6bf225da6d184aa20af70b2de4b2f16cf89dd8ad27",
    "fmd_fish_noisy.tif": "e5979ed51f99ae566bc3e88465e22b9807b916ed951eeb410245630faee197b9",
    "fmd_mice_clean.tif": "d553af81168d8b5bf7f6017705935da3b06a4da8ef077c20535b4a7d325f1d09",
    "fmd_mice_noisy.tif": "976439f7f369fedc765093b25deddf0397dc308300b16dd3388296bdc04f15d8",
}
"""SHA-256 of the files on which the figures of docs/evidence/results.md were measured.

Those of W2S were made from published 8-bit copies, in which every image was stretched to its own range; they were
brought back to the counts of one camera. Which fields of view they are is not recorded, so files that `w2s` makes from
the captures give similar figures, not the same digits.
"""

W2S_FIELDS = tuple(range(81, 93))
"""The first twelve fields of view of the published test set."""

W2S_CHANNELS = (0, 1, 2)
FMD_FIELD = 19
"""The field of view that the publication tests on."""


# ----------------------------------------------------------------- W2S


def convert_w2s(raw: Path, out: Path, fields: Sequence[int] = W2S_FIELDS, capture: int = 0) -> list[Path]:
    """Write the noisy and the clean stack of each channel of W2S, ``(fields, y, x)``, and return their paths.

    Parameters
    ----------
    raw
        The unpacked folder of captures, with files ``Image%03d/wf_channel%d.npy`` (or ``.tif``), each an array
        ``(captures, y, x)`` of uint16 counts.
    out
        Folder for ``w2s_ch%d_noisy.tif`` (uint16) and ``w2s_ch%d_clean.tif`` (float32, the mean of all captures).
    fields
        Numbers of the fields of view.
    capture
        The capture that becomes the noisy image.

    Raises
    ------
    MuguetError
        If a file is missing or has no such capture.
    """
    written = []
    for channel in W2S_CHANNELS:
        noisy, clean = [], []
        for number in fields:
            stack = _stack(raw / f"Image{number:03d}" / f"wf_channel{channel}", capture)
            noisy.append(np.array(stack[capture]))
            clean.append(np.mean(stack, axis=0, dtype=np.float64).astype(np.float32))
        written += _write(out, f"w2s_ch{channel}", np.stack(noisy), np.stack(clean))
    return written


def _stack(stem: Path, capture: int) -> npt.NDArray[np.generic]:
    """Return the captures ``(captures, y, x)`` of a field of view and channel."""
    for path in (stem.with_suffix(".npy"), stem.with_suffix(".tif")):
        if path.is_file():
            # Only the pages that are needed are read of a stack that is larger than memory.
            found = np.load(path, mmap_mode="r") if path.suffix == ".npy" else tifffile.imread(path)
            if found.ndim != 3 or len(found) <= capture:
                raise MuguetError(
                    f"{path} has the shape {found.shape}: it has no capture {capture} (n, y, x)"
                )
            return found
    raise MuguetError(
        f"{stem}.npy does not exist: give the unpacked folder of W2S that holds Image001 and so on"
    )


# ----------------------------------------------------------------- FMD


def convert_fmd(
    folder: Path, name: str, out: Path, field: int = FMD_FIELD, frames: slice = slice(1)
) -> list[Path]:
    """Write noisy captures of one field of view of FMD and the mean of all its captures, and return their paths.

    Parameters
    ----------
    folder
        An unpacked archive, with files ``raw/FIELD/*.png`` of 8 bits.
    name
        Name of the set: fmd_bpae, fmd_fish or fmd_mice.
    out
        Folder for ``NAME_noisy.tif`` (uint8) and ``NAME_clean.tif`` (float32).
    field
        Number of the field of view.
    frames
        The captures that become the noisy images; a single one is written as a plane.

    Raises
    ------
    MuguetError
        If the folder holds no captures.
    """
    from imagecodecs import imread

    paths = sorted((folder / "raw" / str(field)).glob("*.png"))
    if not paths[frames]:
        raise MuguetError(
            f"{folder}/raw/{field} holds no such captures (*.png): give an unpacked folder of FMD"
        )
    stack = np.stack([imread(path) for path in paths])
    noisy = stack[frames]
    clean = stack.mean(0, dtype=np.float64).astype(np.float32)
    return _write(out, name, noisy[0] if len(noisy) == 1 else noisy, clean)


def _write(
    out: Path, name: str, noisy: npt.NDArray[np.generic], clean: npt.NDArray[np.float32]
) -> list[Path]:
    """Write a pair of files, unless one exists."""
    out.mkdir(parents=True, exist_ok=True)
    written = []
    for kind, values in (("noisy", noisy), ("clean", clean)):
        path = out / f"{name}_{kind}.tif"
        if path.exists():
            raise MuguetError(f"{path} exists: name another folder with --out")
        tifffile.imwrite(path, values, compression="zlib", photometric="minisblack")
        written.append(path)
    return written


# ------------------------------------------------------------- command line


def state(path: Path) -> str:
    """Return whether a file is the one that was measured."""
    if not path.is_file():
        return "not there"
    same = hashlib.sha256(path.read_bytes()).hexdigest() == MEASURED[path.name]
    return "the file that was measured" if same else "another file than the one that was measured"


def show(data: Path) -> None:
    """Print where each set comes from, and which files are there."""
    for name, origin in ORIGINS.items():
        print(f"{name}: {origin.publication}\n  {origin.address}\n  {origin.archive}: {origin.note}")
        print(f"  SHA-256: {origin.sha256 or NOT_RECORDED}")
    print(f"\nFiles in {data}:")
    for name in MEASURED:
        print(f"  {name}: {state(data / name)}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    data = Path(os.environ.get("MUGUET_DATA", "../shared/data"))
    commands = options.add_subparsers(dest="command", required=True)
    listed = commands.add_parser("list", help="print where the sets come from, and which files are there")
    listed.add_argument("--data", type=Path, default=data)
    fetch = commands.add_parser("fetch", help="download a set to the cache of the user")
    fetch.add_argument("name", choices=sets.ARCHIVES)
    w2s = commands.add_parser("w2s", help="convert the captures of W2S")
    w2s.add_argument("raw", type=Path, help="the unpacked folder that holds Image001 and so on")
    w2s.add_argument(
        "--fields", type=int, nargs="+", default=W2S_FIELDS, help="fields of view (default: 81 to 92)"
    )
    w2s.add_argument("--capture", type=int, default=0, help="the capture that becomes the noisy image")
    fmd = commands.add_parser("fmd", help="convert the captures of FMD")
    fmd.add_argument("folder", type=Path, help="an unpacked archive, which holds the folder raw")
    fmd.add_argument("--name", required=True, choices=("fmd_bpae", "fmd_fish", "fmd_mice"))
    fmd.add_argument("--field", type=int, default=FMD_FIELD, help="field of view (default: 19)")
    fmd.add_argument(
        "--frames", type=int, nargs=2, default=(0, 1), metavar=("FIRST", "END"), help="noisy captures"
    )
    for command in (w2s, fmd):
        command.add_argument("--out", type=Path, default=Path("build") / "data", help="folder for the files")
    choices = options.parse_args(arguments)
    if choices.command == "list":
        show(choices.data)
        return
    if choices.command == "fetch":
        written = [sets.fetched(sets.ARCHIVES[choices.name])]
    elif choices.command == "w2s":
        written = convert_w2s(choices.raw, choices.out, choices.fields, choices.capture)
    else:
        written = convert_fmd(
            choices.folder, choices.name, choices.out, choices.field, slice(*choices.frames)
        )
    for path in written:
        print(path)


if __name__ == "__main__":
    run(main)
