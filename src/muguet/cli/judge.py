"""`muguet judge`: how close an estimate comes to the clean image."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import typer

from muguet.cli.judge_tables import FrameScores, show, summarise
from muguet.cli.shared.display import print_json
from muguet.cli.shared.failures import Failures
from muguet.cli.shared.files import check_files
from muguet.cli.shared.options import Axes, Strict
from muguet.cli.shared.pairs import layout_of, partners, planes_like
from muguet.errors import MuguetError

Plane = npt.NDArray[Any]

_MAX_FRAMES = 64
"""The width of the best blur is found on at most this many frames, evenly spaced, because the search takes time."""


@dataclass(frozen=True, eq=False)
class _Frame:
    """One plane of one channel of an estimate and its clean image, and the noisy plane if it is given."""

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
        Path,
        typer.Argument(metavar="CLEAN", help="The clean TIFF, or a folder of them.", show_default=False),
    ],
    noisy: Annotated[
        Path | None,
        typer.Option(
            help="The noisy TIFF, or a folder of them: score it too, and its best Gaussian blur.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
    axes: Axes = None,
    strict: Strict = False,
) -> None:
    """Score estimates against clean images: PSNR and SSIM of every frame, raw and after the best affine match.

    Files of two folders are paired in the order of their names.
    A single clean or noisy file, or plane, is used for all estimates.

    --noisy shows the gain over the noisy image, and over its best blur,
    which any denoiser should exceed.
    """
    from muguet.cli.shared.paths import find

    files = find([estimate])
    check_files([*files, *find([clean]), *(find([noisy]) if noisy is not None else ())])
    failures = Failures(len(files), strict)
    sigma = None
    frames: Iterable[_Frame] = _frames(files, clean, noisy, axes, failures)
    if noisy is not None:
        frames = all_frames = list(frames)
        failures.require_some()
        sigma = _best_sigma(all_frames)
    scores = [_scores(frame, sigma) for frame in frames]
    failures.require_some()
    if as_json:
        print_json(summarise(scores, sigma))
    else:
        show(scores, sigma)
    failures.end()


def _frames(
    files: list[Path], clean: Path, noisy: Path | None, axes: str | None, failures: Failures
) -> Iterator[_Frame]:
    """Yield every plane of every channel, one file after the other; files that cannot be read are `failures`."""
    from muguet.formats.registry import read

    clean_files = partners(files, [clean], "CLEAN")
    noisy_files = [None] * len(files) if noisy is None else partners(files, [noisy], "--noisy")
    for file, clean_file, noisy_file in zip(files, clean_files, noisy_files, strict=True):
        with failures.tolerate(file):
            image = read(file, axes)
            planes, clean_planes = (
                layout_of(image).split(image.data),
                planes_like(clean_file, image, strict=False),
            )
            noisy_planes = None if noisy_file is None else planes_like(noisy_file, image, strict=False)
        if file in failures.reasons:
            continue
        for n, c in np.ndindex(planes.shape[:2]):
            noisy_plane = None if noisy_planes is None else noisy_planes[n, c]
            yield _Frame((file, clean_file), n, c, planes[n, c], clean_planes[n, c], noisy_plane)


def _best_sigma(frames: Sequence[_Frame]) -> float:
    """Return the width in pixels of the Gaussian blur, one for all frames, that gives the highest mean PSNR."""
    from muguet.restoration.blur_width import best_sigma

    some = frames[:: -(-len(frames) // _MAX_FRAMES)]
    return best_sigma([_filled(frame.noisy) for frame in some], [_filled(frame.clean) for frame in some])


def _filled(plane: Plane | None) -> npt.NDArray[np.float32]:
    """Return a plane in float32 with its missing pixels filled."""
    from muguet.image.values import fill_missing

    assert plane is not None
    return fill_missing(plane.astype(np.float32))


def _scores(frame: _Frame, sigma: float | None) -> FrameScores:
    """Score the estimate of a frame and, if they are given, its noisy plane and the best blur of it."""
    from muguet.quality.scores import score
    from muguet.restoration.blur_width import blurred

    try:
        noisy = blur = None
        if frame.noisy is not None and sigma is not None:
            noisy = score(frame.noisy, frame.clean)
            smooth = blurred(_filled(frame.noisy), sigma)
            smooth[~np.isfinite(frame.noisy)] = np.nan
            blur = score(smooth, frame.clean)
        estimate = score(frame.estimate, frame.clean)
    except MuguetError as error:
        file, clean_file = frame.files
        raise MuguetError(
            f"{file} and {clean_file}, frame {frame.frame} of channel {frame.channel}: {error}"
        ) from error
    return FrameScores(frame.files, frame.frame, frame.channel, estimate, noisy, blur)
