from .assembly import check_report, write_report
from .channel import Channel
from .gather import report_denoising
from .run import Run

__all__ = ["Channel", "Run", "check_report", "report_denoising", "write_report"]
