"""Did it work? Checks of a denoised image without a clean one, each with a verdict in one line."""

from muguet.evaluation.quality.calibration import HeldOut
from muguet.evaluation.quality.card import Quality, assumptions, quality
from muguet.evaluation.quality.check import Check, Verdict

__all__ = ["Check", "HeldOut", "Quality", "Verdict", "assumptions", "quality"]
