"""The first results of `muguet denoise`, in seconds, before the training that improves them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from muguet.cli.shared.apply import denoise_images
from muguet.cli.shared.display import say
from muguet.cli.shared.scenes import by_file
from muguet.system.text import duration

if TYPE_CHECKING:
    from muguet.image.image import Image
    from muguet.training.session import Session

_MAX_SECONDS = 60.0  # First results that would take longer are not written, since they delay the training.


def write_first_results(
    session: Session, images: list[Image], results: list[Path], dtype: np.dtype[Any] | None, overwrite: bool
) -> bool:
    """Denoise all images with the prior and write the results, unless there is no prior or this takes long.

    Returns
    -------
    bool
        Whether the results were written.
    """
    if not session.first_laws or session.step > 0:
        return False
    seconds_per_pixel = session.rehearse()[1]
    if seconds_per_pixel * session.pixels > _MAX_SECONDS:
        return False
    started = time.monotonic()
    denoiser = session.denoiser()
    for file, result in zip(by_file(images), results, strict=True):
        denoise_images(denoiser, file, result, dtype, 1, overwrite, announce=False)
    taken = duration(time.monotonic() - started)
    say(f"First result after {taken}, before training. It is replaced by the final one.")
    return True
