"""Which device the networks run on, and in which precision."""

from __future__ import annotations

import time

import torch

from muguet.errors import MuguetError


def find_device(name: str) -> torch.device:
    """The device of this name, "auto" being a GPU if there is one.

    Raises
    ------
    MuguetError
        If there is no such device here.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise MuguetError(f"--device {name} is not there: use auto or cpu") from error
    return device


def bfloat16_pays(device: torch.device, dims: int = 2) -> bool:
    """Whether bfloat16 is faster than float32 there: on CPUs with the instructions, on GPUs that have them.

    Not for stacks on a CPU: the gradient of a 3-D convolution's weights reads memory there that nobody wrote
    (PyTorch 2.13, oneDNN), so that it differs from run to run and is NaN at times.
    """
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type == "cpu" and dims == 2:
        capabilities: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()
        return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
    return False


def seconds_on(device: torch.device) -> float:
    """Return the seconds on a clock, once the device has finished its work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.monotonic()
