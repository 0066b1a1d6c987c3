from . import processes
from .device import bfloat16_pays, find_device
from .interrupt import interruptible
from .machine import machine
from .memory import keep_freed_memory
from .text import duration, json_safe, to_json

__all__ = [
    "bfloat16_pays",
    "duration",
    "find_device",
    "interruptible",
    "json_safe",
    "keep_freed_memory",
    "machine",
    "processes",
    "to_json",
]
