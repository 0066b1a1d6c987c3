"""What made a result: the program, its model, and its input by content."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from muguet.version import __version__

if TYPE_CHECKING:
    from muguet.denoiser.denoiser import Denoiser
    from muguet.image.image import Image

Made = Mapping[str, str | int]
"""Facts by name, in values that JSON and text can hold."""

_BLOCK = 2**20


def sha256_of(files: Sequence[Path]) -> str:
    """Return the SHA-256 of a file, or of the files that hold one recording, one after the other.

    A folder, such as an OME-Zarr, stands for all files in it, in the order of their paths.
    """
    found = hashlib.sha256()
    for path in (each for one in files for each in _contents(one)):
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                found.update(block)
    return found.hexdigest()


def sha256_of_pixels(images: Sequence[Image]) -> str:
    """Return the SHA-256 of the pixels of images that were read from a network, in the order of their axes."""
    found = hashlib.sha256()
    for image in images:
        found.update(np.ascontiguousarray(image.data).tobytes())
    return found.hexdigest()


def _contents(path: Path) -> list[Path]:
    """Return the files of a folder, or a file itself."""
    return sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]


def made_by(denoiser: Denoiser, digest: str | None, more: Made = MappingProxyType({})) -> Made:
    """Return what made the result of a model, for the file that holds it.

    Parameters
    ----------
    denoiser
        The model.
    digest
        SHA-256 of the noisy file; None: it is too large to be hashed.
    more
        Further facts.
    """
    from muguet.denoiser.model_file import model_id

    training = denoiser.training
    return {
        "software": f"muguet {__version__}",
        "model": model_id(denoiser),
        "recipe": denoiser.parts.recipe,
        "prior": Path(denoiser.parts.prior).name,
        "steps": int(training.get("steps") or 0),
        "seed": int(training.get("plan", {}).get("seed") or 0),
        **({} if digest is None else {"input_sha256": digest}),
        "date": date(),
        **more,
    }


def made_without_training(recipe: str, digest: str) -> Made:
    """Return what made the result of a classical method, for the file that holds it."""
    return {"software": f"muguet {__version__}", "recipe": recipe, "input_sha256": digest, "date": date()}


def date() -> str:
    """Return the date and time in UTC; those of the variable SOURCE_DATE_EPOCH, which makes files repeatable."""
    given = os.environ.get("SOURCE_DATE_EPOCH", "")
    seconds = int(given) if given.isdigit() else None
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
