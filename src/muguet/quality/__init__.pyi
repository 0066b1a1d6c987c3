from .card import Quality, assumptions, quality
from .check import Check, Verdict
from .held_out import HeldOut
from .model_checks import blind, examine
from .normalised import centre
from .residual import Residual
from .scores import Scores, affine_match, mean_and_standard_error, psnr, score, ssim

__all__ = [
    "Check",
    "HeldOut",
    "Quality",
    "Residual",
    "Scores",
    "Verdict",
    "affine_match",
    "assumptions",
    "blind",
    "centre",
    "examine",
    "mean_and_standard_error",
    "psnr",
    "quality",
    "score",
    "ssim",
]
