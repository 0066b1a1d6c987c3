"""One HTML page on a denoised image, which needs nothing but itself."""

from muguet.evaluation.report.assembly import check_report, write_report
from muguet.evaluation.report.channel import Channel
from muguet.evaluation.report.run import Run

__all__ = ["Channel", "Run", "check_report", "write_report"]
