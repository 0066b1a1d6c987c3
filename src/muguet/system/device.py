"""The device that networks run on, and the precision that is fastest there."""

from __future__ import annotations

import time

import torch

from muguet.errors import MuguetError
from muguet.system import processes


def find_device(name: str) -> torch.device:
    """Return the device of this name; "auto" stands for a GPU if there is one, and for the CPU otherwise.

    A GPU of Apple is "mps". It is taken if its version of PyTorch has the operations of a training step.

    Raises
    ------
    MuguetError
        If this computer has no such device.
    """
    if processes.number() > 1 and name != "cpu":
        return _own_device(name)
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() and _trains("mps") else "cpu")
    try:
        device = torch.device(name)
        torch.ones(1, device=device).item()  # The device "meta" exists, but holds no values.
    except (RuntimeError, AssertionError, ImportError, AttributeError) as error:
        raise MuguetError(f"--device={name} is not available: use auto or cpu") from error
    return device


def _own_device(name: str) -> torch.device:
    """Return the device of this process, one of several: a GPU of its own, or the CPU."""
    if name not in ("auto", "cuda"):
        raise MuguetError(
            f"--device={name} is not possible with several processes: use cuda, for a GPU each, or cpu"
        )
    gpus, here = torch.cuda.device_count(), processes.number_here()
    if name == "auto" and not gpus:
        return torch.device("cpu")
    if gpus < here:
        raise MuguetError(
            f"{here} processes on this computer need {here} GPUs, but there are {gpus}: start fewer "
            "(--nproc-per-node), or use --device=cpu"
        )
    torch.cuda.set_device(processes.local_rank())
    return torch.device("cuda", processes.local_rank())


def _trains(name: str) -> bool:
    """Return whether a device has the operations of a training step that not every version of PyTorch has on it."""
    try:
        device = torch.device(name)
        chance = torch.Generator(device).manual_seed(0)
        image = torch.rand((1, 1, 8, 8), generator=chance, device=device)
        weight = torch.ones((1, 1, 3, 3), device=device, requires_grad=True)
        with torch.autocast(name, torch.bfloat16, enabled=False):
            found = torch.nn.functional.conv2d(image.index_select(-1, torch.arange(8, device=device)), weight)
        terms = torch.logsumexp(torch.nn.functional.softplus(found), 1)
        loss = terms[terms > terms.median()].sum() + torch.special.ndtr(found).mean()
        loss.backward()
        torch._foreach_lerp_([torch.zeros_like(weight)], [weight.detach()], 0.5)
    except (RuntimeError, NotImplementedError, AssertionError, TypeError):
        return False
    return weight.grad is not None and bool(torch.isfinite(weight.grad).all())


def bfloat16_pays(device: torch.device, dims: int = 2) -> bool:
    """Return whether bfloat16 is faster than float32 on a device, which is so if it has instructions for bfloat16.

    The result is False for 3-D networks on a CPU, where the gradient of the weights of a convolution in bfloat16 reads
    uninitialised memory (PyTorch 2.13, oneDNN), so that it differs between runs and is sometimes NaN.
    """
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type == "cpu" and dims == 2:
        capabilities: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()
        return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
    return False


def seconds_on(device: torch.device) -> float:
    """Return the time of a clock in seconds, after the device has finished all its work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
    return time.monotonic()
