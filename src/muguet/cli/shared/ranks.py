"""Several processes that train one model: the first one checks, shows and writes, and the others train along."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy.typing as npt

from muguet.cli.shared.choices import Choices
from muguet.cli.shared.display import settings
from muguet.cli.shared.examples import flat, read_examples
from muguet.cli.shared.failures import Failures
from muguet.cli.shared.streams import Streams
from muguet.cli.shared.train import start, train
from muguet.image.image import Image
from muguet.system import budget, processes

Images = dict[Path, tuple[Image, ...]]
Targets = dict[Path, tuple[npt.NDArray[Any] | None, ...]]


def join() -> bool:
    """Connect with the other processes that `torchrun` has started; return whether this is the first or only one."""
    processes.join()
    settings.silent = not processes.is_first()
    return processes.is_first()


def lead(sources: list[Path], choices: Choices, always: bool = False) -> None:
    """Let the other processes begin the training on these files, each with an equal share of the memory.

    `always` says whether all files are processed block by block, see `Streams`.
    """
    if processes.number() == 1:
        return
    memory = budget.memory_for_images(choices.memory) // processes.number_here()
    processes.from_first(lambda: (sources, memory, always))
    budget.fix_memory(memory)


def follow(choices: Choices) -> None:
    """Train along with the first process, and end with the training, or earlier if there is nothing to train."""
    sources: list[Path]
    try:
        sources, memory, always = processes.from_first(lambda: ([], 0, False))
    except processes.LostProcessError:  # The first process has ended, and has said why.
        sys.exit()
    budget.fix_memory(memory)
    failures = Failures(len(sources), choices.strict)
    images, targets = read_together(sources, choices, failures, Streams(choices, always))
    train(start(flat(images), flat(targets), choices, Path()), choices, Path())


def read_together(
    sources: list[Path], choices: Choices, failures: Failures, streams: Streams
) -> tuple[Images, Targets]:
    """Read the images in every process, see `read_examples`; an error in one of them ends all."""
    return processes.together(lambda: read_examples(sources, choices, failures, streams))
