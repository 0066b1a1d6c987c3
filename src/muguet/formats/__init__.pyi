from .registry import READABLE, SUFFIXES, check_output, read, write

__all__ = ["READABLE", "SUFFIXES", "check_output", "read", "write"]
