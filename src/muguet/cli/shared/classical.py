"""`muguet denoise --recipe` with a classical method, which needs no training."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from muguet.cli.shared.apply import show_regions, write_images
from muguet.cli.shared.choices import Choices
from muguet.cli.shared.display import described, say
from muguet.cli.shared.failures import Failures
from muguet.cli.shared.pairs import layout_of, partners, planes_like
from muguet.cli.shared.recordings import Recordings
from muguet.cli.shared.results import Results
from muguet.cli.shared.streams import Streams
from muguet.errors import MuguetError
from muguet.results.denoising import Denoised, Watched
from muguet.results.provenance import made_without_training

if TYPE_CHECKING:
    from muguet.image.image import Image
    from muguet.image.planes import Planes

CLASSICAL = ("gaussian-blur", "non-local-means", "wavelet", "total-variation")
_MAX_PLANES = 15  # Parameters are chosen on at most this many planes of a series.


def denoise_classically(
    sources: list[Path],
    results: list[Path],
    choices: Choices,
    dtype: np.dtype[Any] | None,
    failures: Failures | None = None,
    printed: Results | None = None,
) -> None:
    """Denoise each plane of files by a classical method, and show the parameters that were chosen.

    The parameters are chosen for each channel of a file from the noisy image alone. With clean images, a Gaussian blur
    gets the width that comes nearest to them. Files that cannot be denoised are added to `failures`, and what was made
    to `printed`.
    """
    from muguet.restoration.classical import check_method

    recipe, clean = choices.recipe, choices.clean
    if clean and recipe != "gaussian-blur":
        raise MuguetError(
            f"--clean goes only with gaussian-blur among the classical methods: leave it out for {recipe}"
        )
    check_method(recipe)
    truths = partners(sources, clean, "--clean") if clean else [None] * len(sources)
    failures = failures or Failures(len(sources), strict=True)
    streams = Streams(choices)
    recordings = Recordings(choices, streams)
    for source, result, truth in zip(sources, results, truths, strict=True):
        if choices.skip_existing and result.exists():
            continue
        with failures.tolerate(source):
            if streams.of(source):
                raise MuguetError(
                    f"{source} is larger than the memory, and the recipe {recipe} needs the whole image: give more "
                    "with --memory, crop the image, or leave out --recipe, since trained recipes work block by block"
                )
            scenes, digest = recordings.take(source)
            made = made_without_training(recipe, digest)
            found: list[Denoised] = []
            sentences: list[str] = []
            for image in scenes:
                for note in image.notes:
                    say(f"{source}: {note}")
                try:
                    each, sentence = _denoised(image, recipe, truth, dtype)
                except MuguetError as error:
                    raise error if str(source) in str(error) else MuguetError(f"{source}: {error}") from error
                found.append(each)
                sentences.append(f"{described(each.image)}. {sentence}")
            images = [replace(each.image, provenance=made) for each in found]
            write_images(result, images, sentences, choices.overwrite)
            if printed is not None:
                printed.add_inputs({source: digest})
                printed.add_output(source, digest, result, found, recipe=recipe)


def _denoised(
    image: Image, recipe: str, clean: Path | None, dtype: np.dtype[Any] | None
) -> tuple[Denoised, str]:
    """Return the denoised image, and sentences about the chosen parameters and the residual."""
    from muguet.image.planes import ArrayPlanes
    from muguet.image.precision import result_dtype
    from muguet.image.screen import screen
    from muguet.image.values import fill_missing
    from muguet.prediction.regions import Cut, map_regions
    from muguet.restoration.classical import apply

    layout = layout_of(image)
    truth = None if clean is None else planes_like(clean, image)
    screened = screen(image.data, layout)
    kind, dither, sentence = result_dtype(screened.original, dtype)
    source = ArrayPlanes(screened.values, layout)
    parameters = [
        _parameters(source, c, recipe, None if truth is None else truth[:, c]) for c in range(layout.channels)
    ]

    def function(values: npt.NDArray[Any], channel: int) -> npt.NDArray[np.float32]:
        counts = values.astype(np.float32)
        estimate = apply(fill_missing(counts), recipe, parameters[channel])
        estimate[~np.isfinite(counts)] = np.nan
        return estimate

    data = np.empty(image.data.shape, kind)
    into = Watched(ArrayPlanes(data, layout, dither), source)
    show_regions(map_regions(function, source, into, Cut.whole(layout.space)), image, layout)
    screened.restore(data)
    several = layout.channels > 1
    sentences = [_sentence(found, recipe, c if several else None) for c, found in enumerate(parameters)]
    words = [*screened.notes, sentence, *sentences, into.residual.sentence]
    return Denoised(image, replace(image, data=data), into.residual), " ".join(filter(None, words))


def _parameters(
    source: Planes, channel: int, recipe: str, clean: npt.NDArray[Any] | None
) -> dict[str, float]:
    """Return the parameters for one channel, chosen on planes spread evenly over the series."""
    from muguet.image.representable import require_representable
    from muguet.image.values import fill_missing
    from muguet.restoration.blur_width import best_sigma
    from muguet.restoration.classical import calibrate

    require_representable(source, channel)
    n_planes, _, *space = source.shape
    step = -(-n_planes // _MAX_PLANES)
    whole = tuple(slice(0, size) for size in space)
    noisy = [
        fill_missing(source.read(n, channel, whole).astype(np.float32)) for n in range(0, n_planes, step)
    ]
    if clean is None:
        return calibrate(noisy, recipe)
    return {"sigma": best_sigma(noisy, [fill_missing(plane.astype(np.float32)) for plane in clean[::step]])}


def _sentence(parameters: dict[str, float], recipe: str, channel: int | None) -> str:
    unit = "pixels" if recipe == "gaussian-blur" else "times the standard deviation of the noise"
    values = ", ".join(f"{name} {value:.3g} {unit}" for name, value in parameters.items())
    return f"{recipe}{'' if channel is None else f' of channel {channel}'}: {values}."
