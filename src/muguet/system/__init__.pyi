from .device import bfloat16_pays, find_device
from .interrupt import interruptible
from .machine import machine
from .memory import keep_freed_memory

__all__ = ["bfloat16_pays", "find_device", "interruptible", "keep_freed_memory", "machine"]
