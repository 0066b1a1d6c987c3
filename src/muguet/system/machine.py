"""A description of the computer: processor, memory and system, without the name of the computer or its owner."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def machine(device: str = "cpu") -> dict[str, str]:
    """Return labels and values that describe this computer; `device` is the one that the network runs on."""
    facts = {
        "Processor": _processor(),
        "Cores": str(os.cpu_count() or ""),
        "Memory": _memory(),
        "Graphics": _graphics(device),
        "System": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
    }
    return {label: value for label, value in facts.items() if value}


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2] for line in lines if line.startswith("model name"))
    return " ".join(next(names, platform.processor()).split())


def _memory() -> str:
    """The memory in GiB; an empty text if the system does not report it this way, as on Windows."""
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return ""
    return f"{size / 2**30:.3g} GiB"


def _graphics(device: str) -> str:
    if not device.startswith("cuda"):
        return ""
    import torch

    return str(torch.cuda.get_device_name(device))
