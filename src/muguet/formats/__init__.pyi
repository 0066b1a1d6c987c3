from .registry import READABLE, SUFFIXES, check_output, is_image, members, read, read_all, write

__all__ = ["READABLE", "SUFFIXES", "check_output", "is_image", "members", "read", "read_all", "write"]
