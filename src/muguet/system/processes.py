"""The processes that train one model together: how many there are, which one this is, and what they share.

`torchrun` starts the processes, and the command line joins them. In any other program there is one process.
"""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar, cast

from muguet.errors import MuguetError

if TYPE_CHECKING:
    from torch import Tensor, nn

T = TypeVar("T")

_TIMEOUT = timedelta(minutes=30)  # A process that does not answer for this time is taken to be lost.
_VARIABLES = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
_SIGNS = ("gloo", "nccl", "connection", "socket", "store")  # in the messages of PyTorch about a lost process


class LostProcessError(MuguetError):
    """Another process has ended or does not answer, so that this one cannot go on."""


@dataclass(frozen=True)
class _Group:
    rank: int = 0
    number: int = 1
    local: int = 0  # Rank among those on this computer.
    here: int = 1  # Number of those on this computer.


_ALONE = _Group()
_group = _ALONE


def launched() -> bool:
    """Return whether a program such as `torchrun` has started several processes, of which this is one."""
    return all(name in os.environ for name in _VARIABLES) and int(os.environ["WORLD_SIZE"]) > 1


def launched_first() -> bool:
    """Return whether this is the first of the processes that were started together, or the only one."""
    return not launched() or int(os.environ["RANK"]) == 0


def join(timeout: timedelta = _TIMEOUT) -> None:
    """Connect with the other processes that were started together with this one; no effect if there are none.

    Raises
    ------
    LostProcessError
        If another process cannot be reached.
    """
    global _group
    if not launched() or _group is not _ALONE:
        return
    import torch
    from torch import distributed

    rank, number = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    local, here = int(os.environ.get("LOCAL_RANK", rank)), int(os.environ.get("LOCAL_WORLD_SIZE", number))
    # Small values on the CPU are exchanged without waiting for a GPU.
    backend = (
        "cpu:gloo,cuda:nccl" if torch.cuda.is_available() and distributed.is_nccl_available() else "gloo"
    )
    with watched():
        distributed.init_process_group(backend, timeout=timeout, rank=rank, world_size=number)
    _group = _Group(rank, number, local, here)


def leave() -> None:
    """Part from the other processes: from now on, this one computes alone.

    A process that closes its connections while another is still receiving what they agreed on would make that one fail.
    So each reports to the first one that it has received all, and waits until all have done so.
    """
    global _group
    if _group.number > 1:
        import torch
        from torch import distributed

        others = range(1, _group.number) if is_first() else (0,)
        token = torch.zeros(1)
        with contextlib.suppress(RuntimeError):  # A process that is lost has parted already.
            for step in (
                (distributed.recv, distributed.send) if is_first() else (distributed.send, distributed.recv)
            ):
                for other in others:
                    step(token, other)
        distributed.destroy_process_group()
    _group = _ALONE


@contextmanager
def alone() -> Iterator[None]:
    """Return a context in which this process computes alone, while the others wait or do something else."""
    global _group
    before, _group = _group, _ALONE
    try:
        yield
    finally:
        _group = before


def number() -> int:
    """Return the number of processes that compute together."""
    return _group.number


def rank() -> int:
    """Return the number of this process, from 0."""
    return _group.rank


def is_first() -> bool:
    """Return whether this is the first process, which alone writes files and shows messages."""
    return _group.rank == 0


def local_rank() -> int:
    """Return the number of this process among those on this computer, from 0."""
    return _group.local


def number_here() -> int:
    """Return the number of processes on this computer."""
    return _group.here


# ------------------------------------------------------------------ tensors


def parallel(module: nn.Module) -> nn.Module:
    """Return a module whose backward pass averages the gradients over the processes; alone, the module itself.

    The parameters and buffers become those of the first process.
    """
    if _group.number == 1:
        return module
    from torch.nn.parallel import DistributedDataParallel

    with watched(), warnings.catch_warnings():
        # The name of the option has changed in PyTorch 2.13. Buffers are equal, as all processes compute the same ones.
        warnings.simplefilter("ignore", FutureWarning)
        return DistributedDataParallel(module, broadcast_buffers=False)


