"""Training functions: `fit` for most uses, `prepare` and `steps` to follow a run step by step."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy.typing as npt

from muguet.denoiser.denoiser import Denoiser
from muguet.errors import MuguetError
from muguet.formats.given import ImageLike, given, given_one
from muguet.image.axes import named
from muguet.pattern.correction import AUTO as FIND_LINES
from muguet.pattern.correction import Correction
from muguet.pattern.maps import Maps
from muguet.recipes.parts import AUTO, Parts
from muguet.restoration.optics import PSF
from muguet.system import processes
from muguet.system.caller import warn_caller
from muguet.system.interrupt import interruptible
from muguet.training import checkpoint as checkpoints
from muguet.training.correlated_noise import parse
from muguet.training.data import Dataset, collect
from muguet.training.plan import BATCH, Plan, Progress
from muguet.training.planes import Sample
from muguet.training.session import Session

__all__ = ["Plan", "Progress", "Session", "fit", "steps"]

CHECKPOINT_EVERY = 30.0
"""Seconds between two checkpoints."""


def steps(session: Session, checkpoint: Path | None = None) -> Iterator[Progress]:
    """Train, and yield the progress after every step.

    The iteration may be stopped after any step: `session.denoiser()` returns the best denoiser so far.

    Parameters
    ----------
    session
        The run, new or restored from a checkpoint.
    checkpoint
        Path to which the session is saved every 30 seconds; None: it is not saved.
    """
    saved = time.monotonic()
    while not session.finished:
        yield session.advance()
        if checkpoint is not None and processes.is_first() and time.monotonic() - saved >= CHECKPOINT_EVERY:
            try:
                checkpoints.save(session, checkpoint)
            except MuguetError as error:  # A full disk must not end the run.
                warn_caller(f"training goes on without a checkpoint: {error}")
                checkpoint = None
            saved = time.monotonic()


def prepare(
    dataset: Dataset,
    *,
    minutes: float = 5.0,
    steps: int | None = None,
    components: int = 3,
    recipe: str = "joint",
    net: str | None = None,
    psf: PSF = 1.0,
    mask: str = "auto",
    prior: str = AUTO,
    seed: int = 0,
    device: str = "auto",
    batch: int = BATCH,
) -> Session:
    """Return a session for a training set, before its first step.

    Parameters
    ----------
    dataset
        The training set, see `muguet.training.collect`.
    minutes, steps, components, recipe, net, psf, mask, prior, seed, device
        See `fit`.
    batch
        Number of patches per step, see `Plan`.

    Raises
    ------
    MuguetError
        If the choices do not fit the data or each other.
    """
    parts = Parts(recipe, net, components, reach=parse(mask, dataset.dimensions), psf=psf, prior=prior)
    return Session(dataset, parts, Plan(minutes=minutes, steps=steps, seed=seed, batch=batch, device=device))


def maps_of(
    gain: ImageLike | None = None, offset: ImageLike | None = None, variance: ImageLike | None = None
) -> Maps:
    """Return the maps of a camera in arrays or files.

    Raises
    ------
    MuguetError
        If a file holds several images, or a map is not possible (`muguet.pattern.Maps.of`).
    """
    gain, offset, variance = (
        None if each is None else given_one(each, None).array for each in (gain, offset, variance)
    )
    return Maps.of(gain, offset, variance)


def fit(
    images: ImageLike | Sequence[ImageLike],
    axes: str | None = None,
    *,
    minutes: float = 5.0,
    steps: int | None = None,
    components: int = 3,
    recipe: str = "joint",
    net: str | None = None,
    clean: ImageLike | Sequence[ImageLike] | None = None,
    psf: PSF = 1.0,
    mask: str = "auto",
    prior: str = AUTO,
    dimensions: int = 2,
    lines: str = FIND_LINES,
    gain_map: ImageLike | None = None,
    offset_map: ImageLike | None = None,
    variance_map: ImageLike | None = None,
    seed: int = 0,
    device: str = "auto",
) -> Denoiser:
    """Learn a denoiser and the noise law from noisy images alone.

    Parameters
    ----------
    images
        An array of any numeric dtype, in camera counts, the path of a file or a folder, or a list of these.
    axes
        One letter of TCZYXS for each axis, the same for all images; None: those in the files, and guessed from the
        shapes of arrays, with a warning.
    minutes, steps
        Maximum training time, or an exact number of steps, which overrides it. 0: the result is that of the prior,
        before any training.
    components
        Number of Gaussians in the noise law (N-net), 1 to 3.
    recipe, net
        Names of the method and of its network, see `muguet.recipes`; a `net` of None is the recipe's own.
    clean
        For the recipes supervised and care: clean images of the shapes of the noisy ones, or one plane for all. For
        noise2noise: a second noisy image of each scene.
    psf
        For the recipe deconoising: standard deviation of the point spread function in pixels, or a kernel.
    mask
        "auto": hide neighbours with each pixel if their noise is correlated with its own; "pixel": hide single
        pixels; "x1" or "x2y1": also hide this number of neighbours on each side along these axes.
    prior
        "scenes": start from a network that was trained on procedural scenes, and average with its estimate; "none":
        learn from these images alone; "auto": "scenes" for the recipe joint, if it suits the images.
    dimensions
        2: treat planes one by one; 3: treat stacks ZYX as volumes.
    lines
        "auto": find and remove offsets of rows, columns and halves, and, in a movie, patterns that stand still and the
        noise of pixels that are noisier than others; "keep": leave them in. See `muguet.pattern.Correction`.
    gain_map, offset_map, variance_map
        Gain, offset and variance of the read-out noise of every pixel of the camera ``(y, x)``, in counts, counts and
        counts²: arrays or paths of files. They are kept in the model.
    seed
        Seed of all random numbers. The same seed and number of steps give the same bits on the same CPU.
    device
        "auto" (a GPU of NVIDIA or Apple if there is one), "cpu", "cuda", "cuda:1" or "mps".

    Returns
    -------
    Denoiser
        The denoiser: call it on an image; `noise` is the noise law, and `save` writes it to a file.

    Raises
    ------
    MuguetError
        If the images do not allow training; the message gives the reason.
    """
    many = isinstance(images, list | tuple)
    found = given(images, axes)
    targets: Sequence[npt.NDArray[Any] | None] = [None] * len(found)
    if clean is not None:
        targets = [each.array for each in given(clean, axes)]
    if len(targets) != len(found):
        raise MuguetError(
            f"{len(found)} images and {len(targets)} clean ones are no pairs: give one clean image for each"
        )
    samples = [
        Sample(
            each.array,
            named(each.axes, each.array.shape),
            each.name or (f"image {i}" if many else "the image"),
            target,
        )
        for i, (each, target) in enumerate(zip(found, targets, strict=True))
    ]
    session = prepare(
        collect(samples, dimensions, Correction(lines, maps_of(gain_map, offset_map, variance_map))),
        minutes=minutes,
        steps=steps,
        components=components,
        recipe=recipe,
        net=net,
        psf=psf,
        mask=mask,
        prior=prior,
        seed=seed,
        device=device,
    )
    with interruptible() as interrupt:
        while not (interrupt or session.finished):
            session.advance()
    return session.denoiser()
