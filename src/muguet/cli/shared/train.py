"""Train a denoiser on images and show the progress."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from muguet.cli.shared.checkpoints import continues
from muguet.cli.shared.choices import Choices
from muguet.cli.shared.display import Bar, say, warn
from muguet.cli.shared.rescue import write_or_rescue
from muguet.cli.shared.scenes import label
from muguet.errors import MuguetError
from muguet.system import budget, processes
from muguet.system.text import duration

if TYPE_CHECKING:
    from muguet.denoiser.denoiser import Denoiser
    from muguet.image.image import Image
    from muguet.training.session import Session


def start(
    images: Sequence[Image], targets: Sequence[npt.NDArray[Any] | None], choices: Choices, checkpoint: Path
) -> Session:
    """Prepare a training run on all images, or continue an interrupted one, and show what is known before training.

    `targets` are the clean images of the methods that learn from pairs, and None otherwise. Each of several processes
    adds its patches to a step; a run that is continued keeps the number that it began with.
    """
    from muguet.training import checkpoint as checkpoints
    from muguet.training.plan import BATCH

    usual = BATCH * processes.number()
    resumes, batch = processes.from_first(
        lambda: (
            (True, checkpoints.batch(checkpoint) or usual)
            if continues(checkpoint, choices)
            else (False, usual)
        )
    )
    session = processes.together(lambda: _session(images, targets, choices, batch))
    if resumes:
        checkpoints.restore(session, checkpoint)
        say(f"Continuing from step {session.step}, which {checkpoint} holds.")
    session.join()
    for number, law in enumerate(session.first_laws):
        if law.doubt:
            channel = f" of channel {number}" if len(session.first_laws) > 1 else ""
            say(
                f"  The noise law{channel} cannot be measured on these images: {law.doubt}. "
                "The first result assumes noise of the same size at every signal."
            )
    if not session.finished and processes.is_first():
        _announce(session, len(images))
    return session


def train(session: Session, choices: Choices, checkpoint: Path) -> Denoiser:
    """Train and show the progress; Ctrl-C stops the training and keeps the best model so far.

    Of several processes, the first one returns; the others end.
    """
    from muguet.system.interrupt import interruptible
    from muguet.training.fitting import steps as advance

    if session.finished and session.step == 0:
        _go_on_alone()
        denoiser = session.denoiser()
        outcome = denoiser.training["outcome"]["sentence"]
        say(f"No training: the result is that of the network that muguet ships. {outcome}")
        return denoiser
    with interruptible(
        lambda: say("Stopping: the best model so far is used. Press Ctrl-C again to quit immediately.")
    ) as interrupt:
        stops = False
        with Bar("Training") as bar:
            for progress in advance(session, checkpoint):
                # All processes stop after the same step: a Ctrl-C from here on counts after the next one.
                stops = processes.any_of(interrupt.asked)
                if bar.due or stops:
                    held_out = session.history[-1]["held_out"] if session.history else None
                    # The loss of one step is not shown: it depends on which pixels are drawn, and jumps.
                    text = f"step {progress.step}, {progress.step / progress.seconds:.1f} steps/s"
                    text += f", held-out loss {held_out:.4f}" if held_out is not None else ""
                    facts = {
                        "step": progress.step,
                        "total": progress.total,
                        "seconds": progress.seconds,
                        "loss": float(progress.loss),
                        "held_out": held_out,
                    }
                    bar.show(progress.step / progress.total, progress.seconds_left, text, facts)
                if stops:
                    break
        _go_on_alone()
        kept = _keep(session, checkpoint)
        why = " (stopped by Ctrl-C)" if stops else session.schedule.remark()
        say(f"Trained for {session.step} steps in {duration(session.seconds)}{why}, seed {choices.seed}.")
        denoiser = session.denoiser()
        say(f"  {denoiser.training['outcome']['sentence']}")
        if not kept:  # The results may fail in the same way.
            with contextlib.suppress(MuguetError):
                write_or_rescue(checkpoint.with_suffix(".muguet"), denoiser.save)
        return denoiser


def _go_on_alone() -> None:
    """End this process unless it is the first, which writes the results."""
    first = processes.is_first()
    processes.leave()
    budget.fix_memory(None)
    if not first:
        sys.exit()


def _keep(session: Session, checkpoint: Path) -> bool:
    """Save what was learned until the results are written; return False if this fails, as on a full disk."""
    from muguet.training import checkpoint as checkpoints

    try:
        checkpoints.save(session, checkpoint)
    except MuguetError as error:
        warn(f"Warning: {error}")
        return False
    return True


def _session(
    images: Sequence[Image], targets: Sequence[npt.NDArray[Any] | None], choices: Choices, batch: int
) -> Session:
    from muguet.training import correlated_noise
    from muguet.training.blocks import BlockSample
    from muguet.training.data import collect
    from muguet.training.fitting import prepare
    from muguet.training.planes import Sample

    if ":" in choices.recipe:  # The user's own module may be in the current folder.
        sys.path.insert(0, str(Path.cwd()))

    dataset = collect(
        [
            Sample(
                image.data,
                image.axes,
                label(image),
                target,
                image.blocks if isinstance(image, BlockSample) else None,
            )
            for image, target in zip(images, targets, strict=True)
        ],
        choices.dimensions,
        choices.correction(),
    )
    for note in dataset.notes:
        say(f"  {note}")
    if dataset.channels > 1:
        say(
            f"  {dataset.channels} channels: one network denoises each of them separately; each has its own noise law."
        )
    session = prepare(
        dataset,
        minutes=choices.minutes,
        steps=choices.steps,
        components=choices.components,
        recipe=choices.recipe,
        net=choices.net,
        psf=_psf(choices.psf),
        mask=choices.mask,
        prior=choices.prior,
        seed=choices.seed,
        device=choices.device,
        batch=batch,
    )
    stack = any(each.data.shape[each.axes.index("Z")] > 1 for each in images if "Z" in each.axes)
    if stack and choices.dimensions == 2 and session.method.prior is None:
        say("  Z stack: each plane is denoised separately; --dimensions 3 also uses the neighbouring planes.")
    sentence = correlated_noise.describe(
        session.correlation,
        session.parts.reach or (),
        choices.mask != "auto",
        session.whitenings,
        session.white,
    )
    if sentence:
        say(f"  {sentence}")
    return session


def psf_file(text: str) -> Path | None:
    """Return the file that --psf names; None if it is a number."""
    try:
        float(text)
    except ValueError:
        return Path(text)
    return None


def _psf(text: str) -> float | tuple[tuple[float, ...], ...]:
    """Return the value of `--psf`: a standard deviation, or the rows of a point-spread function."""
    from muguet.formats.registry import read

    try:
        return float(text)
    except ValueError:
        plane = read(Path(text)).data.squeeze()
    return tuple(tuple(float(value) for value in row) for row in plane.reshape(-1, plane.shape[-1]))


def _announce(session: Session, files: int) -> None:
    """Show how long training and denoising will take on this machine, from a few trial steps."""
    from muguet.denoiser.views import views_of

    step, pixel = session.rehearse()
    if session.plan.steps is not None:
        training = step * (session.plan.steps - session.step)
        length = f"{session.plan.steps} steps, about {duration(training)}"
    else:
        left = 60 * session.plan.minutes - session.seconds
        steps = min(int(left / step), (session.schedule.total or sys.maxsize) - session.step)
        length = f"about {duration(min(left, step * steps))} ({steps} steps), at most {duration(left)}"
    prediction = pixel * session.pixels * len(views_of(session.parts, session.pixels / files))
    say(f"Training on {session.device}: {length}. Denoising then takes about {duration(prediction)}.")
