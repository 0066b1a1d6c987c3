"""Count the arithmetic of a piece of code, and measure the best speed of the machine."""

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
    """Return the floating-point operations of the convolutions and matrix products in a call; a multiply-add is two.

    Pixelwise operations (activations, likelihoods, the optimiser), pooling and copies are not counted.
    """
    with FlopCounterMode(display=False) as counter:
        run()
    return int(counter.get_total_flops())


@dataclass(frozen=True)
class Convolution:
    """A padded 3×3 convolution of ``(batch, channels, side, side)``: 2 · 9 · batch · side² · channels² operations."""

    batch: int
    channels: int
    side: int

    @property
    def flops(self) -> int:
        """Number of operations, including those at the padded border."""
        return 18 * self.batch * self.side**2 * self.channels**2

    def __str__(self) -> str:
        return f"{self.batch}×{self.channels}×{self.side}×{self.side}, 3×3"

    def prepare(self, device: torch.device, dtype: torch.dtype) -> Callable[[], object]:
        """Return a function that computes it on random numbers, channels last."""
        place: dict[str, Any] = {"device": device, "dtype": dtype}
        last = torch.channels_last
        image = torch.randn(self.batch, self.channels, self.side, self.side, **place).contiguous(
            memory_format=last
        )
        weight = torch.randn(self.channels, self.channels, 3, 3, **place).contiguous(memory_format=last)
        return lambda: F.conv2d(image, weight, padding=1)


@dataclass(frozen=True)
class Product:
    """A product of two square matrices: 2 · side³ operations."""

    side: int

    @property
    def flops(self) -> int:
        """Number of multiplications and additions."""
        return 2 * self.side**3

    def __str__(self) -> str:
        return f"{self.side}×{self.side} by {self.side}×{self.side}"

    def prepare(self, device: torch.device, dtype: torch.dtype) -> Callable[[], object]:
        """Return a function that computes it on random numbers."""
        one, other = (torch.randn(self.side, self.side, device=device, dtype=dtype) for _ in range(2))
        return lambda: one @ other


CONVOLUTIONS = (Convolution(16, 64, 64), Convolution(16, 128, 64), Convolution(16, 256, 32))
PRODUCTS = (Product(1024), Product(2048))
LARGE_CONVOLUTIONS = (Convolution(64, 128, 128), Convolution(64, 256, 128))  # smaller ones leave a GPU idle
LARGE_PRODUCTS = (Product(4096), Product(8192))


def peak(device: torch.device, seconds: float) -> dict[str, Any]:
    """Return the highest speed of convolutions and of matrix products on this machine, and the shapes that reach it.

    They run in bfloat16 if muguet trains in it here and otherwise in float32, forward only. Each shape runs for
    `seconds`, and its fastest call counts.
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
    """Return the operations per second of the fastest of several rounds."""
    calls = (
        20 if device.type == "cuda" else 1
    )  # calls in a round, because starting one takes a GPU some microseconds
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
