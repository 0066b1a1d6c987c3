"""Arithmetic: how much of it a piece of code does, and how much of it the machine can do at best."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from _run import settle
from torch.utils.flop_counter import FlopCounterMode

from muguet.system import bfloat16_pays


def flops(run: Callable[[], object]) -> int:
    """Floating-point operations of the convolutions and matrix products in a call, a multiply-add being two.

    What is pixelwise (activations, likelihoods, the optimiser), pooled or moved is not counted.
    """
    with FlopCounterMode(display=False) as counter:
        run()
    return int(counter.get_total_flops())


@dataclass(frozen=True)
class Convolution:
    """3×3, padded, ``(batch, channels, side, side)`` to the same: 2 · 9 · batch · side² · channels² operations."""

    batch: int
    channels: int
    side: int

    @property
    def flops(self) -> int:
        """Those at the padded border counted too."""
        return 18 * self.batch * self.side**2 * self.channels**2

    def __str__(self) -> str:
        return f"{self.batch}×{self.channels}×{self.side}×{self.side}, 3×3"

    def prepare(self, device: torch.device, dtype: torch.dtype) -> Callable[[], object]:
        """It, on random numbers, channels last."""
        place: dict[str, Any] = {"device": device, "dtype": dtype}
        last = torch.channels_last
        image = torch.randn(self.batch, self.channels, self.side, self.side, **place).contiguous(
            memory_format=last
        )
        weight = torch.randn(self.channels, self.channels, 3, 3, **place).contiguous(memory_format=last)
        return lambda: F.conv2d(image, weight, padding=1)


@dataclass(frozen=True)
class Product:
    """Of two square matrices: 2 · side³ operations."""

    side: int

    @property
    def flops(self) -> int:
        """Multiplications and additions."""
        return 2 * self.side**3

    def __str__(self) -> str:
        return f"{self.side}×{self.side} by {self.side}×{self.side}"

    def prepare(self, device: torch.device, dtype: torch.dtype) -> Callable[[], object]:
        """It, on random numbers."""
        one, other = (torch.randn(self.side, self.side, device=device, dtype=dtype) for _ in range(2))
        return lambda: one @ other


CONVOLUTIONS = (Convolution(16, 64, 64), Convolution(16, 128, 64), Convolution(16, 256, 32))
PRODUCTS = (Product(1024), Product(2048))
LARGE_CONVOLUTIONS = (Convolution(64, 128, 128), Convolution(64, 256, 128))  # a GPU is idle with less
LARGE_PRODUCTS = (Product(4096), Product(8192))


def peak(device: torch.device, seconds: float) -> dict[str, Any]:
    """The most operations a second that convolutions, and matrix products, reach here, and which of them does.

    In bfloat16 where muguet trains in it, in float32 elsewhere; forward; each shape for so many seconds, the best call
    counts.
    """
    dtype = torch.bfloat16 if bfloat16_pays(device) else torch.float32
    large = device.type == "cuda"
    convolutions = CONVOLUTIONS + LARGE_CONVOLUTIONS * large
    products = PRODUCTS + LARGE_PRODUCTS * large
    found: dict[str, Any] = {"dtype": str(dtype).removeprefix("torch.")}
    for name, shapes in (("convolution", convolutions), ("product", products)):
        speeds = {str(s): _speed(s, device, dtype, seconds) for s in shapes}
        best = max(speeds, key=lambda shape: speeds[shape])
        found[name] = {"flops_per_s": speeds[best], "shape": best, "all": speeds}
    return found


def _speed(shape: Convolution | Product, device: torch.device, dtype: torch.dtype, seconds: float) -> float:
    """Operations a second of the best of some rounds."""
    calls = 20 if device.type == "cuda" else 1  # in a round: starting one costs a GPU some microseconds
    best, end = float("inf"), time.monotonic() + seconds
    with torch.no_grad():
        run = shape.prepare(device, dtype)
        for _ in range(3):
            run()
        settle()
        while best == float("inf") or time.monotonic() < end:
            started = time.perf_counter()
            for _ in range(calls):
                run()
            settle()
            best = min(best, (time.perf_counter() - started) / calls)
    return shape.flops / best
