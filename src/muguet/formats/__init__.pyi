from .lazy import LazyImage
from .registry import READABLE, SUFFIXES, check_output, is_image, members, open_all, read, read_all, write

__all__ = [
    "READABLE",
    "SUFFIXES",
    "LazyImage",
    "check_output",
    "is_image",
    "members",
    "open_all",
    "read",
    "read_all",
    "write",
]
