from .executor import denoise_blocks
from .job import Job
from .share import Share
from .work import Work

__all__ = ["Job", "Share", "Work", "denoise_blocks"]
