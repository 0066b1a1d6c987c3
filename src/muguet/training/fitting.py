"""Training: a generator that yields its steps, and the two functions that most people need."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from muguet.denoiser import Denoiser
from muguet.errors import MuguetError
from muguet.image.axes import named
from muguet.recipes import Parts
from muguet.restoration.optics import PSF
from muguet.system.interrupt import interruptible
from muguet.training import checkpoint as checkpoints
from muguet.training.correlated_noise import parse
from muguet.training.data import Dataset, Sample, collect
from muguet.training.plan import Plan, Progress
from muguet.training.session import Session

__all__ = ["Plan", "Progress", "Session", "denoise", "fit", "steps"]

CHECKPOINT_EVERY = 30.0  # seconds


def steps(session: Session, checkpoint: Path | None = None) -> Iterator[Progress]:
    """Train, yielding every step; stop iterating whenever you like, `session.denoiser()` is the best so far.

    With a `checkpoint` path the session is saved there every 30 seconds.
    """
    saved = time.monotonic()
    while not session.finished:
        yield session.advance()
        if checkpoint is not None and time.monotonic() - saved >= CHECKPOINT_EVERY:
            try:
                checkpoints.save(session, checkpoint)
            except MuguetError as error:  # a full disk is no reason to lose the run
                warnings.warn(f"training goes on without a checkpoint: {error}", stacklevel=2)
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
    seed: int = 0,
    device: str = "auto",
) -> Session:
    """Return a session that has not taken a step yet.

    Parameters
    ----------
    dataset
        The training set, see `muguet.training.collect`.
    minutes, steps, components, recipe, net, psf, mask, seed, device
        As of `fit`.

    Raises
    ------
    MuguetError
        If the data and the choices do not fit.
    """
    parts = Parts(recipe, net, components, reach=parse(mask, dataset.dimensions), psf=psf)
    return Session(dataset, parts, Plan(minutes=minutes, steps=steps, seed=seed, device=device))


def fit(
    images: npt.ArrayLike | Sequence[npt.ArrayLike],
    axes: str | None = None,
    *,
    minutes: float = 5.0,
    steps: int | None = None,
    components: int = 3,
    recipe: str = "joint",
    net: str | None = None,
    clean: npt.ArrayLike | Sequence[npt.ArrayLike] | None = None,
    psf: PSF = 1.0,
    mask: str = "auto",
    dimensions: int = 2,
    seed: int = 0,
    device: str = "auto",
) -> Denoiser:
    """Learn a denoiser, and the law of the noise, from noisy images alone.

    Parameters
    ----------
    images
        An array or a list of arrays, of any numeric dtype, in camera counts.
    axes
        One letter of TCZYXS an axis, the same for all; None: guessed from the shapes, and a warning says so.
    minutes, steps
        Time to train at most, or an exact number of steps.
    components
        K of the Gaussian mixture that N-net learns.
    recipe, net
        See `muguet.recipes`.
    clean
        For recipes that learn from it (supervised, care): clean images of the shapes of the noisy ones, or one
        plane for all; for noise2noise a second noisy image of each scene.
    psf
        For deconoising: standard deviation in pixels, or a kernel.
    mask
        "auto": neighbours are hidden with a pixel if their noise is correlated with its own; "pixel": never; "x1",
        "x2y1": so many on either side along these axes.
    dimensions
        2: planes are treated one by one; 3: space is ZYX.
    seed
        The same seed and steps give the same bits on the same CPU.
    device
        "auto", "cpu", "cuda".

    Returns
    -------
    Denoiser
        Call it on an image; `.noise` is the learned law; `.save(path)`.

    Raises
    ------
    MuguetError
        If the images cannot be learned from; the message says why.
    """
    many = isinstance(images, list | tuple)
    arrays = _arrays(images)
    targets: Sequence[npt.NDArray[Any] | None] = [None] * len(arrays) if clean is None else _arrays(clean)
    if len(targets) != len(arrays):
        raise MuguetError(
            f"{len(arrays)} images and {len(targets)} clean ones are no pairs: give one for each"
        )
    samples = [
        Sample(array, named(axes, array.shape), f"image {i}" if many else "the image", target)
        for i, (array, target) in enumerate(zip(arrays, targets, strict=True))
    ]
    session = prepare(
        collect(samples, dimensions),
        minutes=minutes,
        steps=steps,
        components=components,
        recipe=recipe,
        net=net,
        psf=psf,
        mask=mask,
        seed=seed,
        device=device,
    )
    with interruptible() as interrupt:
        while not (interrupt or session.finished):
            session.advance()
    return session.denoiser()


def _arrays(images: npt.ArrayLike | Sequence[npt.ArrayLike]) -> list[npt.NDArray[Any]]:
    return [np.asarray(each) for each in images] if isinstance(images, list | tuple) else [np.asarray(images)]


def denoise(image: npt.ArrayLike, axes: str | None = None, **choices: Any) -> npt.NDArray[np.float32]:
    """Denoise an image by what can be learned from it alone: `fit` (its keywords apply), then the model."""
    return fit(image, axes, **choices)(image, axes)
