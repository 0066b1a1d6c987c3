"""Training by several processes, which draw the same batches and share the patches of each."""

from __future__ import annotations

from torch import nn

from muguet.errors import MuguetError
from muguet.method import Method
from muguet.system import processes


def join_processes(method: Method, batch: int, content: str) -> nn.Module:
    """Return the method, or its wrapper that averages gradients over the processes of a run.

    Parameters
    ----------
    method
        The method, which all processes have with the same weights.
    batch
        Number of patches in a step.
    content
        Identifier of the images.

    Raises
    ------
    MuguetError
        If there are more processes than patches in a step, or the processes read different images.
    """
    if processes.number() > batch:
        raise MuguetError(
            f"a step of this training has {batch} patches, which {processes.number()} processes cannot "
            f"share: start at most {batch} (--nproc-per-node)"
        )
    processes.require_same(
        content,
        "the processes of the training read different images: give all of them the same files and options",
    )
    return processes.parallel(method)
