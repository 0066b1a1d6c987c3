"""The options that share the blocks of an image among processes and machines."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from muguet.blockwise.share import Share
from muguet.errors import MuguetError
from muguet.system.extras import check_installed

_PANEL = "Many processes"
_TRIES = 3  # So many workers may be lost with one block before it is an error.

PartOfJob = Annotated[
    str | None,
    typer.Option(
        "--part",
        metavar="I/N",
        help="Process only part I of N of the image, as a task of a job array; the last part completes the result. "
        "Needs --model, and a result in OME-Zarr.",
        rich_help_panel=_PANEL,
        show_default=False,
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=1024,
        help="Denoise with this number of processes on this computer. Needs muguet[cluster], and a result in OME-Zarr.",
        rich_help_panel=_PANEL,
        show_default="1, with several threads",
    ),
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="Denoise on the workers of a Dask scheduler, for example tcp://10.0.0.1:8786. They must reach the files "
        "under the same names.",
        rich_help_panel=_PANEL,
        show_default=False,
    ),
]


@dataclass(frozen=True)
class Spread:
    """How the blocks of an image are shared among processes.

    Attributes
    ----------
    share
        The part of the blocks that this command processes; None: all.
    workers
        Number of processes on this computer; None: this one alone.
    scheduler
        Address of a Dask scheduler, or None.
    device
        Where the network runs.
    """

    share: Share | None = None
    workers: int | None = None
    scheduler: str | None = None
    device: str = "auto"

    @classmethod
    def of(cls, part: str | None, workers: int | None, scheduler: str | None, device: str) -> Spread:
        """Return what the options ask for.

        Raises
        ------
        MuguetError
            If they contradict each other, or the package is missing.
        """
        if sum(each is not None for each in (part, workers, scheduler)) > 1:
            raise MuguetError(
                "--part, --workers and --scheduler are three ways to share one image: choose one of them"
            )
        share = None if part is None else Share.of(part)
        if workers is not None or scheduler is not None:
            option = "--workers" if scheduler is None else "--scheduler"
            check_installed("cluster", ("distributed", "zarr"), option)
        return cls(share, workers, scheduler, device)

    @property
    def together(self) -> bool:
        """Whether several processes write to one result."""
        return self.share is not None or self.workers is not None or self.scheduler is not None

    @contextlib.contextmanager
    def executor(self) -> Iterator[Executor | None]:
        """Start the workers, or connect to them, and yield what computes on them; None: this process computes.

        Raises
        ------
        MuguetError
            If there is no scheduler at the address.
        """
        if self.workers is None and self.scheduler is None:
            yield None
            return
        from distributed import Client, LocalCluster

        with contextlib.ExitStack() as stack:
            if self.scheduler is None:
                address: object = stack.enter_context(
                    LocalCluster(
                        n_workers=self.workers,
                        threads_per_worker=1,
                        dashboard_address=None,
                        memory_limit=0,  # Blocks have a known size, and a worker that waits for memory never ends.
                        silence_logs=logging.CRITICAL,
                    )
                )
            else:
                address = self.scheduler
            logging.getLogger("distributed").setLevel(
                logging.CRITICAL
            )  # What matters of it becomes a sentence.
            try:
                client = stack.enter_context(Client(address, timeout="20s", set_as_default=False))
            except (OSError, ValueError) as error:
                raise MuguetError(
                    f"there is no Dask scheduler at {self.scheduler}: check the address, or start one by dask scheduler"
                ) from error
            yield client.get_executor(pure=False, retries=_TRIES)


def require_stores(results: Iterable[Path]) -> None:
    """Raise an error if a result is no Zarr store, to which alone several processes can write.

    Raises
    ------
    MuguetError
        If there is such a result.
    """
    for result in results:
        if result.suffix.lower() != ".zarr":
            raise MuguetError(
                f"{result} is no Zarr store, and several processes can write to nothing else: name an output that ends "
                "in .ome.zarr"
            )