def rows(length: int) -> slice:
    """Return the part of a batch of this length that this process computes: one of `number` nearly equal parts."""
    return slice(length * _group.rank // _group.number, length * (_group.rank + 1) // _group.number)


def mean(values: Tensor) -> Tensor:
    """Return the mean of a tensor without a gradient over the processes."""
    return values if _group.number == 1 else _total(values) / _group.number


def part_of_total(weight: Tensor) -> Tensor:
    """Return Σ w / n, where the sum of at least 1 is over all n processes; each holds its `weight` w, a scalar.

    A process divides its weighted sum of losses by this number. The mean of the quotients over the processes, and of
    their gradients, is then the weighted mean over the whole batch, also where the processes differ in weight.
    """
    return weight.clamp(min=1) if _group.number == 1 else _total(weight).clamp(min=1) / _group.number


def _total(values: Tensor) -> Tensor:
    from torch import distributed

    values = values.detach().clone()
    with watched():
        distributed.all_reduce(values)
    return values


def longest(seconds: float) -> float:
    """Return the maximum of a time over the processes, so that all decide by one clock."""
    if _group.number == 1:
        return seconds
    import torch
    from torch import distributed

    value = torch.tensor(seconds, dtype=torch.float64)
    with watched():
        distributed.all_reduce(value, distributed.ReduceOp.MAX)
    return float(value)


def any_of(flag: bool) -> bool:
    """Return whether a flag is set in any process."""
    return longest(float(flag)) > 0


# ------------------------------------------------------------------- values


def from_first(function: Callable[[], T]) -> T:
    """Return the result of a function that only the first process calls; all processes must call `from_first`.

    If the function raises an error of the user, the first process raises it; the others end with exit code 2.
    """
    if _group.number == 1:
        return function()
    from torch import distributed

    value: T | None = None
    error: MuguetError | None = None
    if is_first():
        try:
            value = function()
        except MuguetError as raised:
            error = raised
    shared: list[Any] = [value, error is not None]
    with watched():
        distributed.broadcast_object_list(shared)
    if error is not None:
        raise error
    if shared[1]:
        sys.exit(2)
    return cast(T, shared[0])


def together(function: Callable[[], T]) -> T:
    """Call a function in every process, and end all of them if it raises an error of the user in one.

    The function does not communicate. The first process raises the error, also that of another process; the others
    end with exit code 2.
    """
    if _group.number == 1:
        return function()
    found: T | None = None
    sentence = None
    try:
        found = function()
    except MuguetError as error:
        sentence = str(error)
    sentences = _gathered(sentence)
    wrong = [text for text in sentences if text is not None]
    if wrong and not is_first():
        sys.exit(2)
    if wrong:
        raise MuguetError(wrong[0])
    return cast(T, found)


def require_same(value: str, sentence: str) -> None:
    """Raise an error with a sentence if a value differs between processes.

    Raises
    ------
    MuguetError
        In the first process; the others end with exit code 2.
    """
    if _group.number > 1:
        same = len(set(_gathered(value))) == 1

        def check() -> None:
            if not same:
                raise MuguetError(sentence)

        together(check)


def _gathered(value: T) -> list[T]:
    from torch import distributed

    values: list[T] = [value] * _group.number
    with watched():
        distributed.all_gather_object(values, value)
    return values


@contextmanager
def watched() -> Iterator[None]:
    """Return a context in which the errors of PyTorch about another process become one sentence.

    Raises
    ------
    LostProcessError
        If another process has ended or does not answer.
    """
    try:
        yield
    except RuntimeError as error:
        if _group.number == 1 or not _is_loss(error):
            raise
        raise LostProcessError(
            "another process of the training has ended or does not answer, so that the training cannot go on: see its "
            "message, and repeat the command to continue from the last checkpoint"
        ) from error


def _is_loss(error: RuntimeError) -> bool:
    """Whether an error of PyTorch shows that another process is lost."""
    from torch import distributed

    text = str(error).lower()
    return isinstance(error, distributed.DistError) or any(sign in text for sign in _SIGNS)
