"""Denoise a file on many processes or machines that share a disk, with any executor of `concurrent.futures`."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from dataclasses import dataclass, replace
from pathlib import Path

from muguet.blockwise.job import MODEL, Job
from muguet.blockwise.opening import opened, reopened
from muguet.blockwise.share import Share
from muguet.blockwise.work import Work
from muguet.denoiser.denoiser import Denoiser
from muguet.denoiser.model_file import load
from muguet.errors import MuguetError

_MAX_WAITING = 256  # Tasks that are submitted and not done; more would only use memory.
_TASKS = 4096  # About this many tasks at most, so that submitting them costs nothing beside their work.


def denoise_blocks(
    source: str | os.PathLike[str],
    result: str | os.PathLike[str],
    model: Denoiser | str | os.PathLike[str],
    *,
    executor: Executor | None = None,
    axes: str | None = None,
    scenes: Sequence[str | int] = (),
    valid_range: tuple[float, float] | None = None,
    mask_value: float | None = None,
    dtype: str | None = None,
    symmetries: int | None = None,
    time_window: int | None = None,
    causal: bool = False,
    z_window: int | None = None,
    std: bool = False,
    error: str | os.PathLike[str] | None = None,
    pattern: str | os.PathLike[str] | None = None,
    ome_zarr: str | None = None,
    part: tuple[int, int] = (1, 1),
    overwrite: bool = False,
    device: str = "auto",
) -> bool:
    """Denoise the images of a file of any size block by block, and write them to a Zarr store.

    What an earlier call has finished is passed over, however it ended: a call that is repeated goes on. Until all is
    done, the results lie in the folder `RESULT.unfinished`.

    Parameters
    ----------
    source
        The noisy file, which every process can read under this name.
    result
        A name that ends in .zarr, on a disk that every process can write to. Without an executor, and for the part
        (1, 1), it may also be a TIFF file, which is written in one run.
    model
        A denoiser, or the path of its file.
    executor
        Where blocks are computed: a `concurrent.futures.ProcessPoolExecutor`, the `get_executor()` of a client of
        dask.distributed, or any other executor of functions that can be pickled. None: this process.
    axes, scenes
        See `muguet.formats.open_all`.
    valid_range, mask_value
        Values that are no measurements: outside a range, or equal to one value.
    dtype
        Data type of the result; None: that of the image, or float32 if rounding would destroy the result.
    symmetries
        Number of views, see `Denoiser.__call__`.
    time_window, causal, z_window
        Which frames of a movie and planes of a stack help to estimate one, see `Denoiser.__call__`.
    std
        Whether the standard deviation of the error of each pixel is computed rather than the denoised image.
    error
        A further name, like `result`: the standard deviation of the error is written there in the same run.
    pattern
        A further name, like `result`: what is subtracted from each pixel before denoising is written there.
    ome_zarr
        "0.4" or "0.5"; None: the version of the input, or 0.5.
    part
        ``(i, n)``: only the part i of n of the blocks, 1 ≤ i ≤ n. Parts may be computed at the same time.
    overwrite
        Whether an existing result is replaced.
    device
        Where the network runs, see `muguet.load`.

    Returns
    -------
    bool
        Whether the result is complete; False if other parts are missing.

    Raises
    ------
    MuguetError
        If an input cannot be read, the result cannot be written, or a worker process was lost.
    """
    denoiser = model if isinstance(model, Denoiser) else load(Path(model), device)
    work = Work(
        Path(source),
        Path(result),
        axes,
        tuple(map(str, scenes)),
        valid_range,
        mask_value,
        dtype,
        symmetries,
        std,
        ome_zarr,
        time_window,
        causal,
        z_window,
        None if error is None else Path(error),
        None if pattern is None else Path(pattern),
    )
    share = Share(*part)
    together = executor is not None or share.parts > 1
    with opened(work, denoiser, overwrite=overwrite, together=together) as job:
        numbers = job.missing(share) if job.resumes else list(range(job.total))
        for _ in job.run(numbers) if executor is None else spread(job, numbers, executor, device):
            pass
        return job.finish()


@dataclass(frozen=True)
class Task:
    """What a worker needs to compute blocks of a job: paths and choices, no pixels and no weights."""

    work: Work
    folder: Path
    model: Path
    device: str


def spread(job: Job, numbers: Sequence[int], executor: Executor, device: str = "auto") -> Iterator[int]:
    """Compute blocks of a job by an executor, and yield their numbers as they are done.

    A task writes whole shards and returns numbers, so that it may be done twice without harm.

    Raises
    ------
    MuguetError
        If a task fails or a worker is lost; what is done stays.
    """
    assert job.held is not None
    model = job.held.own / MODEL
    if not model.exists():
        job.denoiser.save(model)
    own = job.work
    paths = {"source": own.source, "result": own.result, "error": own.error, "pattern": own.pattern}
    absolute = {name: path.absolute() for name, path in paths.items() if path is not None}
    work = replace(own, **absolute)  # type: ignore[arg-type]
    task = Task(work, job.held.folder, model, device)
    size = max(len(numbers) // _TASKS, 1)
    chunks = iter(numbers[start : start + size] for start in range(0, len(numbers), size))
    waiting: set[Future[tuple[list[int], list[str]]]] = set()
    try:
        while True:
            for chunk in _take(chunks, _MAX_WAITING - len(waiting)):
                waiting.add(executor.submit(compute, task, list(chunk)))
            if not waiting:
                return
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for each in done:
                job.began = True
                finished, damaged = each.result()
                job.damaged += damaged
                yield from finished
    except BrokenExecutor as error:
        raise MuguetError(
            "a worker process was lost, perhaps for lack of memory: the same call goes on from what is done"
        ) from error
    finally:
        for each in waiting:
            each.cancel()


def _take(chunks: Iterator[Sequence[int]], number: int) -> Iterable[Sequence[int]]:
    return (chunk for _, chunk in zip(range(number), chunks, strict=False))


def compute(task: Task, numbers: list[int]) -> tuple[list[int], list[str]]:
    """Compute blocks in a worker; return their numbers, and a sentence for each that cannot be read."""
    job = _job_of(task)
    job.damaged = []
    return list(job.run(numbers)), job.damaged


@functools.lru_cache(maxsize=2)
def _job_of(task: Task) -> Job:
    """Return the job of a task; a worker loads the model and opens the images once."""
    denoiser = load(task.model, task.device)
    return reopened(task.work, denoiser, task.folder)
