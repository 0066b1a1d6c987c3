"""One HTML page on a denoised image, which needs nothing but itself."""

from muguet.report.assembly import check_report, write_report
from muguet.report.channel import Channel
from muguet.report.run import Run

__all__ = ["Channel", "Run", "check_report", "write_report"]
