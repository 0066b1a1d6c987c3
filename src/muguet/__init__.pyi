from . import (
    blockwise,
    export,
    figures,
    formats,
    image,
    neighbours,
    noise,
    pattern,
    prediction,
    quality,
    recipes,
    report,
    restoration,
    samples,
    training,
)
from .blockwise import denoise_blocks
from .denoiser import Denoiser, load
from .errors import MuguetError
from .method import Method
from .training import denoise, fit
from .version import __version__

__all__ = [
    "Denoiser",
    "Method",
    "MuguetError",
    "__version__",
    "blockwise",
    "denoise",
    "denoise_blocks",
    "export",
    "figures",
    "fit",
    "formats",
    "image",
    "load",
    "neighbours",
    "noise",
    "pattern",
    "prediction",
    "quality",
    "recipes",
    "report",
    "restoration",
    "samples",
    "training",
]
