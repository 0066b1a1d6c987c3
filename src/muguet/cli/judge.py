"""`muguet judge`: how near an estimate comes to the clean image."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import typer

from muguet.cli.judge_tables import Judged, tell
from muguet.cli.options import Axes
from muguet.cli.pairs import layout_of, partners, planes_like
from muguet.errors import MuguetError

Plane = npt.NDArray[Any]

_MOST = 64  # frames that are looked at to find the best blur


@dataclass(frozen=True, eq=False)
class _Frame:
    """One plane of one channel of a pair of files, and the noisy one it was made from."""

    files: tuple[Path, Path]
    frame: int
    channel: int
    estimate: Plane
    clean: Plane
    noisy: Plane | None


def judge(
    estimate: Annotated[
        Path,
        typer.Argument(metavar="ESTIMATE", help="A denoised TIFF, or a folder of them.", show_default=False),
    ],
    clean: Annotated[
        Path, typer.Argument(metavar="CLEAN", help="The clean TIFF, or a folder.", show_default=False)
    ],
    noisy: Annotated[
        Path | None,
        typer.Option(
            help="What was denoised: scored too, and so is its best Gaussian blur.", show_default=False
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    axes: Axes = None,
) -> None:
    """Score estimates against clean images: PSNR and SSIM of every frame, raw and after the best affine match.

    Files of two folders belong together in the order of their names; one file, or one plane, serves all.

    With --noisy one sees what was gained, over the noisy image and over the blur that any denoiser must beat.
    """
    sigma = None
    frames: Iterable[_Frame] = _frames(estimate, clean, noisy, axes)
    if noisy is not None:
        frames = every = list(frames)
        sigma = _best_sigma(every)
    judged = [_judged(frame, sigma) for frame in frames]
    tell(judged, sigma, as_json)


def _frames(estimate: Path, clean: Path, noisy: Path | None, axes: str | None) -> Iterator[_Frame]:
    """Every plane of every channel, one file after the other."""
    from muguet.cli.paths import find
    from muguet.formats.registry import read

    files = find([estimate])
    truths = partners(files, [clean], "CLEAN")
    sources = [None] * len(files) if noisy is None else partners(files, [noisy], "--noisy")
    for file, truth, source in zip(files, truths, sources, strict=True):
        image = read(file, axes)
        planes, clear = layout_of(image).split(image.data), planes_like(truth, image)
        grainy = None if source is None else planes_like(source, image)
        for n, c in np.ndindex(planes.shape[:2]):
            raw = None if grainy is None else grainy[n, c]
            yield _Frame((file, truth), n, c, planes[n, c], clear[n, c], raw)


def _best_sigma(frames: Sequence[_Frame]) -> float:
    """The width in pixels of the blur, one for all frames, whose mean PSNR is highest."""
    from muguet.restoration.blur_width import best_sigma

    some = frames[:: -(-len(frames) // _MOST)]
    return best_sigma([_filled(frame.noisy) for frame in some], [_filled(frame.clean) for frame in some])


def _filled(plane: Plane | None) -> npt.NDArray[np.float32]:
    from muguet.image.values import fill_missing

    assert plane is not None
    return fill_missing(plane.astype(np.float32))


def _judged(frame: _Frame, sigma: float | None) -> Judged:
    from muguet.quality.scores import score
    from muguet.restoration.blur_width import blurred

    try:
        before = after = None
        if frame.noisy is not None and sigma is not None:
            before = score(frame.noisy, frame.clean)
            blur = blurred(_filled(frame.noisy), sigma)
            blur[~np.isfinite(frame.noisy)] = np.nan
            after = score(blur, frame.clean)
        found = score(frame.estimate, frame.clean)
    except MuguetError as error:
        file, truth = frame.files
        raise MuguetError(
            f"{file} and {truth}, frame {frame.frame} of channel {frame.channel}: {error}"
        ) from error
    return Judged(frame.files, frame.frame, frame.channel, found, before, after)
