from .card import Quality, assumptions, quality
from .check import Check, Verdict
from .frc import Response, Rings, resolution, ring_correlation
from .held_out import HeldOut
from .model_checks import blind, examine
from .normalised import centre
from .residual import Residual
from .scores import Scores, affine_match, mean_and_standard_error, psnr, score, ssim
from .second_opinion import SecondOpinion, second_opinion

__all__ = [
    "Check",
    "HeldOut",
    "Quality",
    "Residual",
    "Response",
    "Rings",
    "Scores",
    "SecondOpinion",
    "Verdict",
    "affine_match",
    "assumptions",
    "blind",
    "centre",
    "examine",
    "mean_and_standard_error",
    "psnr",
    "quality",
    "resolution",
    "ring_correlation",
    "score",
    "second_opinion",
    "ssim",
]
