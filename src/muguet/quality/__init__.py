"""Did it work? Checks of a denoised image without a clean one, each with a verdict in one line."""

from muguet.quality.card import Quality, assumptions, quality
from muguet.quality.check import Check, Verdict
from muguet.quality.held_out import HeldOut

__all__ = ["Check", "HeldOut", "Quality", "Verdict", "assumptions", "quality"]
