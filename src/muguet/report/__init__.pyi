from .assembly import check_report, write_report
from .channel import Channel
from .gather import report_on
from .run import Run

__all__ = ["Channel", "Run", "check_report", "report_on", "write_report"]
